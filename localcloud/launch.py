"""Start the processes of one local cloud: moto, Athena and Trino."""

import http.client
import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from localcloud import processes, serving
from localcloud.aws.front import HEALTH
from localcloud.config import HOST, Settings
from localcloud.errors import PortTakenError, StartError
from localcloud.instance import Folder, Part
from localcloud.trino import install, server

START_SECONDS = 60.0
TRINO_START_SECONDS = 300.0  # 15 s on two idle cores
LAST_LINES = 5
# glibc keeps the memory of large request bodies in an arena per thread: after uploading and downloading
# 600 MB the AWS part held 446 MB; with these settings 169 MB.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
# A killed process can hold its port a little longer than it is listed: until its last thread has ended.
RELEASE_SECONDS = 2.0

Say = Callable[[str], None]


def start_aws(folder: Folder, settings: Settings, listener: socket.socket) -> Part:
    """Start the AWS part on a socket that already listens: clients queue meanwhile, and are not refused."""
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


def start_athena(folder: Folder, settings: Settings, endpoint: str, trino: Part | None = None) -> list[Part]:
    """Start Athena and, if the engine is Trino and none is given, Trino before it."""
    if settings.engine == "trino" and trino is None:
        trino = _start_trino(folder, settings, endpoint)
        return [trino, _start_athena_only(folder, settings, endpoint, trino)]
    return [_start_athena_only(folder, settings, endpoint, trino)]


def _start_trino(folder: Folder, settings: Settings, endpoint: str) -> Part:
    place = server.Place(_free_port(), endpoint, settings.region, settings.buckets[0], settings.heap_mb)
    command = server.command(install.find(settings.trino), folder.scratch("trino"), place)
    version = f"trino {install.VERSION}, heap {settings.heap_mb} MB"
    return _spawn(folder, "trino", command, settings, place.port, version, endpoint=endpoint)


def _start_athena_only(folder: Folder, settings: Settings, endpoint: str, trino: Part | None = None) -> Part:
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


def listen(port: int) -> socket.socket:
    """Listen on the endpoint's port, 0 for any free one. Raises PortTakenError."""
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


def wait(part: Part, say: Say) -> None:
    """Wait until a part answers. Raises StartError when it ends, or takes too long."""
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
