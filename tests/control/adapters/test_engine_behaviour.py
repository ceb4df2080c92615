"""One suite for every engine that needs no Spark here: in process, EMR Serverless and a Glue job over HTTP.

(`test_spark_submit.py` and `tests/spark/` have what runs Spark itself.)
"""

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from job_server import JobServer

from control.adapters import job_runs
from control.adapters.job_runs import JobEngine, service
from control.adapters.light import LightEngine
from control.adapters.memory import MemoryClock, MemoryObjects
from control.config import Settings
from control.errors import ContractError, EngineError, StaleEpochError, ThrottledError, UsageError
from control.orders import OrderFile, WorkOrder
from control.ports import Engine
from control.serialization import to_json

ROOT = Path(__file__).parents[3]
PAPERS = "s3://lake/attempts/brewery/b-e1"
FILES = tuple(OrderFile(f"f{n}", f"s3://lake/raw/brewery/f{n}.csv.gz", None, 1, 1, "csv") for n in range(2))
ORDER = WorkOrder(
    table="brewery",
    attempt="b-e1",
    contract=f"{PAPERS}/contract.yaml",
    files=FILES,
    bronze="s3://lake/bronze/brewery/b-e1",
    events="s3://lake/bronze/brewery_events/b-e1",
    quarantine="s3://lake/quarantine/brewery/b-e1",
)
ENVIRONMENT = {
    "emr": {
        "DM_SPARK": "emr",
        "DM_EMR_APPLICATION": "app1",
        "DM_EMR_ROLE": "arn:aws:iam::123456789012:role/ingest",
        "DM_SPARK_JOB": "s3://code/jobs/1.2.0/",
    },
    "glue": {"DM_SPARK": "glue", "DM_GLUE_JOB": "ingest"},
}


@pytest.fixture
def objects() -> MemoryObjects:
    objects = MemoryObjects()
    objects.put(ORDER.contract, (ROOT / "contracts" / "bronze" / "brewery.yaml").read_bytes())
    objects.put(f"{PAPERS}/order.json", to_json(ORDER))
    for file in FILES:
        objects.put(file.uri, gzip.compress(b"brewery_id,brewery_name\n1,Alpha\nx,Beta\n"))
    return objects


@pytest.fixture
def jobs(objects: MemoryObjects, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobServer]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with JobServer(objects) as server:
        yield server


def remote(kind: str, jobs: JobServer, clock: MemoryClock | None = None) -> Engine:
    runs = service(Settings(endpoint=jobs.endpoint), ENVIRONMENT[kind])
    assert runs is not None
    return JobEngine(runs, jobs.objects, clock or MemoryClock(datetime(2026, 1, 2, tzinfo=UTC)))


@pytest.fixture(params=["light", "emr", "glue"])
def engine(request: pytest.FixtureRequest, objects: MemoryObjects) -> Engine:
    if request.param == "light":
        return LightEngine(objects, b"")
    return remote(request.param, request.getfixturevalue("jobs"))


def test_the_report_lists_files_in_the_order_given_with_their_objects(engine, objects) -> None:
    report = engine.run(ORDER, lambda: None)
    assert [(f.file_id, f.records, f.rows, f.quarantined) for f in report.files] == [
        ("f0", 2, 1, 1),
        ("f1", 2, 1, 1),
    ]
    for file in report.files:
        for written in file.objects:
            assert len(objects.get(written.uri)) == written.bytes
            assert written.uri.startswith((ORDER.bronze, ORDER.quarantine))


def test_the_same_order_again_gives_the_same_report(engine) -> None:
    assert engine.run(ORDER, lambda: None) == engine.run(ORDER, lambda: None)


def test_an_engine_sends_heartbeats(engine) -> None:
    beats: list[int] = []
    engine.run(ORDER, lambda: beats.append(1))
    assert len(beats) >= 3


def test_an_error_raised_by_a_heartbeat_ends_the_run(engine) -> None:
    beats = iter([None, None])

    def taken_over() -> None:
        if next(beats, 1) is not None:
            raise StaleEpochError("taken over")

    with pytest.raises(StaleEpochError):
        engine.run(ORDER, taken_over)


