"""The Spark engine on this machine: `spark-submit` as a process.

Its arguments and two JSON files are the whole interface.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from control.adapters.java import spark_environment
from control.errors import EngineError, UsageError
from control.orders import Report, WorkOrder
from control.ports import ObjectStore
from control.serialization import from_json

JOB = Path("spark/jobs/ingest.py")
POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0
LOG_BYTES = 256 * 1024


class SparkSubmitEngine:
    """Runs orders with Spark on this machine. Itself, it writes only the log of a failed run."""

    def __init__(self, objects: ObjectStore, environ: Mapping[str, str]) -> None:
        self._objects = objects
        self._environ = environ

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        job = _job()
        report = order.document("report.json")
        with tempfile.TemporaryDirectory(prefix="dm-spark-") as folder:
            environment = spark_environment(self._environ, Path(folder) / "java")
            # The job's own packages, for the driver and for the workers that it starts.
            paths = (str(job.parents[2]), environment.get("PYTHONPATH", ""))
            environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
            command = [
                f"{environment['SPARK_HOME']}/bin/spark-submit",
                *("--master", "local[*]", "--conf", "spark.ui.enabled=false", str(job)),
                *("--order", order.document("order.json"), "--report", report),
            ]
            log = Path(folder) / "spark.log"
            code = _follow(command, environment, log, beat)
            if code:
                # To the lake, not to the terminal: a stack trace may contain a value of a row.
                self._objects.put(order.document("spark.log"), log.read_bytes()[-LOG_BYTES:])
                raise EngineError(
                    f"attempt {order.attempt}: spark-submit ended with exit code {code}",
                    hint=f"its log is {order.document('spark.log')}",
                )
        return from_json(Report, self._objects.get(report), report)


def _job() -> Path:
    """Return the path of the job, in the current folder or next to this package. Raises UsageError."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (root / JOB).is_file():
            return root / JOB
    raise UsageError(
        f"there is no {JOB} here", hint="run dm in the project's folder, or use the light engine"
    )


def _follow(command: list[str], environment: dict[str, str], log: Path, beat: Callable[[], None]) -> int:
    """Run `command` with its output in `log`, and return its exit code; if `beat` raises, stop it."""
    with (
        log.open("wb") as target,
        # A process group of its own, so that ending it ends Spark's Python workers too.
        subprocess.Popen(
            command,
            env=environment,
            stdout=target,
            stderr=target,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            while True:
                try:
                    return process.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    beat()
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
