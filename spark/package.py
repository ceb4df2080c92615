"""Package the job for a cluster: `python -m spark.package DIR` writes ingest.py and ingest.zip.

The archive has the parser's kernel for the cluster's platform. The build is reproducible, so that a
deployment can tell whether anything has changed.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import bronze_kernel.build as kernel

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("bronze/**/*.py", "bronze_kernel/__init__.py", "spark/**/*.py")
# The platform of EMR, as in `infra/templates`.
PLATFORM = "x86_64-manylinux_2_28"
# The earliest timestamp that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def package(folder: Path, *, platform: str | None = PLATFORM) -> tuple[Path, Path]:
    """Write the job and the archive for `--py-files` to `folder`, and return both paths.

    `platform` None means this machine's. Raises BuildError if the kernel cannot be built for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job, archive = folder / "ingest.py", folder / "ingest.zip"
    shutil.copyfile(ROOT / "spark" / "jobs" / "ingest.py", job)
    content = dict(_content(platform))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content[name])
    return job, archive


def _content(platform: str | None) -> Iterator[tuple[str, bytes]]:
    for pattern in SOURCES:
        for source in ROOT.glob(pattern):
            yield source.relative_to(ROOT).as_posix(), source.read_bytes()
    with tempfile.TemporaryDirectory(prefix="dm-kernel-") as scratch:
        built = kernel.build(Path(scratch) / "kernel.so", kernel.target_of(platform))
        yield "bronze_kernel/kernel.so", built.read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both and print their paths."""
    parser = argparse.ArgumentParser(
        prog="python -m spark.package", description="Package the job for a cluster."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", default=PLATFORM, help="as uv names it, such as aarch64-manylinux_2_28")
    options = parser.parse_args(arguments)
    try:
        for written in package(options.folder, platform=options.platform):
            sys.stdout.write(f"{written}\n")
    except kernel.BuildError as error:
        sys.stderr.write(f"error: {error.message}\n  try: {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
