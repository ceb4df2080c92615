"""Refused records and failed files are shown, alerted, replayed, waived and redriven, with the next step."""

import gzip
from pathlib import Path

import pytest
from two_tables import BREWERIES, answer, invoke, land, rows

from control.adapters.s3 import S3Objects
from control.errors import NotFoundError, UsageError

ROOT = Path(__file__).parents[3]


def test_refused_records_are_shown_replayed_and_waived_with_an_audit_trail(lake, monkeypatch) -> None:
    monkeypatch.setenv("DM_ACTOR", "ann")
    land(lake, "brewery/a.csv.gz", BREWERIES)
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/brewery/cut.csv.gz", gzip.compress(BREWERIES)[:-5])
    invoke("ingest", "run", "--until-idle", code=1)
    good, cut = (file["file_id"] for file in answer("files", "list", "--table", "brewery"))
    assert answer("ingest", "replay", "--table", "brewery", "--from", "1", "--to", "1", "--dry-run") == [
        {
            "table": "brewery",
            "number": 1,
            "ingest_date": answer("files", "show", good)["batch"]["ingest_date"],
            "files": 1,
            "records": 3,
            "batch_id": None,
        }
    ]
    with pytest.raises(UsageError, match="reason"):
        invoke("quarantine", "replay", good)
    assert [row["file_id"] for row in answer("quarantine", "replay", good, "--reason", "mended")] == [good]
    assert "pending" in invoke("files", "redrive", cut[:10], "--reason", "mended").stdout
    with pytest.raises(UsageError, match="pending, not failed"):
        invoke("files", "redrive", cut, "--reason", "again")
    invoke("ingest", "run", "--until-idle", code=1)
    assert [(row["batch"], row["brewery_name"]) for row in rows(lake, "brewery")] == [
        (1, "Alpha"),
        (1, "Beta"),
        (2, "Alpha"),
        (2, "Beta"),
    ]
    invoke("quarantine", "waive", good, "--reason", "ticket 4711")
    shown = answer("quarantine", "show", good)
    assert [entry["waived"] for entry in shown["refused"]] == [True]
    assert [(e["action"], e["by"], e["reason"]) for e in shown["trail"]] == [
        ("replay", "ann", "mended"),
        ("waive", "ann", "ticket 4711"),
    ]
    assert "ticket 4711" in invoke("quarantine", "show", good).stdout
    assert {entry["file_id"] for entry in answer("quarantine", "list")} == {cut}
    assert {entry["file_id"] for entry in answer("quarantine", "list", "--waived")} == {good, cut}
    assert "waived" not in invoke("files", "list", "--state", "failed").stdout
    invoke("quarantine", "waive", cut, "--reason", "it is whole elsewhere")
    assert "failed, waived" in invoke("files", "list", "--state", "failed").stdout
    assert answer("ingest", "sweep", "--older-than", "0", "--dry-run") != []
    invoke("ingest", "sweep", "--older-than", "0")
    assert "No attempt" in invoke("ingest", "sweep", "--older-than", "0").stdout
    assert answer("ingest", "sweep", "--older-than", "0", "--all") == []
    assert len(rows(lake, "brewery")) == 4
    assert invoke("quarantine", "replay", "--table", "profile", "--dry-run", code=1)
    with pytest.raises(UsageError, match="either files or a table"):
        invoke("files", "redrive", "--reason", "x")


def test_alerts_name_the_file_and_the_next_step(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/brewery/cut.csv.gz", gzip.compress(BREWERIES)[:-5])
    told = invoke("ingest", "run", "--until-idle", code=1).stderr
    good, cut = (file["file_id"][:12] for file in answer("files", "list", "--table", "brewery"))
    assert f"raw/brewery/cut.csv.gz ({cut})" in told
    assert f"dm quarantine show {cut}" in told
    assert "gzip_truncated" in invoke("files", "list", "--state", "failed").stdout
    again = invoke("files", "redrive", cut, "--reason", "mended")
    assert "`dm ingest run --until-idle` does it." in again.stderr
    assert (
        "does it"
        not in invoke("ingest", "replay", "--table", "brewery", "--from=1", "--to=1", "--dry-run").stderr
    )
    nothing = invoke("ingest", "replay", "--table", "brewery", "--from=7", "--to=9", "--dry-run", code=1)
    assert "the last batch of brewery is 1" in nothing.stdout
    invoke("quarantine", "waive", good, "--reason", "ticket 4711")
    assert answer("quarantine", "replay", "--table", "brewery", "--dry-run", code=1) == []
    assert [row["key"] for row in answer("quarantine", "replay", good, "--dry-run")] == [
        "raw/brewery/a.csv.gz"
    ]
    assert answer("quarantine", "replay", cut, "--dry-run", code=1) == []  # it already waits for an attempt


def test_a_missing_topic_is_an_error_that_says_what_to_fix(lake, monkeypatch) -> None:
    monkeypatch.setenv("DM_ALERT_TOPIC", "arn:aws:sns:us-east-1:123456789012:gone")
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/brewery/cut.csv.gz", gzip.compress(BREWERIES)[:-5])
    with pytest.raises(NotFoundError, match="no alert was sent") as caught:
        invoke("ingest", "run", "--until-idle")
    assert "DM_ALERT_TOPIC" in caught.value.hint
