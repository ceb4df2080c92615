"""`dm retention` on moto, with real contracts: what it prints, does and refuses."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import click.testing
import pytest

from control.adapters.aws import client
from control.adapters.s3 import S3Objects
from control.cli.main import dm
from control.config import Settings
from control.errors import DataError, NotFoundError, UnavailableError, meaning
from control.ports import StoredObject

ROOT = Path(__file__).parents[3]
# Ages of 0 days, because the files of these tests have just landed.
AT_ONCE = ("--raw-days", "0", "--bronze-days", "0", "--quarantine-days", "0")


def invoke(*arguments: str, code: int = 0) -> click.testing.Result:
    result = click.testing.CliRunner().invoke(dm, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def answer(*arguments: str) -> Any:
    return json.loads(invoke(*arguments, "--json").stdout)


@pytest.fixture
def empty(cloud: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A table with a contract and no data."""
    for name in ("bronze/brewery.yaml", "rendered/bronze/brewery.json", "silver/breweries.yaml"):
        (cloud.contracts / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "contracts" / name, cloud.contracts / name)
    monkeypatch.setattr("control.wiring.query", lambda _environ, _workgroup: lambda _sql: [])
    return cloud


@pytest.fixture
def lake(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two published batches of breweries, consumed by silver; the second has a record in quarantine.

    moto's Athena runs no statements, so the content of `ops.consumed` is faked.
    """
    monkeypatch.setenv("DM_TOKEN_KEY", "a key for tests, as long as one has to be")
    objects = S3Objects(empty)
    objects.ensure_bucket(empty.bucket)
    for number, line in ((1, "2,Beta"), (2, "x,refused")):
        body = gzip.compress(f"brewery_id,brewery_name\n1,Alpha\n{line}\n".encode())
        objects.put(f"s3://{empty.bucket}/raw/brewery/extract={number}/a.csv.gz", body)
        invoke("ingest", "run")
    taken = [(f"{empty.schema_prefix}bronze.brewery", "breweries_state", "2")]
    monkeypatch.setattr("control.wiring.query", lambda _environ, _workgroup: lambda _sql: taken)
    return empty


def eligible(lake: Settings, prefix: str = "") -> list[str]:
    """Return the folders of objects with the tag that the lifecycle rules match."""
    objects = S3Objects(lake)
    return [
        found.key.partition("/")[0]
        for found in objects.list(f"s3://{lake.bucket}/{prefix}")
        if objects.tags(found.uri, found.version_id).get("dm-retention") == "eligible"
    ]


def rows(lake: Settings) -> list[StoredObject]:
    return list(S3Objects(lake).list(f"s3://{lake.bucket}/bronze/brewery/"))


def tags(lake: Settings, stored: StoredObject) -> str:
    return S3Objects(lake).tags(stored.uri, stored.version_id).get("dm-retention", "")


def partitions(lake: Settings) -> list[str]:
    found = client(lake, "glue").get_partitions(
        DatabaseName=f"{lake.schema_prefix}bronze", TableName="brewery"
    )
    return sorted(one["Values"][1] for one in found["Partitions"])


def test_a_plan_shows_what_may_go_and_why_the_rest_stays_without_changes(lake: Settings) -> None:
    found = answer("retention", "plan", *AT_ONCE)
    assert [(one["kind"], one["batch"]) for one in found if one["may_go"]] == [
        ("raw", 1),
        ("bronze", 1),
    ]
    assert {tuple(one["why"]) for one in found if one["batch"] == 2} == {
        ("records of it are in quarantine: replay or waive them",)
    }
    said = invoke("retention", "plan", *AT_ONCE).stdout
    assert "may go" in said
    assert "records of it are in quarantine" in said
    assert (eligible(lake), partitions(lake)) == ([], ["1", "2"])


def test_a_plan_with_default_ages_shows_until_when_everything_is_kept(lake: Settings) -> None:
    found = answer("retention", "plan", "--table", "brewery")
    assert not any(one["may_go"] for one in found)
    assert all(re.match(r"it is kept until 2\d{3}-\d\d-\d\d", one["why"][-1]) for one in found)


def test_rows_are_kept_as_their_contract_promises_unless_days_are_given(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DM_RAW_DAYS", "DM_BRONZE_DAYS", "DM_QUARANTINE_DAYS"):
        monkeypatch.setenv(name, "0")
    found = answer("retention", "plan")
    assert [(one["kind"], one["batch"]) for one in found if one["may_go"]] == [("raw", 1)]
    assert any(one["why"][-1].endswith(", as its contract promises") for one in found if one["why"])
    typed = answer("retention", "plan", "--bronze-days", "0")
    assert [(one["kind"], one["batch"]) for one in typed if one["may_go"]] == [("raw", 1), ("bronze", 1)]


def test_a_run_releases_objects_once_and_records_it_in_the_audit_trail(lake: Settings) -> None:
    said = invoke("retention", "run", *AT_ONCE).stdout
    assert said == "2 raw files and batches may go; 2 objects were tagged just now\n"
    assert (sorted(eligible(lake)), partitions(lake)) == (["bronze", "raw"], ["2"])
    again = answer("retention", "run", *AT_ONCE)
    assert [(one["kind"], one["objects"]["tagged"]) for one in again] == [
        ("bronze", 0),
        ("raw", 0),
    ]
    first = next(file for file in answer("files", "list") if "extract=1" in file["key"])
    trail = answer("quarantine", "show", first["file_id"])["trail"]
    assert {entry["action"] for entry in trail} == {"let go"}
    assert {entry["reason"] for entry in trail} == {
        f"{kind} of batches 1: kept long enough, and taken in by breweries_state at 2"
        for kind in ("bronze", "raw")
    }


def test_waived_objects_may_go_and_objects_needed_again_are_taken_back(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = next(file for file in answer("files", "list") if "extract=2" in file["key"])
    invoke("quarantine", "waive", second["file_id"], "--reason", "a test")
    invoke("retention", "run", *AT_ONCE)
    assert sorted(eligible(lake)) == ["bronze", "bronze", "quarantine", "raw", "raw"]
    monkeypatch.setattr("control.wiring.query", lambda _environ, _workgroup: lambda _sql: [])
    before = partitions(lake)
    said = invoke("retention", "run", *AT_ONCE).stdout
    assert "5 objects that had been let go are needed again, and were taken back" in said
    assert "2 batches are back in the catalog: readers see their rows again" in said
    assert (eligible(lake), before, partitions(lake)) == ([], [], ["1", "2"])
    assert "taken back" not in invoke("retention", "run", *AT_ONCE).stdout


def test_a_partly_deleted_batch_that_is_needed_again_stays_hidden_with_advice(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like a lifecycle rule, put a delete marker on an object of the batch in a versioned bucket."""
    s3 = client(lake, "s3")
    s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    invoke("retention", "run", *AT_ONCE)
    first = answer("files", "list")
    number = next(file["batch"] for file in first if "extract=1" in file["key"])
    (folder,) = {one.key.rpartition("/")[0] for one in rows(lake) if tags(lake, one) == "eligible"}
    gone = next(one for one in rows(lake) if one.key.startswith(folder))
    marker = s3.delete_object(Bucket=lake.bucket, Key=gone.key)["VersionId"]
    monkeypatch.setattr("control.wiring.query", lambda _environ, _workgroup: lambda _sql: [])
    for _ in range(2):
        with pytest.raises(
            DataError, match=f"lifecycle rules have deleted objects of them: brewery {number}"
        ) as lost:
            invoke("retention", "run", *AT_ONCE)
        assert "remove the delete markers" in lost.value.hint
        assert meaning(lost.value).exit_code == 1
        assert partitions(lake) == ["2"]
    s3.delete_object(Bucket=lake.bucket, Key=gone.key, VersionId=marker)
    assert "1 batches are back" in invoke("retention", "run", *AT_ONCE).stdout
    assert partitions(lake) == ["1", "2"]


def test_objects_deleted_by_a_lifecycle_rule_cost_no_more_requests(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version still exists for `OldVersionDays`, but no tag could keep it."""
    s3 = client(lake, "s3")
    s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    invoke("retention", "run", *AT_ONCE)
    for prefix in ("raw/", "bronze/", "quarantine/"):
        for one in S3Objects(lake).list(f"s3://{lake.bucket}/{prefix}"):
            s3.delete_object(Bucket=lake.bucket, Key=one.key)
    assert answer("retention", "plan", *AT_ONCE) == []
    asked = []
    monkeypatch.setattr(S3Objects, "tags", lambda *given: asked.append(given))
    invoke("retention", "run", *AT_ONCE)
    assert asked == []


def test_before_the_first_ingestion_there_is_nothing_to_report(cloud: Settings) -> None:
    (cloud.contracts / "bronze").mkdir(parents=True)
    assert "No table has been ingested yet" in invoke("retention", "plan").stdout
    assert answer("retention", "run") == []


@pytest.mark.parametrize("name", ["plan", "run"])
def test_an_unreachable_cloud_is_exit_code_3(
    name: str, cloud: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "contracts", cloud.contracts)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError) as error:
        invoke("retention", name)
    assert meaning(error.value).exit_code == 3


@pytest.mark.parametrize("name", ["plan", "run"])
def test_a_usage_error_is_exit_code_2(name: str, empty: Settings) -> None:
    assert (
        "-1.0 is not in the range 0<=x<=36500" in invoke("retention", name, "--raw-days", "-1", code=2).stderr
    )
    with pytest.raises(NotFoundError) as error:
        invoke("retention", name, "--table", "wine")
    assert meaning(error.value).exit_code == 2


def test_the_examples_in_the_help_work(lake: Settings) -> None:
    for name in ("plan", "run"):
        text = invoke("retention", name, "--help").stdout
        examples = re.findall(r"^\s+dm (retention .*)$", text, re.MULTILINE)
        assert len(examples) == 2
        for example in examples:
            invoke(*example.replace("review", "brewery").split())
