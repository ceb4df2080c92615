"""A server that speaks Trino's protocol and answers what a test tells it to."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Script:
    """The pages to return, one per request, and the requests."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any] | int] = []
        self.asked: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@pytest.fixture
def script() -> Iterator[Script]:
    found = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            found.asked.append((self.command, self.path, self.rfile.read(size).decode()))
            found.headers.append(dict(self.headers))
            page = found.pages.pop(0) if found.pages else {}
            body = json.dumps(page).encode() if isinstance(page, dict) else b"busy"
            self.send_response(200 if isinstance(page, dict) else page)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_DELETE = do_POST  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
