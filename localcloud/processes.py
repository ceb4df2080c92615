"""Facts about processes: whether a pid is still the process we started, its memory, a port's listener.

On Linux they come from /proc; elsewhere from `ps`, which does not know the owner of a port.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"


def started(pid: int) -> str | None:
    """Return when process `pid` started, as an opaque text; None when it is gone (or a zombie).

    Pid and start time together identify a process: a pid can be reused, but not with the same start time.
    """
    if not PROC.joinpath("self/stat").exists():
        return _ps(pid, "lstart")
    try:
        # The command name, in parentheses, may contain blanks: count the fields after it.
        fields = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def memory(pid: int) -> int:
    """Resident memory of `pid` in bytes; 0 when it is gone."""
    if not PROC.joinpath("self/stat").exists():
        return int(_ps(pid, "rss") or 0) * 1024
    try:
        pages = int(PROC.joinpath(str(pid), "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def is_same(pid: int, start: str) -> bool:
    """Whether `pid` is still the process that started at `start`."""
    return started(pid) == start


def stop(pid: int, start: str, *, grace: float) -> bool:
    """End the process `pid` that started at `start`: SIGTERM, and SIGKILL after `grace` seconds.

    Does nothing if another process has taken over the pid. Returns whether SIGTERM was enough.
    """
    if not _signal(pid, start, signal.SIGTERM) or _gone(pid, start, grace):
        return True
    kill(pid, start)
    return False


def kill(pid: int, start: str) -> None:
    """SIGKILL the process `pid` that started at `start`, and wait until it is gone."""
    if _signal(pid, start, signal.SIGKILL):
        _gone(pid, start, 10)


def listener(port: int) -> tuple[int, str] | None:
    """Pid and command of the process that listens on TCP `port`; None when it cannot be found."""
    inodes = {
        row[9]
        for table in ("tcp", "tcp6")
        for row in _sockets(PROC / "net" / table)
        if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in PROC.glob("[0-9]*") if wanted else ():
        try:
            files = list(process.joinpath("fd").iterdir())
            command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # another user's process, or one that just ended
        if any(_target(file) in wanted for file in files):
            return int(process.name), command.strip()
    return None


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""  # closed meanwhile


def _sockets(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []


def _signal(pid: int, start: str, number: int) -> bool:
    if not is_same(pid, start):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _gone(pid: int, start: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_same(pid, start):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _ps(pid: int, field: str) -> str | None:
    done = subprocess.run(
        ["ps", "-o", f"stat=,{field}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, value = done.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else value.strip()
