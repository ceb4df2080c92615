"""The folder of one local cloud: its mark, its record of running parts, its logs and its saved state."""

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from localcloud import processes
from localcloud.errors import LocalCloudError, NotRunningError

FORMAT = 1
MARK = ".localcloud"
LOCK = ".lock"
RECORD = "running.json"
LOGS = "logs"
STATE = "state"
SAVES = "saves"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the cloud. `started` and `pid` together name it for good; see `processes.started`."""

    name: str
    pid: int
    started: str
    port: int
    version: str
    log: str

    @property
    def runs(self) -> bool:
        """Whether this very process is alive."""
        return processes.is_same(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Record:
    """What was started last in a folder."""

    endpoint: str
    region: str
    port: int
    parts: tuple[Part, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    """How it was started, for a start anew: see `localcloud.config.Settings.kept`."""

    def part(self, name: str) -> Part | None:
        """The part called `name`, when it is alive."""
        return next((part for part in self.parts if part.name == name and part.runs), None)


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths and files of an instance's folder."""

    path: Path

    @property
    def state(self) -> Path:
        """Where the saved state lies."""
        return self.path / STATE

    def save(self, name: str) -> Path:
        """The folder of the state saved under `name`. Raises LocalCloudError when that can be no name."""
        if not NAME.fullmatch(name):
            raise LocalCloudError(
                f"{name!r} cannot be the name of a saved state",
                hint="use letters, digits, '.', '_' and '-', 64 at most",
            )
        return self.path / SAVES / name

    def saves(self) -> list[str]:
        """The names of saved states."""
        found = self.path.joinpath(SAVES)
        return (
            sorted(one.name for one in found.iterdir() if NAME.fullmatch(one.name)) if found.is_dir() else []
        )

    @property
    def marked(self) -> bool:
        """Whether a local cloud made this folder."""
        return self.path.joinpath(MARK).is_file()

    def log(self, part: str) -> Path:
        """The log file of the part called `part`."""
        return self.path / LOGS / f"{part}.log"

    def new_log(self, part: str) -> Path:
        """The path of a fresh log for `part`; the log of its last run is kept beside it as `.log.1`."""
        log = self.log(part)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def scratch(self, part: str) -> Path:
        """An empty folder for what the part called `part` needs only while it runs."""
        folder = self.path / SCRATCH / part
        shutil.rmtree(folder, ignore_errors=True)
        # Copies of objects lie there, and the folder of the cloud may be one that somebody else has made.
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        return folder

    def prepare(self) -> None:
        """Make the folder and mark it as ours. Refuses a folder that holds other things."""
        # In this order, and the mark before all else: another `up` may be making the folder just now.
        if self.path.is_dir() and any(self.path.iterdir()) and not self.marked:
            raise LocalCloudError(
                f"the folder {self.path} holds files that the local cloud did not make",
                hint="choose an empty or new folder with --dir or DM_LOCAL_DIR",
            )
        if self.path.exists() and not self.path.is_dir():
            raise LocalCloudError(f"{self.path} is a file, not a folder", hint="choose another with --dir")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.joinpath(MARK).write_text(json.dumps({"format": FORMAT}) + "\n")
        for folder in (self.path / LOGS, self.state, self.path / SAVES):
            folder.mkdir(exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def locked(self, *, make: bool = False) -> Iterator[None]:
        """Hold the folder against other commands; they wait. With `make` it is made first where it is not.

        Raises NotRunningError when the folder is gone.
        """
        while True:
            if make:
                self.prepare()
            try:
                file = self.path.joinpath(LOCK).open("w")
            except FileNotFoundError:
                if make:
                    continue
                raise NotRunningError(f"there is no local cloud in {self.path}", hint="dm local up") from None
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A reset may have removed the folder meanwhile, and another `up` made it anew.
                if self._is_lock(file):
                    yield
                    return

    def _is_lock(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.joinpath(LOCK).stat())
        except FileNotFoundError:
            return False

    def read(self) -> Record | None:
        """The record of the parts started last; None when nothing was, or it was stopped."""
        try:
            content = json.loads(self.path.joinpath(RECORD).read_text())
            parts = tuple(Part(**part) for part in content.pop("parts"))
            return Record(**content, parts=parts)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise LocalCloudError(
                f"{self.path / RECORD} cannot be read: {error}",
                hint="stop the processes that it names, then remove the file",
            ) from error

    def is_behind(self) -> bool:
        """Has our code changed since the parts were started, which go on with what they have loaded of it?"""
        try:
            started = self.path.joinpath(RECORD).stat().st_mtime
        except FileNotFoundError:
            return False
        return any(source.stat().st_mtime > started for source in Path(__file__).parent.rglob("*.py"))

    def write(self, record: Record) -> None:
        """Put `record` in place of the last one, whole."""
        new = self.path / f".{RECORD}.new"
        new.write_text(json.dumps(asdict(record), indent=1) + "\n")
        new.replace(self.path / RECORD)

    def forget(self) -> None:
        """Remove the record: nothing runs any more."""
        self.path.joinpath(RECORD).unlink(missing_ok=True)

    def clear(self, *, saves: bool) -> None:
        """Remove all that a local cloud makes in the folder, and the folder when nothing else is left.

        States saved under a name stay unless `saves`; then the folder stays too.
        """
        for name in (LOGS, STATE, SCRATCH, *((SAVES,) if saves or not self.saves() else ())):
            shutil.rmtree(self.path / name, ignore_errors=True)
        marks = () if self.path.joinpath(SAVES).exists() else (LOCK, MARK)
        for name in (RECORD, f".{RECORD}.new", *marks):
            self.path.joinpath(name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()


def running_beside(path: Path) -> Path | None:
    """The first folder beside `path` whose cloud runs, as one would type it: most likely that was meant."""
    # One that cannot be read is passed over: it was not asked for.
    with contextlib.suppress(OSError, LocalCloudError):
        for folder in map(Folder, sorted(path.parent.iterdir())):
            record = folder.read() if folder.marked else None
            if record and any(part.runs for part in record.parts):
                return typed(folder.path)
    return None


def typed(path: Path) -> Path:
    """A folder as one would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
