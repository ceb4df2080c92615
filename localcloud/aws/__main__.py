"""`python -m localcloud.aws`: the process behind the endpoint; the supervisor starts it."""

import argparse
import signal
import socket
import threading
from functools import partial
from pathlib import Path

from localcloud import instance, serving
from localcloud.aws import moto
from localcloud.aws.front import Front

# Every Athena poll holds a thread for up to 2 s: room for 16 clients with several queries each.
THREADS = 64


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.aws")
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of the listening socket")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the instance")
    parser.add_argument("--region", required=True)
    parser.add_argument("--bucket", action="append", default=[], help="bucket to create when absent")
    arguments = parser.parse_args()
    folder = instance.Folder(arguments.dir)
    app = moto.application()
    moto.create_buckets(tuple(arguments.bucket), arguments.region)
    front = Front(app, partial(_athena_port, folder))
    server = serving.Server(socket.socket(fileno=arguments.fd), front, threads=THREADS)
    _serve_until_stopped(server)


def _serve_until_stopped(server: serving.Server) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.prepare()
    threading.Thread(target=server.serve, name="serve", daemon=True).start()
    stopped.wait()
    server.stop()


def _athena_port(folder: instance.Folder) -> int | None:
    record = folder.read()
    part = record.part("athena") if record else None
    return part.port if part else None


if __name__ == "__main__":
    main()
