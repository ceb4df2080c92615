"""Start, stop, repair and inspect the parts of one local cloud."""

import http.client
import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from localcloud import processes, saves, serving, snapshots
from localcloud.aws.front import HEALTH
from localcloud.config import DEFAULT_PORT, HOST, Settings, folder_from
from localcloud.errors import LocalCloudError, NotRunningError, PortTakenError, StartError, StateError
from localcloud.faults import rules
from localcloud.instance import Folder, Part, Record, running_beside, typed
from localcloud.snapshots import Header
from localcloud.trino import install, server

START_SECONDS = 60.0
TRINO_START_SECONDS = 300.0  # 15 s on two idle cores
ATHENA_GRACE = 10.0
TRINO_GRACE = 15.0
# The AWS part writes the snapshot after SIGTERM.
AWS_GRACE = 300.0
LAST_LINES = 5
# glibc keeps the memory of large request bodies in an arena per thread: after uploading and downloading
# 600 MB the AWS part held 446 MB; with these settings 169 MB.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
# A killed process can hold its port a little longer than it is listed: until its last thread has ended.
RELEASE_SECONDS = 2.0

Say = Callable[[str], None]


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
    listener = _listen(DEFAULT_PORT if settings.port is None else settings.port)
    port = listener.getsockname()[1]
    endpoint = f"http://{HOST}:{port}"
    parts: list[Part] = []
    try:
        with listener:
            parts.append(_start_aws(folder, settings, listener))
        parts += _start_athena_parts(folder, settings, endpoint)
        record = Record(endpoint, settings.region, port, tuple(parts), settings.kept())
        folder.write(record)
        for part in parts:
            _wait(part, say)
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
    parts = _start_athena_parts(folder, again, before.endpoint, trino)
    record = replace(before, parts=(aws, *((trino,) if trino else ()), *parts))
    folder.write(record)
    for part in parts:
        _wait(part, say)
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


def _start_aws(folder: Folder, settings: Settings, listener: socket.socket) -> Part:
    # The socket is handed over already listening: from now on clients queue instead of being refused.
    fd = listener.fileno()
    command = [sys.executable, "-m", "localcloud.aws", "--fd", str(fd), "--dir", str(folder.path)]
    command += ["--region", settings.region, "--save-every", str(settings.save_every)]
    if settings.faults:
        command += ["--faults", str(settings.faults)]
    if settings.iam:
        command += ["--iam", settings.iam]
    for bucket in settings.buckets:
        command += ["--bucket", bucket]
    version = f"moto {importlib.metadata.version('moto')}"
    return _spawn(folder, "aws", command, settings, listener.getsockname()[1], version, fds=(fd,))


def _start_athena_parts(
    folder: Folder, settings: Settings, endpoint: str, trino: Part | None = None
) -> list[Part]:
    """Start Athena and, if the engine is Trino and none is given, Trino before it."""
    if settings.engine != "trino":
        return [_start_athena(folder, settings, endpoint)]
    if trino:
        return [_start_athena(folder, settings, endpoint, trino)]
    trino = _start_trino(folder, settings, endpoint)
    return [trino, _start_athena(folder, settings, endpoint, trino)]


def _start_trino(folder: Folder, settings: Settings, endpoint: str) -> Part:
    place = server.Place(_free_port(), endpoint, settings.region, settings.buckets[0], settings.heap_mb)
    command = server.command(install.find(settings.trino), folder.scratch("trino"), place)
    version = f"trino {install.VERSION}, heap {settings.heap_mb} MB"
    return _spawn(folder, "trino", command, settings, place.port, version, endpoint=endpoint)


def _start_athena(folder: Folder, settings: Settings, endpoint: str, trino: Part | None = None) -> Part:
    port = _free_port()
    command = [*settings.athena, "--port", str(port), "--endpoint", endpoint]
    command += ["--folder", str(folder.scratch("athena"))]
    command += ["--output", f"s3://{settings.buckets[0]}/athena-results/"]
    if settings.faults:
        command += ["--faults", str(settings.faults)]
    version = f"duckdb {importlib.metadata.version('duckdb')}"
    if trino:
        command += ["--trino", f"http://{HOST}:{trino.port}", "--trino-log", trino.log]
        version = f"on trino {install.VERSION}"
    return _spawn(folder, "athena", command, settings, port, version, endpoint=endpoint)


def _free_port() -> int:
    with serving.listen(HOST, 0) as free:
        return int(free.getsockname()[1])


def _spawn(
    folder: Folder,
    name: str,
    command: Sequence[str],
    settings: Settings,
    port: int,
    version: str,
    *,
    fds: tuple[int, ...] = (),
    endpoint: str = "",
) -> Part:
    log = folder.new_log(name)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=fds,
            # Its own session: a Ctrl-C in the terminal that ran `up` must not end the cloud.
            start_new_session=True,
            env=_environment(settings, endpoint),
        )
    started = processes.started(process.pid) or ""
    # Do not wait for it: it outlives this command.
    process.returncode = 0
    return Part(name=name, pid=process.pid, started=started, port=port, version=version, log=str(log))


def _environment(settings: Settings, endpoint: str) -> dict[str, str]:
    """The environment of a part: ours, without any way to real AWS or out through a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return (
        kept
        | client_environment(endpoint, settings.region)
        | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PYTHONUNBUFFERED": "1",
            **MEMORY,
        }
    )


def client_environment(endpoint: str, region: str) -> dict[str, str]:
    """The environment variables that a client of the local cloud needs; any credentials do."""
    return ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}) | {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _listen(port: int) -> socket.socket:
    deadline = time.monotonic() + RELEASE_SECONDS
    while True:
        try:
            return serving.listen(HOST, port)
        except PermissionError as error:
            raise PortTakenError(
                f"port {port} may not be used by this user", hint="choose one above 1023 with --port"
            ) from error
        except OSError as error:
            owner = processes.listener(port)
            if owner or time.monotonic() > deadline:
                raise _taken(port, owner) from error
        time.sleep(0.05)


def _taken(port: int, owner: tuple[int, str] | None) -> PortTakenError:
    by = f" by process {owner[0]} ({owner[1]})" if owner else ""
    return PortTakenError(
        f"port {port} is taken{by}",
        hint="choose another with --port or DM_LOCAL_PORT (0 takes any free one), or stop that process",
    )


def _wait(part: Part, say: Say) -> None:
    begun = time.monotonic()
    say(f"starting {part.name} ({part.version}) …")
    while not _answers(part):
        seconds = time.monotonic() - begun
        if not part.runs or seconds > (TRINO_START_SECONDS if part.name == "trino" else START_SECONDS):
            why = f"did not answer within {seconds:.0f} s" if part.runs else "ended while starting"
            raise StartError(f"the part {part.name} {why}:\n{_last_lines(part.log)}", hint=f"read {part.log}")
        time.sleep(0.05)
    say(f"{part.name} answers on port {part.port} after {time.monotonic() - begun:.1f} s")


def _answers(part: Part) -> bool:
    """Whether the part answers HTTP; any status will do, but Trino must say that it has started."""
    if part.name == "trino":
        return server.ready(part.port)
    connection = http.client.HTTPConnection(HOST, part.port, timeout=1)
    try:
        connection.request("GET", HEALTH)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _last_lines(log: str) -> str:
    lines = Path(log).read_text(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
