"""The engine around `spark-submit`, replaced by a script: what it receives, and how a run can end."""

import os
import time
from pathlib import Path

import pytest
from raising import raising

from control.adapters.memory import MemoryObjects
from control.adapters.spark_submit import SparkSubmitEngine
from control.errors import EngineError, StaleEpochError
from control.orders import Report, WorkOrder
from control.serialization import to_json

PAPERS = "s3://lake/attempts/review/b-e1"
ORDER = WorkOrder(
    table="review",
    attempt="b-e1",
    contract=f"{PAPERS}/contract.yaml",
    files=(),
    bronze="s3://lake/bronze/review/b-e1",
    events="s3://lake/bronze/review_events/b-e1",
    quarantine="s3://lake/quarantine/review/b-e1",
)


@pytest.fixture
def objects() -> MemoryObjects:
    objects = MemoryObjects()
    objects.put(f"{PAPERS}/report.json", to_json(Report(())))
    return objects


def engine(objects: MemoryObjects, home: Path, script: str) -> SparkSubmitEngine:
    submit = home / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(f"#!/bin/sh\n{script}\n")
    submit.chmod(0o755)
    return SparkSubmitEngine(objects, {**os.environ, "SPARK_HOME": str(home), "DM_TOKEN_KEY": "the key"})


def test_the_job_gets_two_uris_and_the_key_only_in_its_environment(objects, tmp_path) -> None:
    spark = engine(objects, tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/argv; printenv > {tmp_path}/env')
    assert spark.run(ORDER, lambda: None) == Report(())
    argv = (tmp_path / "argv").read_text().splitlines()
    assert argv[-4:] == ["--order", f"{PAPERS}/order.json", "--report", f"{PAPERS}/report.json"]
    assert argv[-5].endswith("spark/jobs/ingest.py")
    assert "the key" not in argv
    assert "DM_TOKEN_KEY=the key" in (tmp_path / "env").read_text().splitlines()


def test_a_job_that_fails_leaves_its_log_in_the_lake_and_not_in_the_error(objects, tmp_path) -> None:
    spark = engine(objects, tmp_path, "echo a secret value >&2; exit 3")
    with pytest.raises(EngineError, match="exit code 3") as caught:
        spark.run(ORDER, lambda: None)
    assert caught.value.hint == f"its log is {PAPERS}/spark.log"
    assert "secret" not in str(caught.value)
    assert objects.get(f"{PAPERS}/spark.log") == b"a secret value\n"


def test_a_fenced_off_worker_ends_the_job_and_its_child_processes(objects, tmp_path) -> None:
    spark = engine(objects, tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; sleep 600")
    with pytest.raises(StaleEpochError):
        spark.run(ORDER, raising(StaleEpochError("taken over")))
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    deadline = time.monotonic() + 10
    while child.exists() and "\nState:\tZ" not in (child / "status").read_text():
        assert time.monotonic() < deadline, "the child process of the job is still running"
        time.sleep(0.05)
