"""Write the libraries that runs of Spark on EMR need: `python -m control.spark_runtime DIR` gives a tar.gz.

EMR has the interpreter and Spark; what the job imports besides is unpacked beside each process, and found by
PYTHONPATH. The libraries are the locked ones: nothing has to be built on a machine like EMR's. The same lock
gives the same bytes, and the archive is named after them: a deployment uploads each only once.
"""

import gzip
import sys
import tarfile
import tempfile
from pathlib import Path

from control import package

# An interpreter of `SparkRelease` (emr-spark-8.0.0 has 3.11, 3.12 and 3.13), as the template names it.
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"
LIBRARIES = frozenset(["isal", "msgspec", "pyarrow", "pyyaml"])
# Tasks read and write S3 through pyarrow, where a function has boto3.
NOT_OF_PYARROW = tuple(one for one in package.NOT_OF_PYARROW if "s3" not in one)


def archive(folder: Path, *, python: str = PYTHON, platform: str | None = PLATFORM) -> Path:
    """Write the archive to `folder` and give its path. `platform` None is this machine's.

    Raises UsageError without `uv`, CalledProcessError when it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dm-runtime-") as scratch:
        libraries = Path(scratch) / "libraries"
        package.install(libraries, python, platform, LIBRARIES)
        content = dict(sorted(package.of_libraries(libraries, NOT_OF_PYARROW)))
        target = folder / f"runtime-{package.digest(content)}.tar.gz"
        # No time and no name of a file in the header: the same content is the same bytes.
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
    package.forget_older(target)
    return target


def main() -> int:
    """Write the archive and print its path; 2 where something to make it with is missing."""
    about = "Write the libraries that runs of Spark on EMR need."
    return package.write_as_told(archive, about, PYTHON, PLATFORM)


if __name__ == "__main__":
    sys.exit(main())
