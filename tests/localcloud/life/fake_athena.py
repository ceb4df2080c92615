"""A fake Athena part: answers each call with what it was sent."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1
        self.number = self.connections

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = {"target": self.headers["X-Amz-Target"], "body": body, "connection": self.number}
        self.reply(400 if "refuse" in body else 200, answer)

    def do_GET(self) -> None:
        self.reply(200, {})

    def reply(self, status: int, answer: object) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-amzn-ErrorType", "InvalidRequestException")
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    arguments, _ = parser.parse_known_args()
    ThreadingHTTPServer(("127.0.0.1", arguments.port), Echo).serve_forever()
