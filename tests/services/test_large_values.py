"""Large values that PostgreSQL stores separately (TOAST): what an update contains of an unchanged one."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from capture import Capture, metadata
from postgres import Server, Session, server

DM = Path(sys.executable).parent / "dm"
TABLE = """
create table wine (wine_id bigint primary key, price float8, note text);
alter table wine alter note set storage external;
create publication capture for table wine;
insert into wine values (1, 1, repeat('long ', 4000)), (2, 2, 'short');
select pg_create_logical_replication_slot('capture', 'pgoutput')
"""
CHANGES = "update wine set price = price + 1"
STREAM = (
    "select encode(data, 'hex') from pg_logical_slot_get_binary_changes("
    "'capture', null, null, 'proto_version', '1', 'publication_names', 'capture')"
)


@pytest.fixture(scope="module")
def source() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def shop(source: Server) -> Iterator[Session]:
    with source.session() as session:
        session.ask(TABLE)
        yield session
        session.ask("select pg_drop_replication_slot('capture'); drop publication capture; drop table wine")


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draft the contract from two records, so that the note may be null."""
    folder = tmp_path_factory.mktemp("project")
    said = metadata("data", "insert", "public", "wine") | {"stream-position": "0/1"}
    rows = ({"wine_id": 1, "price": 1.5, "note": "n"}, {"wine_id": 2, "price": None, "note": None})
    sample = folder / "sample.json.gz"
    sample.write_bytes(packed([{"data": row, "metadata": said} for row in rows]))
    draft = ["contract", "new", "bronze", "wine", "--from-file", str(sample)]
    subprocess.run([str(DM), *draft], cwd=folder, check=True, capture_output=True)
    return folder / "contracts/bronze/wine.yaml"


def packed(records: list[dict[str, Any]]) -> bytes:
    return gzip.compress("\n".join(map(json.dumps, records)).encode())


def changes(shop: Session) -> list[dict[str, Any]]:
    shop.ask(STREAM)
    shop.ask(CHANGES)
    return list(Capture().records(bytes.fromhex(row[0]) for row in shop.ask(STREAM)))


def parsed(records: list[dict[str, Any]], contract: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the counts of `dm parse`, and the reasons of its refusals."""
    raw = folder / "wine.json.gz"
    raw.write_bytes(packed(records))
    command = ["parse", str(raw), "--contract", str(contract), "--out", str(folder / "out"), "--json"]
    done = subprocess.run([str(DM), *command], capture_output=True, text=True, check=True)
    refused = "".join(path.read_text() for path in (folder / "out/quarantine").glob("*"))
    return json.loads(done.stdout), [json.loads(line)["reason"] for line in refused.splitlines()]


def test_an_update_without_a_large_value_is_refused_instead_of_read_as_null(
    shop: Session, contract: Path, tmp_path: Path
) -> None:
    large, short = changes(shop)
    assert large["data"] == {"wine_id": 1, "price": 2.0}
    assert short["data"] == {"wine_id": 2, "price": 3.0, "note": "short"}
    counts, reasons = parsed([large, short], contract, tmp_path)
    assert (counts["rows"], counts["quarantined"], reasons) == (1, 1, ["absent_key:note"])


def test_with_full_replica_identity_an_update_has_the_large_value(
    shop: Session, contract: Path, tmp_path: Path
) -> None:
    shop.ask("alter table wine replica identity full")
    large, short = changes(shop)
    assert large["data"] == {"wine_id": 1, "price": 2.0, "note": "long " * 4000}
    assert large["before-image"] == {"wine_id": 1, "price": 1.0, "note": "long " * 4000}
    counts, reasons = parsed([large, short], contract, tmp_path)
    assert (counts["rows"], counts["quarantined"], reasons) == (2, 0, [])
