"""A real PostgreSQL through change capture, registration, the parser and dbt: silver equals the source.

The capture starts with a snapshot during open transactions, and continues with the stream exactly from there.
"""

import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

from capture import Capture, loaded, metadata
from lakehouse import Lakehouse, temporary
from postgres import Server, Session, server
from project import Project, packed

TABLE = """
create table public.wine (
    wine_id bigint primary key, wine_name text not null, price numeric(12, 4), rating float8, note text,
    tasted_at timestamp
);
create publication capture for table public.wine;
insert into wine select n, 'Wine ' || n, n + 0.1, n / 7.0, case when n % 3 = 0 then 'note ' || n end,
    timestamp '1969-12-31 23:59:59.999999' + n * interval '0.100501 s'
from generate_series(1, 60) as n
"""
FOLDER = "raw/wine/reload=1"
COLUMNS = "wine_id, wine_name, price, rating, note, cast(tasted_at as varchar) as tasted_at"
TRUTH = """
select row_to_json(w) from (
    select wine_id, wine_name, price::text, rating, note,
        to_char(tasted_at, 'YYYY-MM-DD HH24:MI:SS.US') as tasted_at
    from wine order by 1
) as w
"""


@pytest.fixture
def source() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    with temporary(tmp_path) as house:
        yield house


def truth(session: Session) -> list[tuple[Any, ...]]:
    """Return the rows of the source, as silver shows them."""
    rows = [json.loads(row[0]) for row in session.ask(TRUTH)]
    return [(*(row | {"price": row["price"] and Decimal(row["price"])}).values(),) for row in rows]


def sample() -> Iterator[str]:
    """Yield two records as the capture writes them: one with every value, one with only the required ones."""
    said = metadata("data", "insert", "public", "wine") | {"stream-position": "0/1"}
    row = {"wine_id": 1, "wine_name": "A", "price": 1.5, "rating": 0.5, "note": "n"}
    row["tasted_at"] = "2024-05-06T07:08:09.123456"
    nulls = dict.fromkeys(("price", "rating", "note", "tasted_at"))
    return (json.dumps({"data": data, "metadata": said}) for data in (row, row | {"wine_id": 2} | nulls))


def stream(session: Session, how: str = "get") -> Iterator[str]:
    """Return the records since the last call; `peek` leaves them to be read again."""
    sql = (
        f"select encode(data, 'hex') from pg_logical_slot_{how}_binary_changes("
        "'capture', null, null, 'proto_version', '1', 'publication_names', 'capture')"
    )
    messages = [bytes.fromhex(row[0]) for row in session.ask(sql)]
    return (json.dumps(record) for record in Capture().records(messages))


def start_capture(source: Server, shop: Session, lakehouse: Lakehouse) -> None:
    """Create the slot while transactions are open, one of which its snapshot lacks; land the snapshot."""
    stuck = "select 1 from pg_stat_activity where backend_type = 'walsender' and wait_event = 'transactionid'"
    with (
        source.session() as first,
        source.session() as second,
        source.session() as across,
        source.session(replication=True) as slot,
        source.session() as reader,
    ):
        first.ask("begin; insert into wine values (101, 'before the slot', 1, 1, null)")
        slot.begin("CREATE_REPLICATION_SLOT capture LOGICAL pgoutput (SNAPSHOT 'export')")
        shop.wait_until(stuck)
        second.ask("begin; insert into wine values (102, 'while it is made', 2, 2, null)")
        [xid] = second.ask("select txid_current()")
        first.ask("commit")
        shop.wait_until(f"select 1 from pg_locks where not granted and transactionid::text = '{xid[0]}'")
        # Logged before the snapshot's position, committed after it.
        across.ask("begin; update wine set wine_name = 'across the snapshot' where wine_id = 1")
        second.ask("commit")
        [[_, position, snapshot, _]] = slot.answer()
        shop.ask("update wine set price = 99.9999 where wine_id = 2")
        across.ask("commit")
        reader.ask(f"begin isolation level repeatable read; set transaction snapshot '{snapshot}'")
        rows = [row[0] for row in reader.ask("select row_to_json(wine) from wine")]
    assert len(rows) == 62
    assert not [row for row in rows if "across" in row]
    half = len(rows) // 2
    parts = {f"{FOLDER}/{n}.json.gz": part for n, part in enumerate((rows[:half], rows[half:]))}
    lakehouse.put(f"{FOLDER}/_BEGIN", json.dumps({"position": position}).encode())
    for key, part in parts.items():
        lakehouse.put(key, packed(loaded(row, "public", "wine") for row in part))
    files = [{"key": key, "records": len(part)} for key, part in parts.items()]
    lakehouse.put(f"{FOLDER}/_COMPLETE", json.dumps({"files": files}).encode())


CHANGES = (
    "delete from wine where wine_id between 10 and 12",
    "update wine set price = null, note = null where wine_id between 20 and 23",
    "update wine set price = 12345678.0001, tasted_at = '9999-12-31 23:59:59.999999' where wine_id = 24",
    "update wine set wine_id = wine_id + 1000 where wine_id between 30 and 32",
    "begin; insert into wine values (200, 'twice', 1, 0.1, 'a'); "
    "update wine set wine_name = 'changed' where wine_id = 200; delete from wine where wine_id = 13; "
    "insert into wine values (13, 'back', 0.0001, 1e-7, ''); commit",
    "begin; delete from wine where wine_id = 40; rollback",
    "insert into wine values (201, E'tab\\t \"quoted\" \\\\ ünïcödé 🍷', 7, 0.30000000000000004, null)",
)
LATER = (
    "delete from wine where wine_id = 1030",
    "update wine set wine_id = 31 where wine_id = 1031",
    "insert into wine values (10, 'again', 3.3, 3.3, null)",
    "begin; truncate wine; insert into wine values (1, 'anew', 1, 1, null), (300, 'new', 2.5, 2.5, 'x'); "
    "commit",
    "update wine set note = 'last' where wine_id = 300",
    # Large values, stored separately. From here on, old rows are sent complete, including them.
    "alter table wine alter note set storage external; alter table wine replica identity full",
    "update wine set note = repeat('long ', 4000) where wine_id = 300",
    "update wine set price = 3.5 where wine_id = 300",
    "update wine set wine_id = 301 where wine_id = 300",
    "update wine set note = null where wine_id = 1",
    "delete from wine where wine_id = 1",
    "insert into wine values (1, 'anew', 1, 1, null)",
)


def test_silver_equals_the_source(source: Server, lakehouse: Lakehouse, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", lakehouse, sample())
    with source.session() as shop:
        shop.ask(TABLE)
        start_capture(source, shop, lakehouse)
        for change in CHANGES:
            shop.ask(change)
        # At-least-once delivery: a part of the stream is read and sent twice.
        lakehouse.put("raw/wine/cdc/1.json.gz", packed(stream(shop, "peek")))
        lakehouse.put("raw/wine/cdc/2.json.gz", packed(stream(shop)))
        assert project.silver(COLUMNS) == truth(shop)

        for change in LATER:
            shop.ask(change)
        lakehouse.put("raw/wine/cdc/3.json.gz", packed(stream(shop)))
        found = project.silver(COLUMNS)
        assert found == truth(shop)
        assert [row[1] for row in found] == ["anew", "new"]
        assert found[1][0] == 301
        assert len(found[1][4]) == 20_000
