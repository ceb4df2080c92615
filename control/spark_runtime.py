"""Package the libraries for Spark on EMR: `python -m control.spark_runtime DIR` writes a tar.gz.

EMR provides the interpreter and Spark. The other libraries that the job imports are unpacked next to each
process and found through PYTHONPATH. They are the locked wheels, so no machine like EMR's is needed to build
them. The build is reproducible, and the archive is named after its content, so a deployment uploads each
version only once.
"""

import gzip
import sys
import tarfile
import tempfile
from pathlib import Path

from control import package

# One of the Python versions of `SparkRelease` in the template (emr-spark-8.0.0 has 3.11, 3.12 and 3.13).
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"
LIBRARIES = frozenset(["isal", "msgspec", "pyarrow", "pyyaml"])
# Spark tasks access S3 through pyarrow; Lambda functions use boto3.
NOT_OF_PYARROW = tuple(one for one in package.NOT_OF_PYARROW if "s3" not in one)


def archive(folder: Path, *, python: str = PYTHON, platform: str | None = PLATFORM) -> Path:
    """Write the archive to `folder` and return its path. `platform` None means this machine's.

    Raises UsageError without `uv`, CalledProcessError if it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dm-runtime-") as scratch:
        libraries = Path(scratch) / "libraries"
        package.install(libraries, python, platform, LIBRARIES)
        content = dict(sorted(package.needed_files(libraries, NOT_OF_PYARROW)))
        target = folder / f"runtime-{package.digest(content)}.tar.gz"
        # No timestamp or file name in the gzip header, so that the same content gives the same bytes.
        with (
            target.open("wb") as written,
            gzip.GzipFile("", "wb", 6, written, 0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, path in content.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as source:
                    tar.addfile(entry, source)
    package.remove_older(target)
    return target


def main() -> int:
    """Write the archive and print its path; return 2 if a tool to build it with is missing."""
    about = "Package the libraries that Spark jobs on EMR need."
    return package.run_command_line(archive, about, PYTHON, PLATFORM)


if __name__ == "__main__":
    sys.exit(main())
