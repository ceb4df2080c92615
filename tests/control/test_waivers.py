"""Which records are left out of silver, and the Athena queries about them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from memory_warehouse import memory_warehouse

from control import audit
from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.adapters.parquet import decode
from control.config import Settings
from control.errors import UsageError
from control.model import Batch, RawFile, StateTable
from control.ports import Parts
from control.sql import moment
from control.waivers import Held, Place, held, in_force, place, waive, without_waived

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FILE = RawFile("it's", "review", "lake", "raw/review/a", "null", "e", 3, 1, 1, "csv", NOW, NOW, "b2")
FIRST = Batch("b1", "review", ("it's",), 3, "light", NOW, state="published", number=7)
AGAIN = Batch("b2", "review", ("it's",), 3, "light", NOW, state="published", number=12, parent="b1")


def world() -> Parts:
    settings = Settings(schema_prefix="ann_", actor="ann")
    clock, store = MemoryClock(NOW), MemoryStore()
    for batch in (FIRST, AGAIN):
        store.create(batch)
    return Parts(settings, store, MemoryObjects(), MemoryCatalog(), {}, clock, lambda _: {}, lambda *_: None)


def leave_out(parts: Parts, line: int, until: date, file: RawFile = FILE, *, there: str = "1") -> str:
    """Waive a record and return the SQL sent to Athena."""
    asked: list[str] = []

    def query(sql: str) -> Sequence[Sequence[str]]:
        asked.append(sql)
        return [[there]]

    warehouse = memory_warehouse(query=query)
    waive(file, Place(file.file_id, line), "no score", until, parts=parts, warehouse=warehouse)
    return "".join(asked)


@pytest.mark.parametrize(
    ("text", "named"),
    [("f:17", Place("f", 17)), ("f:17:0", Place("f", 17)), ("f:17:2", Place("f", 17, 2))],
)
def test_a_record_is_named_by_file_line_and_place(text: str, named: Place) -> None:
    assert place(text) == named
    assert place(str(named)) == named


@pytest.mark.parametrize("text", ["f:", "f:x", "f:-1", "f:1:2:3", "f:1:", "f:٣"])
def test_an_invalid_record_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no record"):
        place(text)


def test_the_latest_waiver_of_a_record_applies_until_the_end_of_its_day() -> None:
    parts = world()
    today = NOW.date()
    leave_out(parts, 1, today)
    leave_out(parts, 2, today - timedelta(days=1))
    leave_out(parts, 3, today + timedelta(days=30))
    leave_out(parts, 4, today - timedelta(days=1))
    parts.clock.sleep(1)
    leave_out(parts, 3, today - timedelta(days=1))
    leave_out(parts, 4, today)
    found = in_force(parts, decode)
    assert [(one.line, one.expiry, one.owner, one.reason) for one in found] == [
        (1, today, "ann", "no score"),
        (4, today, "ann", "no score"),
    ]
    parts.clock.sleep(12 * 3600)
    assert in_force(parts, decode) == []


def test_a_waiver_is_written_for_dbt_and_to_the_audit_trail() -> None:
    parts = world()
    leave_out(parts, 1, NOW.date())
    assert parts.catalog.get_table("ann_ops", "waivers") is not None
    [written] = parts.objects.list("s3://lake/warehouse/ann_ops/waivers/")
    [row] = decode(parts.objects.get(written.uri))
    assert (row["table"], row["file"], row["line"], row["record"]) == ("review", "it's", 1, 0)
    assert [entry.subjects for entry in audit.trail("review", parts)] == [("it's",)]


def test_a_record_that_is_not_in_bronze_cannot_be_waived() -> None:
    parts = world()
    with pytest.raises(UsageError, match="bronze has no record at line 7"):
        leave_out(parts, 7, NOW.date(), there="0")
    assert in_force(parts, decode) == []
    assert list(audit.trail("review", parts)) == []


def test_a_record_is_held_unless_a_waiver_is_in_force() -> None:
    parts = world()
    found = [Held("review", "reviews_state", str(line), 12, Place(FILE.file_id, line)) for line in (1, 2, 3)]
    leave_out(parts, 1, NOW.date())
    leave_out(parts, 2, NOW.date() - timedelta(days=1))
    left = without_waived([*found, replace(found[0], place=Place("f2", 1))], in_force(parts, decode))
    assert [str(one.place) for one in left] == ["it's:2", "it's:3", "f2:1"]


def test_ids_are_quoted_in_sql() -> None:
    asked = leave_out(world(), 7, NOW.date(), replace(FILE, file_id="a' or '1' = '1"))
    assert "_file_id = 'a'' or ''1'' = ''1'" in asked


def test_only_the_batches_of_its_file_are_searched_for_a_record() -> None:
    """Bronze has a batch every few minutes, and Athena reads every batch that the query does not exclude."""
    assert "where batch in (7, 12) and" in leave_out(world(), 7, NOW.date())
    with pytest.raises(UsageError, match="bronze has no record at line 7"):
        leave_out(world(), 7, NOW.date(), replace(FILE, batch_id=None))


def test_only_state_tables_with_a_failures_table_are_queried() -> None:
    asked: list[str] = []

    def query(sql: str) -> Sequence[Sequence[str]]:
        asked.append(sql)
        if "information_schema" in sql:
            return [["ann_silver_reviews_state_failures"]]
        if "ops.consumed" in sql:
            return [["11"]]
        return [["7", "0", "f1", "3", "0", "12"]]

    states = [
        StateTable("beer", "beers_state", ("beer_id",)),
        StateTable("review", "reviews_state", ("a", "b")),
    ]
    found = list(held(states, memory_warehouse("ann_", query=query)))
    assert found == [Held("review", "reviews_state", "7/0", 12, Place("f1", 3))]
    assert len(asked) == 3
    assert "model = 'reviews_state' and input = 'bronze.review'" in asked[1]
    assert "where sent.batch > 11 order by" in asked[2], "batches that silver has consumed are not read"


def test_a_timestamp_in_a_key_is_compared_in_microseconds() -> None:
    asked: list[str] = []

    def query(sql: str) -> Sequence[Sequence[str]]:
        asked.append(sql)
        if "information_schema" in sql:
            return [["silver_visits_state_failures"]]
        return [["11"]] if "ops.consumed" in sql else []

    visits = StateTable("visit", "visits_state", ("at", "n"), frozenset({"at"}))
    assert list(held([visits], memory_warehouse(query=query))) == []
    exact = moment('sent."at_us"')
    assert f'coalesce({exact}, sent."at") = failed."at" and sent."n" = failed."n" and sent."_seq"' in asked[2]
