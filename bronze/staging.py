"""A staging folder for the outputs of one raw file, until they are complete."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bronze.errors import SourceError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Stage:
    """The staged and final folders `bronze`, `events` and `quarantine` of one raw file."""

    out: Path
    file_id: str

    @property
    def folder(self) -> Path:
        """The staging folder."""
        return self.out / f".{self.file_id}.partial"

    def rows(self, number: int) -> Path:
        """The `number`th file of rows."""
        return self.folder / "bronze" / f"{self.file_id}-{number:05d}.parquet"

    @property
    def events(self) -> Path:
        """The file of control records."""
        return self.folder / "events" / f"{self.file_id}.parquet"

    @property
    def quarantine(self) -> Path:
        """The file of refused records."""
        return self.folder / "quarantine" / f"{self.file_id}.jsonl"

    def publish(self, *names: str) -> None:
        """Remove the outputs of an earlier run, then move the files of the folders `names`, in this order."""
        for path in self._earlier():
            path.unlink()
        for name in names:
            staged, target = self.folder / name, self.out / name
            if not target.exists():
                staged.rename(target)  # in one step, if this is the first raw file
                continue
            for path in staged.iterdir():
                path.replace(target / path.name)
        for name in ("bronze", "events", "quarantine"):
            if (self.out / name).exists() and not any((self.out / name).iterdir()):
                (self.out / name).rmdir()

    def _earlier(self) -> list[Path]:
        ours = re.compile(rf"{re.escape(self.file_id)}(?:-[0-9]{{5,}}\.parquet|\.parquet|\.jsonl)")
        names = ("bronze", "events", "quarantine")
        return [path for name in names for path in (self.out / name).glob("*") if ours.fullmatch(path.name)]


@contextmanager
def stage(out: Path, file_id: str) -> Iterator[Stage]:
    """Create an empty stage under `out`, and remove it at the end.

    Raises SourceError if `file_id` cannot be part of a file name.
    """
    if not _NAME.fullmatch(file_id):
        raise SourceError(
            f"the file id {file_id!r} cannot name a file",
            hint="use at most 128 letters, digits, dots, dashes and underscores",
        )
    made = Stage(out, file_id)
    shutil.rmtree(made.folder, ignore_errors=True)  # left behind by a killed run
    try:
        for name in ("bronze", "events", "quarantine"):
            (made.folder / name).mkdir(parents=True)
        yield made
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
