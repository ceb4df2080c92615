"""`dm catalog publish` as a person runs it: with a server, without one, and without leaking secrets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from catalog_server import CatalogServer
from click.testing import CliRunner, Result

from control.cli.catalog import command
from control.errors import NotFoundError, UnavailableError, UpstreamError, UsageError, meaning

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "bot-token-that-nobody-may-see"
SECRETS = (TOKEN, "token-key-of-values", "aws-secret-of-the-lake")
EDGES = [
    ("source.public.beer.beer_name", "raw.beer.beer_name", "direct", "beer_name"),
    ("raw.beer.beer_name", "bronze.beer.beer_name", "direct", "cast(beer_name as string)"),
    ("bronze.beer.beer_name", "gold.top_beers_by_rating.beer_name", "direct", "beers.beer_name"),
]


@pytest.fixture
def server() -> Iterator[CatalogServer]:
    with CatalogServer(token=TOKEN) as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The artefacts of a build of two tables, one of which failed with a row in the message."""
    folder = tmp_path / "target"
    folder.mkdir()
    write(folder / "lineage.json", {"version": 1, "edges": [edge(*e) for e in EDGES], "unresolved": []})
    tables = {"bronze.beer": ["beer_id", "beer_name"], "gold.top_beers_by_rating": ["beer_id", "beer_name"]}
    found = {name: relation(name, columns) for name, columns in tables.items()}
    write(folder / "catalog.json", {"nodes": found, "sources": {}})
    nodes = {"model.x.top": {"resource_type": "model", "name": "top_beers_by_rating", "schema": "gold"}}
    write(folder / "manifest.json", {"nodes": nodes, "sources": {}, "exposures": {}})
    build(folder, "2026-03-01T11:00:00Z")
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def edge(source: str, target: str, kind: str, expression: str) -> dict[str, str]:
    return {"from": source, "to": target, "kind": kind, "expression": expression}


def relation(name: str, columns: list[str]) -> dict[str, Any]:
    schema, _, table = name.partition(".")
    listed = {c: {"name": c, "type": "string", "index": i} for i, c in enumerate(columns)}
    return {"metadata": {"schema": schema, "name": table, "type": "table"}, "columns": listed}


def build(folder: Path, finished: str) -> None:
    timing = [{"name": "execute", "completed_at": finished}]
    found = {"unique_id": "model.x.top", "status": "error", "message": SECRETS[1], "timing": timing}
    write(folder / "run_results.json", {"results": [found], "args": {"which": "build"}})


def publish(url: str, target: Path, *more: str) -> Result:
    outbox = str(target.parent / "outbox.json")
    arguments = ["publish", "--url", url, "--target", str(target), "--outbox", outbox, "--offline", *more]
    environment = {
        "DM_CONTRACTS": str(ROOT / "contracts"),
        "OPENMETADATA_TOKEN": TOKEN,
        "DM_TOKEN_KEY": SECRETS[1],
        "AWS_SECRET_ACCESS_KEY": SECRETS[2],
    }
    return CliRunner().invoke(command, arguments, env=environment)


def test_it_reports_what_it_did_and_then_that_nothing_is_left(server: CatalogServer, target: Path) -> None:
    first = publish(server.url, target)
    assert first.exit_code == 0, first.output
    assert "2 edges written, 0 removed, 0 unchanged" in first.stdout
    again = json.loads(publish(server.url, target, "--json").stdout)
    assert (again["created"], again["changed"], again["edges_written"], again["results_added"]) == (
        0,
        0,
        0,
        0,
    )


def test_no_secret_is_in_a_payload_the_output_or_the_outbox(server: CatalogServer, target: Path) -> None:
    outputs = [publish(server.url, target).output]
    server.token = "another"
    refused = publish(server.url, target)
    outputs += [refused.output, str(refused.exception), getattr(refused.exception, "hint", "")]
    assert "OPENMETADATA_TOKEN" in outputs[-1]
    outputs += [(target.parent / "outbox.json").read_text(), json.dumps([call.body for call in server.log])]
    assert len(server.writes()) > 20
    for said in outputs:
        for secret in SECRETS:
            assert secret not in said


def test_if_the_server_is_down_all_is_queued_and_published_later(server: CatalogServer, target: Path) -> None:
    down = publish("http://127.0.0.1:9", target)
    assert isinstance(down.exception, UnavailableError)
    assert meaning(down.exception).exit_code == 3
    assert "127.0.0.1:9 cannot be reached" in down.exception.message
    assert "dm catalog publish --queued" in down.exception.hint
    build(target, "2026-03-01T12:00:00Z")
    done = publish(server.url, target)
    assert done.exit_code == 0, done.output
    # The result of the build that could not be published is there, too.
    (kept,) = (found for test, found in server.results.items() if "published_top" in test)
    assert len(kept) == 2
    assert not (target.parent / "outbox.json").exists()


def test_queued_results_need_no_artefacts(server: CatalogServer, target: Path) -> None:
    server.failing = 500
    assert isinstance(publish(server.url, target).exception, UnavailableError)
    server.failing = 0
    for file in target.iterdir():
        file.unlink()
    assert publish(server.url, target, "--queued").exit_code == 0
    assert "table:lakehouse.awsdatacatalog.gold.top_beers_by_rating" in server.entities
    assert isinstance(publish(server.url, target, "--queued").exception, NotFoundError)


def test_a_value_that_the_server_drops_is_a_failure(server: CatalogServer, target: Path) -> None:
    server.forgets = frozenset({"sla"})
    result = publish(server.url, target)
    assert isinstance(result.exception, UpstreamError)
    assert "/sla" in result.exception.message


@pytest.mark.parametrize("answer", ["{}", "[]", "3", '{"nodes": 1}'])
def test_a_server_that_is_not_openmetadata_is_reported_and_all_is_queued(target: Path, answer: str) -> None:
    with other_server(answer.encode()) as url:
        result = publish(url, target)
    assert isinstance(result.exception, UpstreamError), result.exception
    assert "not OpenMetadata's" in result.exception.message
    assert (target.parent / "outbox.json").exists()


@contextmanager
def other_server(answer: bytes) -> Iterator[str]:
    """A server that answers every request alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("url", ["catalog.example.org", "ftp://x", "https://bot:hidden@example.org"])
def test_an_invalid_address_is_a_usage_error(target: Path, url: str) -> None:
    result = publish(url, target)
    assert isinstance(result.exception, UsageError)
    assert "hidden" not in result.exception.message + result.exception.hint


def test_an_outbox_folder_with_other_content_is_not_touched(server: CatalogServer, target: Path) -> None:
    (target.parent / "outbox.json").write_text("my notes")
    assert isinstance(publish(server.url, target).exception, UsageError)
    assert (target.parent / "outbox.json").read_text() == "my notes"
