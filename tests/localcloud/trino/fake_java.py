#!/usr/bin/env python3
"""Stands for Java: serves what Trino tells about itself on the port of its configuration, or dies."""

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
    asked = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            body = json.dumps({"starting": asked < 3}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
