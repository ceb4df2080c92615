"""The folder of one local cloud: its marker, its record of running parts, its logs and its saved state."""

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
    """A process of the cloud. `pid` and `started` together identify it; see `processes.started`."""

    name: str
    pid: int
    started: str
    port: int
    version: str
    log: str

    @property
    def runs(self) -> bool:
        """Whether exactly this process is alive."""
        return processes.is_same(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Record:
    """The parts that were started last in a folder."""

    endpoint: str
    region: str
    port: int
    parts: tuple[Part, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    """How it was started, for a restart: see `localcloud.config.Settings.kept`."""

    def part(self, name: str) -> Part | None:
        """The part called `name`, when it is alive."""
        return next((part for part in self.parts if part.name == name and part.runs), None)


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths and files of an instance's folder."""

    path: Path

    @property
    def state(self) -> Path:
        """The folder of the saved state."""
        return self.path / STATE

    def save(self, name: str) -> Path:
        """The folder of the state saved under `name`. Raises LocalCloudError for an invalid name."""
        if not NAME.fullmatch(name):
            raise LocalCloudError(
                f"{name!r} cannot be the name of a saved state",
                hint="use letters, digits, '.', '_' and '-', 64 at most",
            )
        return self.path / SAVES / name

    def saves(self) -> list[str]:
        """The names of the saved states."""
        found = self.path.joinpath(SAVES)
        return (
            sorted(one.name for one in found.iterdir() if NAME.fullmatch(one.name)) if found.is_dir() else []
        )

    @property
    def marked(self) -> bool:
        """Whether a local cloud created this folder."""
        return self.path.joinpath(MARK).is_file()

    def log(self, part: str) -> Path:
        """The log file of the part called `part`."""
        return self.path / LOGS / f"{part}.log"

    def new_log(self, part: str) -> Path:
        """Return the path of a new log for `part`; the log of its previous run is kept as `.log.1`."""
        log = self.log(part)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def scratch(self, part: str) -> Path:
        """Return an empty folder for what the part called `part` needs only while it runs."""
        folder = self.path / SCRATCH / part
        shutil.rmtree(folder, ignore_errors=True)
        # Private: it holds copies of objects, and somebody else may have created the cloud's folder.
        folder.parent.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        return folder

    def prepare(self) -> None:
        """Create the folder and mark it as ours. Refuses a folder that holds other things."""
        # Keep this order, with the marker first: another `up` may be creating the folder at this moment.
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
        """Lock the folder; other commands wait. With `make`, create it first if it does not exist.

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
                # Meanwhile a reset may have removed the folder, and another `up` recreated it.
                if self._is_lock(file):
                    yield
                    return

    def _is_lock(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.joinpath(LOCK).stat())
        except FileNotFoundError:
            return False

    def read(self) -> Record | None:
        """Read the record of the parts started last; None when nothing was started or it was stopped."""
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
        """Whether our code changed after the parts were started; they still run the old code."""
        try:
            started = self.path.joinpath(RECORD).stat().st_mtime
        except FileNotFoundError:
            return False
        return any(source.stat().st_mtime > started for source in Path(__file__).parent.rglob("*.py"))

    def write(self, record: Record) -> None:
        """Replace the last record by `record`, atomically."""
        new = self.path / f".{RECORD}.new"
        new.write_text(json.dumps(asdict(record), indent=1) + "\n")
        new.replace(self.path / RECORD)

    def forget(self) -> None:
        """Remove the record: nothing is running."""
        self.path.joinpath(RECORD).unlink(missing_ok=True)

    def clear(self, *, saves: bool) -> None:
        """Remove everything that a local cloud creates in the folder, and the folder if it is then empty.

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
    """Find the first folder beside `path` whose cloud runs: probably the user meant that one."""
    # Folders that cannot be read are skipped: the user did not ask for them.
    with contextlib.suppress(OSError, LocalCloudError):
        for folder in map(Folder, sorted(path.parent.iterdir())):
            record = folder.read() if folder.marked else None
            if record and any(part.runs for part in record.parts):
                return typed(folder.path)
    return None


def typed(path: Path) -> Path:
    """A folder as a user would type it: relative to the working folder where possible."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
