"""A WSGI server that is fast on loopback connections: keep-alive, no Nagle, C-buffered streams.

Measured against moto: werkzeug's server closes each connection and waits 10 ms for it. cheroot's own streams
are pure Python and copy the rest of a body at every send: 225 MB/s, half of what these streams reach.
"""

import contextlib
import io
import socket
from typing import Any
from wsgiref.types import WSGIApplication

from cheroot import server, wsgi

STREAM_BYTES = 1 << 16
IDLE_SECONDS = 120
CONNECTIONS = 512
# The server itself has no limit: a line of 300 MB took 2 GB. AWS allows 8 KiB, S3 a bit more.
HEADER_BYTES = 64 << 10
UNDERSCORED = "localcloud.underscored_headers"


class Reader(io.BufferedReader):
    """The incoming half of a connection."""

    bytes_read = 0

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(socket.SocketIO(connection, "rb"), STREAM_BYTES)
        self.connection = connection

    def has_data(self) -> bool:
        """Whether the next request has arrived already; does not block."""
        timeout = self.connection.gettimeout()
        self.connection.setblocking(False)
        try:
            return bool(self.peek(1))
        except OSError:
            return False
        finally:
            self.connection.settimeout(timeout)


class Writer:
    """The outgoing half of a connection, unbuffered: every write is sent at once."""

    bytes_written = 0

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def write(self, data: bytes) -> int:
        """Send all of `data`."""
        self.connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def close(self) -> None:
        """Do nothing: the owner closes the connection."""


def _stream(connection: socket.socket, mode: str, _size: int = 0) -> Reader | Writer:
    return Reader(connection) if "r" in mode else Writer(connection)


class Connection(server.HTTPConnection):
    """A connection that uses the streams of this module."""

    def __init__(self, owner: Any, sock: socket.socket, _makefile: Any = None) -> None:
        super().__init__(owner, sock, _stream)


class Gateway(wsgi.Gateway_10):
    """Makes the WSGI environment of a request."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # typed as None there
        """Add the names of headers with an underscore, which WSGI does not distinguish from a dash."""
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        names = (name.decode("latin-1") for name in self.req.inheaders)
        environ[UNDERSCORED] = {f"HTTP_{n.upper().replace('-', '_')}": n for n in names if "_" in n}
        return environ


class Server(wsgi.Server):
    """A threaded WSGI server on a socket that is bound already."""

    ConnectionClass = Connection
    keep_alive_conn_limit = CONNECTIONS
    max_request_header_size = HEADER_BYTES
    # How long a stop may wait for the loop over idle connections, in seconds.
    expiration_interval = 0.2

    def __init__(self, listener: socket.socket, app: WSGIApplication, *, threads: int) -> None:
        super().__init__(
            listener.getsockname(),
            app,
            numthreads=threads,
            server_name="localcloud",
            request_queue_size=CONNECTIONS,
            timeout=IDLE_SECONDS,
        )
        self.listener = listener
        self.gateway = Gateway

    def bind(self, family: int, kind: int, proto: int = 0) -> socket.socket:  # noqa: ARG002
        """Use the given socket instead of creating one."""
        self.socket = self.listener
        return self.listener

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Log errors, except that a client disconnected, which is normal."""
        with contextlib.suppress(BrokenPipeError):
            super().error_log(msg, level, traceback)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; `port` 0 takes any free port. Raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit the option: without it small answers wait 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener
