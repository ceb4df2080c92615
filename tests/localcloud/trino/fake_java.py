#!/usr/bin/env python3
"""Stands for Java: serves what Trino reports about itself on the port of its configuration, or dies."""

import http.server
import json
import os
import sys
from pathlib import Path


def main() -> None:
    if os.environ.get("FAKE_JAVA_DIES"):
        sys.exit("ERROR: java.net.BindException: Address already in use")
    config = next(one.partition("=")[2] for one in sys.argv if one.startswith("-Dconfig="))
    lines = Path(config).read_text().splitlines()
    port = next(int(one.partition("=")[2]) for one in lines if one.startswith("http-server.http.port="))
    asked = {"GET": 0, "POST": 0}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"starting": self._times() < 3})

        def do_POST(self) -> None:
            """Treat every statement as the query for nodes, of which there are none at first."""
            self._answer({"id": "1", "data": [["local"]]} if self._times() > 1 else {"id": "1"})

        def _times(self) -> int:
            asked[self.command] += 1
            return asked[self.command]

        def _answer(self, found: object) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
