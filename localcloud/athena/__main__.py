"""Run the gateway: `python -m localcloud.athena --port P --endpoint URL`."""

import argparse
import gc
import logging
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from localcloud.athena import engines, kept_state, server, service
from localcloud.athena.catalog import connect
from localcloud.athena.statements.execute import Parts
from localcloud.athena.workgroups import WorkGroups
from localcloud.config import region_from
from localcloud.faults import rules
from localcloud.faults.injection import Faults

log = logging.getLogger("localcloud.athena")


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.athena", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument(
        "--endpoint", required=True, help="where Glue and S3 answer, such as http://127.0.0.1:4666"
    )
    parser.add_argument("--region", default=region_from(os.environ))
    parser.add_argument(
        "--folder", type=Path, help="for copies of objects and spilled data; a temporary one if absent"
    )
    parser.add_argument("--trino", default="", help="URL of a Trino that runs the statements instead")
    parser.add_argument("--trino-log", default="", help="the log to name when that Trino does not answer")
    parser.add_argument("--output", default="", help="s3:// place of results of workgroup primary")
    parser.add_argument("--faults", type=Path, help="file of faults: see localcloud.faults.rules")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with ExitStack() as ends:
        folder = arguments.folder or Path(
            ends.enter_context(tempfile.TemporaryDirectory(prefix="athena-", ignore_cleanup_errors=True))
        )
        _serve(arguments, folder)
    return 0


def _serve(arguments: argparse.Namespace, folder: Path) -> None:
    faults = Faults(rules.read(arguments.faults) if arguments.faults else ())
    catalog = replace(connect(arguments.endpoint, arguments.region), faults=faults)
    engine = engines.create(catalog, folder, arguments.trino, arguments.trino_log)
    keep = partial(kept_state.write, arguments.endpoint)
    workgroups = WorkGroups(arguments.output, kept_state.read(arguments.endpoint), keep)
    running = service.create(Parts(catalog, engine), workgroups)
    web = server.create(running, arguments.port)
    web.prepare()
    # Exempt everything loaded so far from garbage collection: scanning it took 70 ms, during a request.
    gc.freeze()
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    thread = threading.Thread(target=web.serve, name="web", daemon=True)
    thread.start()
    log.info("gateway.ready port=%s endpoint=%s", web.bind_addr[1], arguments.endpoint)
    asked.wait()
    web.stop()
    running.queries.close()
    engine.close()


if __name__ == "__main__":
    sys.exit(main())
