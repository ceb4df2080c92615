"""`python -m localcloud.aws`: the process behind the endpoint; the supervisor starts it."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path

from localcloud import instance, serving, snapshots
from localcloud.aws import moto
from localcloud.aws.blobs import BlobStore
from localcloud.aws.front import Front
from localcloud.errors import LocalCloudError
from localcloud.processes import started

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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = instance.Folder(arguments.dir)
    front = Front(moto.application(), partial(_athena_port, folder))
    blobs = _restored(folder.state)
    moto.create_buckets(tuple(arguments.bucket), arguments.region)
    server = serving.Server(socket.socket(fileno=arguments.fd), front, threads=THREADS)
    _serve_until_stopped(server)
    # Held until the end: what is still under way is answered by nobody and is not in the snapshot.
    with front.one_at_a_time:
        _save(folder.state, blobs, front.used)


def _restored(folder: Path) -> BlobStore:
    """Mend moto and bring the last snapshot back."""
    from localcloud.aws import mends, state

    blobs = BlobStore(folder / snapshots.BLOBS)
    mends.apply(blobs)
    try:
        state.restore(folder, blobs)
    except LocalCloudError as error:
        sys.exit(f"{error.message}\n  try: {error.hint}")
    blobs.sweep()
    return blobs


def _save(folder: Path, blobs: BlobStore, used: set[str]) -> None:
    from localcloud.aws import state

    header = state.save(folder, blobs, used, saved_by=f"{os.getpid()} {started(os.getpid())}")
    blobs.closed = True
    logging.info("state.saved %s", header.summary)


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
