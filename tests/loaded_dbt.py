"""dbt's own command line with the unmodified adapter, loaded once by a test process and forked per command.

Starting dbt takes 3 CPU seconds, and creating a hundred boto3 clients reads the same data files a hundred
times: together half of a build. The commands of the README tour, the demo, the benchmarks and all tests of
signals start dbt as a program instead, as people do.

Run as a program, this module is the process that forks. It reads one JSON request per line on stdin and
writes the process id of the child, then its exit status, to stdout.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_idle: list["LoadedDbt"] = []


def run(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 500
) -> subprocess.CompletedProcess[str]:
    """Run `dbt` with these arguments, and `env` as the whole environment, until it ends."""
    try:
        dbt = _idle.pop()
    except IndexError:  # the first command, or all others are busy
        dbt = LoadedDbt(__name__)
        atexit.register(dbt.close)
    done = dbt.run(arguments, cwd, env, timeout)
    _idle.append(dbt)
    return done


class LoadedDbt:
    """A process that has loaded dbt. It runs `module`, which calls `serve`, and ends with its parent."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 500, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `dbt` with these arguments; `more` goes into the request that `prepare_child` receives."""
        command = ["dbt", *arguments]
        with tempfile.TemporaryDirectory(prefix="loaded-dbt-") as folder:
            request = {"argv": command, "cwd": str(cwd), "env": dict(env), "output": folder, **more}
            child, began = self._asked(json.dumps(request)), time.monotonic()
            clock = threading.Timer(timeout, os.killpg, (child, SIGKILL))
            clock.start()
            status = self._answer()
            clock.cancel()
            out, err = ((Path(folder) / name).read_text() for name in ("1", "2"))
        if time.monotonic() - began >= timeout:
            raise subprocess.TimeoutExpired(command, timeout, out, err)
        return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status), out, err)

    def close(self) -> None:
        """End the process that forks."""
        self._process.communicate(timeout=60)

    def _asked(self, request: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


# --- the process that forks ------------------------------------------------------------------------------


def serve(prepare_child: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Answer requests until stdin ends."""
    dbt = load()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            _become(request)
            prepare_child(request)
            dbt()
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


def load() -> Callable[[], None]:
    """Import dbt, load what it loads at each start, and return its command line."""
    import boto3
    from botocore.loaders import JSONFileLoader
    from dbt.cli.main import cli

    importlib.import_module("dbt.adapters.athena")
    read = functools.cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _, path: read(path)
    session = boto3.session.Session("local", "local", region_name="us-east-1")
    for service in ("athena", "glue", "s3", "sts", "lakeformation"):
        session.client(service)
    _parse_once()
    gc.freeze()
    return cli


def _parse_once() -> None:
    """Let dbt parse this project once and compile its macros, to fill dbt's in-memory caches.

    The caches save half of a first parse, and a quarter of a build. Our plugin is hidden from dbt here; each
    child imports it, as a process of its own would. No thread may be left, because a child would wait for it
    forever. The static parser is off because it starts threads.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.clients.jinja import template_cache

    os.chdir(ROOT)
    os.environ |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    path, sys.path = sys.path, [place for place in sys.path if Path(place) != ROOT]
    with tempfile.TemporaryDirectory(prefix="loaded-dbt-") as folder:
        paths = ("--target-path", folder, "--log-path", folder)
        options = ("--log-level", "none", "--no-static-parser", "--profiles-dir", "profiles")
        parsed = dbtRunner().invoke(["parse", *options, *paths])
    assert isinstance(parsed.result, Manifest), parsed.exception
    for macro in parsed.result.macros.values():
        template_cache.get_node_template(macro)
    sys.path = path
    assert threading.active_count() == 1


def _become(request: dict[str, Any]) -> None:
    """Take the arguments, folder, environment and streams of the requested process."""
    sys.argv = request["argv"]
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    places = [os.devnull, *(f"{request['output']}/{number}" for number in (1, 2))]
    for number, place in enumerate(places):
        opened = os.open(place, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    serve()
