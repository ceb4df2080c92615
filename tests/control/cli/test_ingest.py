"""`dm ingest`, `files`, `quarantine` and `status` on moto, with real contracts and the real parser."""

import gzip
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from two_tables import BREWERIES, PROFILES, answer, invoke, land, rows

from bronze.contract import PARSER_REVISION
from control.adapters.aws import client
from control.adapters.s3 import S3Objects
from control.errors import ContractError, NotFoundError, UnavailableError, UsageError

ROOT = Path(__file__).parents[3]


def test_raw_files_become_rows_visible_through_glue(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    outcome = answer("ingest", "run", "--until-idle")
    assert outcome["registered"] == 1
    (batch,) = outcome["batches"]
    assert [batch[name] for name in ("table", "number", "state", "records", "rows", "quarantined")] == [
        "brewery",
        1,
        "published",
        3,
        2,
        1,
    ]
    land(lake, "brewery/extract=2/b.csv.gz", BREWERIES.replace(b"Alpha", b"Aleph"))
    invoke("ingest", "run")
    assert [(row["batch"], row["brewery_name"]) for row in rows(lake, "brewery")] == [
        (1, "Alpha"),
        (1, "Beta"),
        (2, "Aleph"),
        (2, "Beta"),
    ]


def test_a_second_run_has_nothing_to_do(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    invoke("ingest", "run")
    assert "Nothing to ingest" in invoke("ingest", "run", "--until-idle").stdout


def test_glue_has_the_columns_of_the_parquet_files(lake) -> None:
    land(lake, "profile/a.csv.gz", PROFILES)
    invoke("ingest", "run")
    glue = client(lake, "glue").get_table(DatabaseName=f"{lake.schema_prefix}bronze", Name="profile")["Table"]
    (stored,) = S3Objects(lake).list(f"s3://{lake.bucket}/bronze/profile/")
    schema = pq.read_schema(io.BytesIO(S3Objects(lake).get(stored.uri)))
    assert [column["Name"] for column in glue["StorageDescriptor"]["Columns"]] == schema.names
    assert rows(lake, "profile")[0]["email_token"] not in (None, "ann@example.org")


def test_a_whole_refused_file_exits_1_and_is_reported(lake) -> None:
    land(lake, "brewery/good.csv.gz", BREWERIES)
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/brewery/cut.csv.gz", gzip.compress(BREWERIES)[:-5])
    outcome = answer("ingest", "run", "--until-idle", code=1)
    assert [finding["code"] for finding in outcome["findings"]] == ["batch.failed"]
    assert [row["brewery_name"] for row in rows(lake, "brewery")] == ["Alpha", "Beta"]
    (failed,) = answer("files", "list", "--state", "failed")
    assert failed["key"] == "raw/brewery/cut.csv.gz"
    assert failed["records"] == failed["quarantined"]
    whole = [entry for entry in answer("quarantine", "list") if entry["line"] == 0]
    assert [(entry["key"], entry["state"]) for entry in whole] == [("raw/brewery/cut.csv.gz", "failed")]


def test_files_list_accounts_for_every_record(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    land(lake, "profile/a.csv.gz", PROFILES)
    invoke("ingest", "run")
    files = answer("files", "list")
    assert [(f["table"], f["key"], f["state"]) for f in files] == [
        ("brewery", "raw/brewery/a.csv.gz", "published"),
        ("profile", "raw/profile/a.csv.gz", "published"),
    ]
    assert all(f["records"] == f["rows"] + f["quarantined"] + f["control"] for f in files)
    assert [f["table"] for f in answer("files", "list", "--table", "profile")] == ["profile"]
    assert answer("files", "list", "--state", "failed") == []


def test_files_show_accepts_a_prefix_of_an_id(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    invoke("ingest", "run")
    (file,) = answer("files", "list")
    shown = answer("files", "show", file["file_id"][:8])
    assert shown["file"] == file
    assert shown["report"]["reasons"] == {"type:brewery_id": 1}
    assert shown["batch"]["number"] == 1
    assert file["key"] in invoke("files", "show", file["file_id"]).stdout
    with pytest.raises(NotFoundError, match="00000000"):
        invoke("files", "show", "00000000")
    with pytest.raises(UsageError, match="too short"):
        invoke("files", "show", file["file_id"][:3])


def test_quarantine_shows_place_and_reason_and_masks_personal_values(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    land(lake, "profile/a.csv.gz", PROFILES)
    invoke("ingest", "run")
    brewery, profile = answer("quarantine", "list")
    assert [brewery[name] for name in ("table", "key", "line", "reason", "raw", "batch")] == [
        "brewery",
        "raw/brewery/a.csv.gz",
        4,
        "type:brewery_id",
        "x,Gamma",
        1,
    ]
    assert (profile["line"], profile["reason"], profile["masked"]) == (3, "field_count", True)
    assert "bob" not in json.dumps(profile)
    assert "bob" not in invoke("quarantine", "list").stdout
    assert "bob@example.org" in invoke("quarantine", "list", "--table", "profile", "--raw").stdout


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.csv.gz", PROFILES.partition(b"\n")[2], "header"),
        ("reload=1/_BEGIN", b'{"position": "bob@example.org"}', "position"),
        ("reload=1/_BEGIN", b'{"position": {"bob@example.org": 1}}', "marker"),
    ],
)
def test_details_about_a_whole_file_are_masked_if_they_quote_it(lake, name, body, reason) -> None:
    """In a file without a header, the first line is a person's row and would be quoted as the header."""
    content = gzip.compress(body) if name.endswith(".gz") else body
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/profile/{name}", content)
    invoke("ingest", "run", code=1)
    (entry,) = answer("quarantine", "list")
    assert (entry["reason"], entry["masked"], entry["detail"]) == (reason, True, "")
    assert "(masked)" in invoke("quarantine", "show", entry["file_id"]).stdout
    (raw,) = answer("quarantine", "list", "--raw")
    assert ("example.org" in raw["detail"]) == (reason != "marker")


def test_details_about_a_whole_file_in_our_own_words_are_shown(lake) -> None:
    land(lake, "profile/a.csv.gz", PROFILES + b"9,eve\n" * 200)
    invoke("ingest", "run", code=1)
    *_, whole = answer("quarantine", "list")
    assert (whole["masked"], whole["detail"]) == (True, "201 of 202 records are refused")
    assert "201 of 202" in invoke("quarantine", "list", "--limit", "0").stdout


def test_quarantine_masks_even_if_the_contract_cannot_be_read(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    invoke("ingest", "run")
    shutil.rmtree(lake.contracts)
    assert [entry["raw"] for entry in answer("quarantine", "list")] == [None]


def test_quarantine_list_is_limited_for_people(lake) -> None:
    land(lake, "brewery/a.csv.gz", b"brewery_id,brewery_name\n1,A\n" + b"x,B\n" * 3)
    invoke("ingest", "run")
    result = invoke("quarantine", "list", "--limit", "2")
    assert result.stdout.count("type:brewery_id") == 2
    assert "--limit 0" in result.stderr
    assert len(answer("quarantine", "list", "--limit", "0")) == 3


def test_status_shows_every_table(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    invoke("ingest", "run")
    brewery, profile = answer("status")
    assert [
        brewery[name] for name in ("table", "last_batch", "records", "rows", "quarantined", "control")
    ] == [
        "brewery",
        1,
        3,
        2,
        1,
        0,
    ]
    assert brewery["files"] == {"published": 1}
    assert (brewery["lag_seconds"], profile["last_batch"]) == (0, None)
    assert "1 published" in invoke("status").stdout


def test_status_warns_of_tables_whose_rows_break_their_contract(lake) -> None:
    invoke("ingest", "run")
    glue = client(lake, "glue")
    assert "contract" not in invoke("status").stderr
    ops = f"{lake.schema_prefix}ops"
    glue.create_database(DatabaseInput={"Name": ops})
    for name in ("silver_breweries_state_failures", "gold_top_beers_failures", "consumed"):
        prefix = lake.schema_prefix if name != "consumed" else ""
        glue.create_table(DatabaseName=ops, TableInput={"Name": f"{prefix}{name}"})
    told = invoke("status").stderr
    for name in ("silver.breweries_state", "gold.top_beers"):
        assert f"warning: {lake.schema_prefix}{name}: not published: rows break its contract" in told
    assert told.count("not published") == 2
    stopped = [(one["table"], one["last_batch"]) for one in answer("status") if one["stopped"]]
    assert stopped == [
        (f"{lake.schema_prefix}{name}", None) for name in ("gold.top_beers", "silver.breweries_state")
    ]


def test_status_on_an_empty_cloud_says_how_to_start(lake) -> None:
    assert answer("status") == []
    assert "dm ingest run" in invoke("status").stdout


def test_an_unknown_table_is_refused_with_the_known_ones(lake) -> None:
    with pytest.raises(NotFoundError, match="wine") as caught:
        invoke("ingest", "run", "--table", "wine")
    assert "brewery, profile" in caught.value.hint
    invoke("ingest", "run")
    for command in (("files", "list"), ("quarantine", "list")):
        with pytest.raises(NotFoundError, match="wine") as caught:
            invoke(*command, "--table", "wine")
        assert "brewery, profile" in caught.value.hint


def test_a_missing_contracts_folder_is_named(lake) -> None:
    shutil.rmtree(lake.contracts)
    with pytest.raises(UsageError, match="contracts/bronze") as caught:
        invoke("ingest", "run")
    assert "DM_CONTRACTS" in caught.value.hint


def test_a_changed_contract_that_was_not_rendered_is_refused(lake) -> None:
    path = lake.contracts / "bronze" / "brewery.yaml"
    path.write_text(path.read_text().replace("physicalType: bigint", "physicalType: int", 1))
    with pytest.raises(ContractError, match="brewery") as caught:
        invoke("ingest", "run")
    assert "dm contract sync" in caught.value.hint


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"database": 1}'])
def test_an_invalid_rendered_file_is_refused(lake, text) -> None:
    path = lake.contracts / "rendered" / "bronze" / "brewery.json"
    path.write_text(text)
    with pytest.raises(ContractError, match="rendered/bronze/brewery"):
        invoke("ingest", "run", "--table", "brewery")
    path.unlink()
    with pytest.raises(ContractError, match="rendered/bronze/brewery"):
        invoke("ingest", "run", "--table", "brewery")


def test_a_missing_token_key_stops_before_any_table_is_touched(lake, monkeypatch) -> None:
    monkeypatch.delenv("DM_TOKEN_KEY")
    land(lake, "brewery/a.csv.gz", BREWERIES)
    land(lake, "profile/a.csv.gz", PROFILES)
    with pytest.raises(UsageError, match="DM_TOKEN_KEY"):
        invoke("ingest", "run")
    assert {file["state"] for file in answer("files", "list")} == {"pending"}
    assert answer("ingest", "run", "--table", "brewery")["batches"][0]["rows"] == 2


def test_another_key_makes_tokens_after_a_rekey(lake, monkeypatch) -> None:
    land(lake, "profile/a.csv.gz", PROFILES)
    assert answer("ingest", "run")["batches"][0]["number"] == 1
    monkeypatch.setenv("DM_TOKEN_KEY", "another key, which is as long as the first")
    land(lake, "profile/b.csv.gz", PROFILES)
    assert "not the key that made the tokens of profile" in invoke("ingest", "run", code=1).output
    said = invoke("ingest", "rekey", "--table", "profile", "--reason", "it has leaked").output
    assert "with this key from batch 2 on" in said
    assert "dm ingest replay --table profile --from 1 --to 1" in said
    assert answer("ingest", "rekey", "--table", "profile", "--reason", "again") == {
        "table": "profile", "published": 1, "rekeyed": 1, "least_rev": (PARSER_REVISION + 1) * 10**9,
    }  # fmt: skip
    assert answer("ingest", "run")["batches"][0]["number"] == 2
    with pytest.raises(UsageError, match="brewery has no tokens"):
        invoke("ingest", "rekey", "--table", "brewery", "--reason", "it has leaked")


def test_a_cloud_that_is_not_running_is_reported(lake, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for command in (("ingest", "run"), ("files", "list"), ("quarantine", "list"), ("status",)):
        with pytest.raises(UnavailableError, match="cannot be reached") as caught:
            invoke(*command)
        assert "dm local up" in caught.value.hint


def test_missing_credentials_are_reported(lake, monkeypatch, tmp_path) -> None:
    # In its own process, because botocore caches the credentials that it finds.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    command = [sys.executable, "-m", "control.cli.main", "status"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "credentials" in done.stderr
    assert "dm env" in done.stderr


def test_nothing_is_created_on_an_endpoint_that_is_not_this_machine(lake, monkeypatch, endpoint) -> None:
    monkeypatch.setattr("control.wiring.is_loopback", lambda endpoint: False)
    monkeypatch.setenv("DM_CONTROL_TABLE", "never-made")
    with pytest.raises(NotFoundError, match="never-made"):
        invoke("status")


def test_a_lease_that_is_not_a_number_is_refused(lake, monkeypatch) -> None:
    monkeypatch.setenv("DM_LEASE_SECONDS", "soon")
    with pytest.raises(UsageError, match="DM_LEASE_SECONDS"):
        invoke("ingest", "run")


@pytest.mark.parametrize(
    "command", [("ingest", "run"), ("files", "list"), ("files", "show"), ("quarantine", "list"), ("status",)]
)
def test_help_has_examples(command) -> None:
    assert "Examples:" in invoke(*command, "--help").stdout


def test_the_next_run_finishes_the_work_of_a_killed_one(lake, monkeypatch) -> None:
    """A real process, killed while it holds a batch; its lease is short here."""
    monkeypatch.setenv("DM_LEASE_SECONDS", "0.5")
    land(lake, "brewery/a.csv.gz", BREWERIES)
    die = "import os, control.adapters.light as l; l.parse_file = lambda *a, **k: os._exit(9)"
    code = f"{die}; from control.cli.main import main; import sys; sys.argv = ['dm', 'ingest', 'run']; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert [file["state"] for file in answer("files", "list")] == ["claimed"]
    outcome = answer("ingest", "run", "--until-idle")
    assert [(b["state"], b["number"], b["attempts"]) for b in outcome["batches"]] == [("published", 1, 2)]
    assert len(rows(lake, "brewery")) == 2
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["files.registered", "batch.claimed"]


def test_spark_and_light_publish_the_same_rows(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    land(lake, "profile/a.csv.gz", PROFILES)
    invoke("ingest", "run", "--table", "profile", "--engine", "spark")
    land(lake, "profile/extract=1/again.csv.gz", PROFILES)
    invoke("ingest", "run", "--table", "profile", "--engine", "light")
    found = rows(lake, "profile")
    own = {row["batch"]: {k: v for k, v in row.items() if k not in ("batch", "_file_id")} for row in found}
    assert own[1] == own[2]
    assert len(found) == 2
