"""Where the files of one raw file grow until they are complete: a folder beside their place."""

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
    """The folders `bronze`, `events` and `quarantine` of one raw file, before and after they are complete."""

    out: Path
    file_id: str

    @property
    def folder(self) -> Path:
        """Where files grow."""
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
        """Give the files of the folders `names` their place, in this order; drop all of an earlier run."""
        for path in self._earlier():
            path.unlink()
        for name in names:
            staged, target = self.folder / name, self.out / name
            if not target.exists():
                staged.rename(target)  # in one step, when this file is the first
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
    """A fresh stage under `out`, gone at the end whatever happens.

    Raises SourceError when `file_id` cannot be part of a file's name.
    """
    if not _NAME.fullmatch(file_id):
        raise SourceError(
            f"the file id {file_id!r} cannot name a file",
            hint="use at most 128 letters, digits, dots, dashes and underscores",
        )
    made = Stage(out, file_id)
    shutil.rmtree(made.folder, ignore_errors=True)  # of a run that was killed
    try:
        for name in ("bronze", "events", "quarantine"):
            (made.folder / name).mkdir(parents=True)
        yield made
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
