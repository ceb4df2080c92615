"""Write what a cluster needs to run the job: `python -m spark.package DIR` gives ingest.py and ingest.zip.

The same sources give the same bytes, so that a deployment can tell whether anything has changed.
"""

import shutil
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bronze", "spark")
# The earliest time that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def package(folder: Path) -> tuple[Path, Path]:
    """Write the job and the archive for `--py-files` to `folder`; give both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    job, archive = folder / "ingest.py", folder / "ingest.zip"
    shutil.copyfile(ROOT / "spark" / "jobs" / "ingest.py", job)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name in PACKAGES:
            for source in sorted((ROOT / name).rglob("*.py")):
                entry = zipfile.ZipInfo(source.relative_to(ROOT).as_posix(), EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, source.read_bytes())
    return job, archive


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m spark.package DIR")
    for written in package(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
