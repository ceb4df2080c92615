"""`python -m localcloud.aws`: the process behind the endpoint; the supervisor starts it."""

import argparse
import gc
import logging
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from wsgiref.types import WSGIApplication

from localcloud import instance, serving, snapshots
from localcloud.aws import moto
from localcloud.aws.blobs import BlobStore
from localcloud.aws.control import Control
from localcloud.aws.faulty import Faulty
from localcloud.aws.front import Front
from localcloud.aws.saving import Saver
from localcloud.aws.turns import Turns
from localcloud.cloudformation.kinds import Clients
from localcloud.cloudformation.wire import Application
from localcloud.config import HOST, IAM_MODES
from localcloud.errors import LocalCloudError
from localcloud.faults import rules
from localcloud.faults.injection import Faults

# Every Athena poll occupies a thread for up to 2 s: enough for 16 clients with several queries each.
THREADS = 64


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.aws")
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of the listening socket")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the instance")
    parser.add_argument("--region", required=True)
    parser.add_argument("--bucket", action="append", default=[], help="bucket to create when absent")
    parser.add_argument("--save-every", type=float, default=0, help="seconds between snapshots; 0 for none")
    parser.add_argument("--faults", type=Path, help="file of faults: see localcloud.faults.rules")
    parser.add_argument("--iam", choices=IAM_MODES, help="judge the calls of roles by their policies")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = instance.Folder(arguments.dir)
    turns, control = Turns(), Control(folder)
    port_of_athena = partial(_athena_port, folder)
    front = Front(moto.application(), port_of_athena, control, turns, arguments.region)
    blobs, beside = _restored(folder.state, turns)
    moto.create_buckets(tuple(arguments.bucket), arguments.region)
    control.saver = Saver(folder.state, blobs, front, beside)
    listening = socket.socket(fileno=arguments.fd)
    front.cloudformation = _cloudformation(control.saver, listening.getsockname()[1], arguments.region)
    app: WSGIApplication = front
    if arguments.iam:
        app = _guarded(front, control, arguments.iam, arguments.region)
    if arguments.faults:
        app = Faulty(app, Faults(rules.read(arguments.faults)))
    server = serving.Server(listening, app, threads=THREADS)
    _serve_until_stopped(server, control.saver, arguments.save_every)
    if not front.closed:
        control.saver.save_last()


def _restored(folder: Path, turns: Turns) -> tuple[BlobStore, dict[str, bytes]]:
    """Fix moto and restore the last snapshot; also return what other parts keep in it."""
    from localcloud.aws import patches, state

    blobs = BlobStore(folder / snapshots.BLOBS)
    patches.apply(blobs, turns)
    # Freeze the loaded code: collecting it during requests costs 70 ms in the Athena part. The state is
    # restored afterwards, so that deleted parts of it are collected.
    gc.freeze()
    try:
        beside = state.restore(folder, blobs)
    except LocalCloudError as error:
        sys.exit(f"{error.message}\n  try: {error.hint}")
    blobs.sweep()
    return blobs, beside


def _cloudformation(saver: Saver, port: int, region: str) -> Application:
    """Return CloudFormation, which creates its resources by calls to this endpoint."""
    from localcloud.cloudformation.service import CloudFormation

    clients = Clients(f"http://{HOST}:{port}", region)
    kept = saver.beside.get("cloudformation", b"")
    return Application(CloudFormation(clients, kept, partial(saver.keep, "cloudformation")))


def _guarded(front: Front, control: Control, mode: str, region: str) -> WSGIApplication:
    """Return the endpoint with IAM in front of it."""
    from localcloud.iam.gate import Gate

    gate = Gate(front, front.turns, mode, region)
    control.calls = gate.calls
    return gate


def _serve_until_stopped(server: serving.Server, saver: Saver, save_every: float) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.prepare()
    threading.Thread(target=server.serve, name="serve", daemon=True).start()
    if save_every:
        intervals = partial(saver.save_at_intervals, save_every, stopped)
        threading.Thread(target=intervals, name="save", daemon=True).start()
    stopped.wait()
    server.stop()


def _athena_port(folder: instance.Folder) -> int | None:
    record = folder.read()
    part = record.part("athena") if record else None
    return part.port if part else None


if __name__ == "__main__":
    main()
