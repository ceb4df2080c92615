"""Start, stop, repair and inspect the parts of one local cloud."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from localcloud import launch, processes, saves, snapshots
from localcloud.config import DEFAULT_PORT, HOST, Settings, folder_from
from localcloud.errors import LocalCloudError, NotRunningError, StateError
from localcloud.faults import rules
from localcloud.instance import Folder, Part, Record, running_beside, typed
from localcloud.launch import Say
from localcloud.snapshots import Header
from localcloud.trino import install

ATHENA_GRACE = 10.0
TRINO_GRACE = 15.0
# The AWS part writes the snapshot after SIGTERM.
AWS_GRACE = 300.0


@dataclass(frozen=True, slots=True)
class Started:
    """What `up` found or made."""

    record: Record
    new: tuple[str, ...]
    """Names of the parts that this call started; empty when everything ran already."""


def up(settings: Settings, say: Say) -> Started:
    """Start every part and wait until it answers; parts that run already stay.

    Raises PortTakenError and StartError.
    """
    folder = Folder(settings.folder.absolute())
    with folder.locked(make=True):
        before = folder.read()
        if before and before.part("aws"):
            return _heal(folder, before, settings, say)
        if before:
            _stop_parts(before)
            port = settings.port or before.port
            say(f"found parts of an earlier run stopped, starting again on port {port}")
            settings = replace(settings, port=port).on_engine_of(before.settings)
        return _start_all(folder, settings, say)


def down(path: Path, say: Say) -> Header:
    """Save the state, stop every part, and return the header of what was saved.

    Raises NotRunningError when nothing runs in `path`, StateError when the state could not be saved; the
    AWS part, which holds the state, then keeps running.
    """
    folder = Folder(path.absolute())
    _running(folder)
    with folder.locked():
        record = _running(folder)
        for name, grace in (("athena", ATHENA_GRACE), ("trino", TRINO_GRACE), ("aws", AWS_GRACE)):
            if part := record.part(name):
                say(f"stopping {name} …")
                if name == "aws":
                    saves.last(folder, record)
                processes.stop(part.pid, part.started, grace=grace)
        folder.forget()
        return _saved(folder, record)


def reset(path: Path, *, saves: bool = False) -> None:
    """Stop every part without saving and clear the folder, including states saved under a name if `saves`.

    Raises NotRunningError when there is no local cloud.
    """
    folder = Folder(path.absolute())
    if not folder.marked:
        raise NotRunningError(f"there is no local cloud in {path}", hint="name its folder with --dir")
    with folder.locked():
        if record := folder.read():
            _stop_parts(record)
        folder.clear(saves=saves)


def status(path: Path) -> Record:
    """Return the parts started last, alive or not. Raises NotRunningError when none is alive."""
    return _running(Folder(path.absolute()))


def load(path: Path, name: str, say: Say) -> Header:
    """Replace the present state, which is lost, by the one saved under `name`; restart a running cloud.

    Raises LocalCloudError when nothing has that name, StartError when the cloud does not start again.
    """
    folder = Folder(path.absolute())
    source = saves.find(folder, name)
    with folder.locked():
        with saves.named(name):
            snapshots.read(source)
        record = folder.read()
        runs = record is not None and any(part.runs for part in record.parts)
        if record:
            # Killed rather than asked to end: what they would save on the way is dropped anyway.
            _stop_parts(record)
        header = snapshots.copy(source, folder.state)
        if record and runs:
            settings = Settings(folder.path, record.port, record.region).again(record.settings)
            _start_all(folder, settings, say)
    return header


def _saved(folder: Folder, record: Record) -> Header:
    header = snapshots.header(folder.state)
    by = {f"{part.pid} {part.started}" for part in record.parts}
    if header is None or header.saved_by not in by or header.reason != snapshots.AT_DOWN:
        last = header.summary if header else "nothing: no state was ever saved"
        raise StateError(
            f"the cloud is down, but its state was not saved; `dm local up` will bring back {last}",
            hint=f"read {folder.log('aws')}",
        )
    return header


def _running(folder: Folder) -> Record:
    record = folder.read() if folder.marked else None
    if record is None or not any(part.runs for part in record.parts):
        other = running_beside(folder.path)
        usual = folder.path == folder_from(os.environ).absolute()
        start = "dm local up" if usual or not folder.marked else f"dm local up --dir {typed(folder.path)}"
        hint = f"{start}; or add --dir {other}, where one runs" if other else start
        raise NotRunningError(f"no local cloud runs in {folder.path}", hint=hint)
    return record


def _stop_parts(record: Record) -> None:
    for part in record.parts:
        processes.kill(part.pid, part.started)


def _start_all(folder: Folder, settings: Settings, say: Say) -> Started:
    found = snapshots.header(folder.state)
    if settings.faults:
        say(f"{len(rules.read(settings.faults))} faults from {settings.faults} will be injected")
    if settings.engine == "trino" and settings.iam:
        raise LocalCloudError(
            "Trino calls Glue and S3 as itself, so --iam cannot evaluate its callers",
            hint="omit --iam, or use the engine duckdb",
        )
    if settings.engine == "trino":
        install.find(settings.trino)  # raises if something is missing, before anything starts
    listener = launch.listen(DEFAULT_PORT if settings.port is None else settings.port)
    port = listener.getsockname()[1]
    endpoint = f"http://{HOST}:{port}"
    parts: list[Part] = []
    try:
        with listener:
            parts.append(launch.start_aws(folder, settings, listener))
        record = Record(endpoint, settings.region, port, tuple(parts), settings.kept())
        folder.write(record)  # at once: a part that no record names would outlive every command
        parts += launch.start_athena(folder, settings, endpoint)
        record = replace(record, parts=tuple(parts))
        folder.write(record)
        for part in parts:
            launch.wait(part, say)
        say(
            f"brought back the state saved at {found.summary}" if found else "no state was saved: it is empty"
        )
    except BaseException:
        for part in parts:
            processes.kill(part.pid, part.started)
        folder.forget()
        raise
    return Started(record, tuple(part.name for part in parts))


def _heal(folder: Folder, before: Record, settings: Settings, say: Say) -> Started:
    """Start the missing parts beside a running AWS part."""
    aws, athena, trino = (before.part(name) for name in ("aws", "athena", "trino"))
    settings = replace(settings, engine=_engine(before, settings))
    missing = settings.engine == "trino" and trino is None
    _check_same("faults", str(settings.faults) if settings.faults else None, before)
    _check_same("iam", settings.iam, before)
    if aws is None or (athena and not missing):
        return Started(before, ())
    if athena:
        # It is connected to the Trino that is gone.
        processes.stop(athena.pid, athena.started, grace=ATHENA_GRACE)
    again = replace(settings.again(before.settings), faults=settings.faults)
    parts = launch.start_athena(folder, again, before.endpoint, trino)
    record = replace(before, parts=(aws, *((trino,) if trino else ()), *parts))
    folder.write(record)
    for part in parts:
        launch.wait(part, say)
    return Started(record, tuple(part.name for part in parts))


def _check_same(option: str, wanted: str | None, running: Record) -> None:
    """Refuse an option that only a start can set, unless the running cloud was started with the same."""
    found = running.settings.get(option)
    if wanted and wanted != found:
        how = f"with {option} {found}" if found else f"without {option}"
        raise LocalCloudError(
            f"the cloud at {running.endpoint} runs {how}",
            hint=f"dm local down, then up with --{option}",
        )


def _engine(running: Record, settings: Settings) -> str:
    """Return the engine of the running cloud. Raises LocalCloudError when another is asked for."""
    engine = "trino" if any(part.name == "trino" for part in running.parts) else "duckdb"
    if settings.engine not in (None, engine):
        raise LocalCloudError(
            f"the cloud in {settings.folder} runs with the engine {engine}, not {settings.engine}",
            hint="dm local down, then up with the other engine",
        )
    return engine
