"""A real PostgreSQL on 127.0.0.1 with its own data folder, and sessions in it by psql."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

END = "--- end of the answer ---"
# The server refuses to run as root; then it runs as the user that its Debian package creates.
AS_USER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.geteuid() == 0 else ()


def binaries() -> Path | None:
    """Return the folder of the newest installed server."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else [*Path("/usr/lib/postgresql").glob("*/bin")]
    return max(places, key=lambda place: int(place.parent.name) if place.parent.name.isdecimal() else 0,
               default=None)  # fmt: skip


@contextmanager
def server() -> Iterator["Server"]:
    """Run a server with logical decoding; it ends with the block, and its data too."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("no PostgreSQL server here. Install it: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-postgres-"))
    if AS_USER:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: str) -> None:
        log = (folder.parent / f"{folder.name}.log").open("ab")
        with log:
            subprocess.run([*AS_USER, *command], check=True, cwd=folder, stdout=log, stderr=log)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c wal_level=logical "
        "-c fsync=off -c max_wal_senders=4 -c max_replication_slots=4 -c shared_buffers=16MB"
    )
    data = str(folder / "data")
    try:
        run(str(programs / "initdb"), "-D", data, "--auth=trust", "-U", "shop", "-E", "UTF8", "--no-locale")
        run(str(programs / "pg_ctl"), "-D", data, "-o", settings, "-w", "-t", "120", "start")
        try:
            yield Server(shutil.which("psql") or str(programs / "psql"), port)
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


@dataclass(frozen=True)
class Server:
    """The address of the server."""

    psql: str
    port: int

    @contextmanager
    def session(self, *, replication: bool = False) -> Iterator["Session"]:
        """Open a connection; with `replication`, one for commands of the replication protocol."""
        target = f"host=127.0.0.1 port={self.port} user=shop dbname=postgres"
        if replication:
            target += " replication=database"
        session = Session(
            subprocess.Popen(
                [self.psql, "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", target],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        try:
            yield session
        finally:
            session.close()


@dataclass
class Session:
    """A psql that answers one statement after the other."""

    process: "subprocess.Popen[str]"
    waiting: int = field(default=0)

    def begin(self, sql: str) -> None:
        """Send a statement without waiting for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{sql};\n\\echo {END}\n")
        self.process.stdin.flush()
        self.waiting += 1

    def answer(self) -> list[list[str]]:
        """Return the rows of the oldest unanswered statement."""
        assert self.process.stdout is not None
        rows = []
        for line in self.process.stdout:
            if line.rstrip("\n") == END:
                self.waiting -= 1
                return rows
            rows.append(line.rstrip("\n").split("\t"))
        assert self.process.stderr is not None
        raise RuntimeError(self.process.stderr.read())

    def ask(self, sql: str) -> list[list[str]]:
        """Return the rows of a statement."""
        self.begin(sql)
        return self.answer()

    def wait_until(self, sql: str) -> None:
        """Repeat a statement until it returns a row."""
        for _ in range(1200):
            if self.ask(sql):
                return
            time.sleep(0.05)
        raise RuntimeError(f"never: {sql}")

    def close(self) -> None:
        """End the connection."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process.wait(timeout=60)
