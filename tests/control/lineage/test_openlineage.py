"""Lineage as OpenLineage events: their content, in a file and on a server, and errors of the server."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from control.cli.lineage import command
from control.errors import UnavailableError, UpstreamError

EDGES = [
    ("source.public.review.score", "raw.review.score", "direct", "score"),
    ("raw.review.score", "bronze.review.score", "direct", "cast(score as double)"),
    ("raw.review.metadata.operation", "bronze.review._op", "direct", "metadata.operation"),
    ("raw.review.email", "bronze.review.email_token", "direct", "hmac_sha256(email)"),
    ("raw.review.Rated at.day", "bronze.review.rated_on", "direct", '"Rated at.day"'),
    ("bronze.review.score", "gold.best.score", "direct", "AVG(review.score)"),
    ("bronze.review.score", "gold.best.score", "indirect", "where review.score > 0"),
    ("bronze.review._op", "gold.best.score", "indirect", "group by review._op"),
]
ATHENA = "awsathena://athena.us-east-1.amazonaws.com"


@dataclass
class Recorder:
    """A server that records what is posted to it and answers with `status`."""

    status: int = 201
    posted: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    kept = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/api/v1/lineage"
            kept.posted.append(json.loads(body))
            kept.keys.append(self.headers.get("Authorization"))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lineage(tmp_path: Path) -> Path:
    edges = [{"from": a, "to": b, "kind": kind, "expression": text} for a, b, kind, text in EDGES]
    path = tmp_path / "lineage.json"
    path.write_text(json.dumps({"version": 1, "edges": edges, "unresolved": []}))
    return path


def publish(where: str, lineage: Path, *more: str, key: str = "") -> Result:
    arguments = ["publish", "--openlineage", where, "--lineage", str(lineage), "--timeout", "5", *more]
    environment = {"AWS_REGION": "us-east-1", "DM_BUCKET": "lake", "OPENLINEAGE_API_KEY": key}
    return CliRunner().invoke(command, arguments, env=environment)


def inputs(event: dict[str, Any], column: str) -> list[tuple[str, str, str, list[str]]]:
    found = event["outputs"][0]["facets"]["columnLineage"]["fields"][column]["inputFields"]
    return [
        (
            one["namespace"],
            one["name"],
            one["field"],
            [f"{t['type']} {t['subtype']}" for t in one["transformations"]],
        )
        for one in found
    ]


def test_each_table_has_one_event_with_the_lineage_of_its_columns(lineage: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    result = publish(str(file), lineage)
    assert result.exit_code == 0, result.output
    events = {event["job"]["name"]: event for event in map(json.loads, file.read_text().splitlines())}
    assert sorted(events) == ["bronze.review", "gold.best", "raw.review"]
    assert {event["eventType"] for event in events.values()} == {"COMPLETE"}
    gold = events["gold.best"]
    assert (gold["outputs"][0]["namespace"], gold["outputs"][0]["name"]) == (
        ATHENA,
        "awsdatacatalog.gold.best",
    )
    assert inputs(gold, "score") == [
        (ATHENA, "awsdatacatalog.bronze.review", "score", ["DIRECT AGGREGATION", "INDIRECT FILTER"]),
        (ATHENA, "awsdatacatalog.bronze.review", "_op", ["INDIRECT GROUP_BY"]),
    ]
    bronze = events["bronze.review"]
    assert inputs(bronze, "_op") == [("s3://lake", "raw/review", "metadata.operation", ["DIRECT IDENTITY"])]
    assert inputs(bronze, "rated_on") == [("s3://lake", "raw/review", "Rated at.day", ["DIRECT IDENTITY"])]
    token = bronze["outputs"][0]["facets"]["columnLineage"]["fields"]["email_token"]["inputFields"][0]
    assert token["transformations"][0]["masking"] is True
    assert inputs(events["raw.review"], "score") == [
        ("postgres://source:5432", "public.review", "score", ["DIRECT IDENTITY"])
    ]


def test_source_and_jobs_have_their_names_in_the_catalog(lineage: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    publish(str(file), lineage, "--source", "postgres://shop:5433", "--job-namespace", "shop")
    events = {event["job"]["name"]: event for event in map(json.loads, file.read_text().splitlines())}
    assert {event["job"]["namespace"] for event in events.values()} == {"shop"}
    assert [one[0] for one in inputs(events["raw.review"], "score")] == ["postgres://shop:5433"]


def test_direct_only_omits_indirect_edges(lineage: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    publish(str(file), lineage, "--direct-only")
    gold = next(e for e in map(json.loads, file.read_text().splitlines()) if e["job"]["name"] == "gold.best")
    assert [ways for *_, ways in inputs(gold, "score")] == [["DIRECT AGGREGATION"]]


def test_a_server_gets_every_event_with_the_same_run_ids_the_second_time(
    lineage: Path, recorder: Recorder
) -> None:
    assert publish(recorder.url, lineage, key="secret").exit_code == 0
    first = [event["run"]["runId"] for event in recorder.posted]
    assert len(set(first)) == 3
    assert set(recorder.keys) == {"Bearer secret"}
    publish(recorder.url, lineage)
    assert [event["run"]["runId"] for event in recorder.posted[3:]] == first


def test_a_refusal_is_reported_with_server_and_table(lineage: Path, recorder: Recorder) -> None:
    recorder.status = 422
    result = publish(recorder.url, lineage, key="secret")
    assert isinstance(result.exception, UpstreamError)
    assert "422" in result.exception.message
    assert "bronze.review" in result.exception.message
    assert "secret" not in result.output + str(result.exception)


def test_an_unreachable_server_is_reported_with_what_to_do(lineage: Path) -> None:
    result = publish("http://127.0.0.1:9", lineage)
    assert isinstance(result.exception, UnavailableError)
    assert "--openlineage FILE" in result.exception.hint