def test_impossible_work_raises_our_own_error(engine, objects) -> None:
    objects.put(ORDER.contract, b"{")
    with pytest.raises((EngineError, ContractError)):
        engine.run(ORDER, lambda: None)


REMOTE = pytest.mark.parametrize("kind", ["emr", "glue"])


@REMOTE
def test_a_failed_run_names_its_log_and_shows_no_values(kind, jobs, objects) -> None:
    objects.put(ORDER.contract, b"{")
    with pytest.raises(EngineError, match="run0 failed") as caught:
        remote(kind, jobs).run(ORDER, lambda: None)
    assert "secret" not in caught.value.message + caught.value.hint
    assert b"secret" in objects.get(f"{PAPERS}/job.log")


@REMOTE
def test_a_worker_that_was_fenced_off_cancels_its_run(kind, jobs) -> None:
    beats = iter([None, None])

    def taken_over() -> None:
        if next(beats, 1) is not None:
            raise StaleEpochError("taken over")

    with pytest.raises(StaleEpochError):
        remote(kind, jobs).run(ORDER, taken_over)
    assert {run.state for run in jobs.runs.values()} <= {"CANCELLED", "STOPPED"} != set()


@REMOTE
def test_a_run_waits_for_free_capacity(kind, jobs) -> None:
    jobs.refuse_starts = 7
    clock = MemoryClock(datetime(2026, 1, 2, tzinfo=UTC))
    beats: list[int] = []
    assert remote(kind, jobs, clock).run(ORDER, lambda: beats.append(1)).files
    assert clock.now() > datetime(2026, 1, 2, tzinfo=UTC)
    assert len(jobs.runs) == 1


@REMOTE
def test_refused_status_requests_do_not_end_a_run(kind, jobs) -> None:
    jobs.refuse_looks = 6
    assert remote(kind, jobs).run(ORDER, lambda: None).files


@REMOTE
def test_a_run_whose_status_stays_unknown_too_long_is_abandoned(kind, jobs, monkeypatch) -> None:
    monkeypatch.setattr(job_runs, "MAX_FAILED_POLLS", 2)
    jobs.refuse_looks = 99
    with pytest.raises(ThrottledError):
        remote(kind, jobs).run(ORDER, lambda: None)


def test_a_lost_response_starts_no_second_run_on_emr(jobs) -> None:
    jobs.lose_starts = 1
    assert remote("emr", jobs).run(ORDER, lambda: None).files
    assert [run.token for run in jobs.runs.values()] == ["b-e1"]


def test_a_run_on_emr_may_access_only_what_its_order_names(jobs) -> None:
    remote("emr", jobs).run(ORDER, lambda: None)
    reads, writes, keys, log = json.loads(jobs.runs["run0"].policy)["Statement"]
    assert reads["Resource"] == [
        "arn:aws:s3:::lake/raw/brewery/*",
        "arn:aws:s3:::lake/attempts/brewery/b-e1/*",
        # The folder of the job, and next to it the libraries that the application names.
        "arn:aws:s3:::code/jobs/*",
    ]
    assert {action.partition(":")[0] for one in (keys, log) for action in one["Action"]} == {"kms", "logs"}
    assert writes["Resource"] == [
        "arn:aws:s3:::lake/bronze/brewery/b-e1/*",
        "arn:aws:s3:::lake/bronze/brewery_events/b-e1/*",
        "arn:aws:s3:::lake/quarantine/brewery/b-e1/*",
        "arn:aws:s3:::lake/attempts/brewery/b-e1/*",
    ]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DM_SPARK": "yarn"}, "yarn"),
        ({"DM_SPARK": "emr"}, "DM_EMR_APPLICATION"),
        ({"DM_SPARK": "emr", "DM_EMR_APPLICATION": "a"}, "DM_EMR_ROLE"),
        ({"DM_SPARK": "glue"}, "DM_GLUE_JOB"),
    ],
)
def test_a_missing_service_setting_is_reported(environment, named) -> None:
    with pytest.raises(UsageError, match=named):
        service(Settings(), environment)


def test_without_a_service_spark_runs_here() -> None:
    assert service(Settings(), {}) is None
