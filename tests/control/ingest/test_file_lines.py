"""`dm files list` in pages: every file once, and listing other states reads no published files."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import get_args

import pytest

from control.adapters.memory import MemoryStore
from control.ingest.files import failed_batches, file_lines
from control.model import Batch, Counts, FileState, Head, RawFile

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
FILE = RawFile("f", "review", "lake", "k", "null", "e", 1, 1, 1, "csv", NOON, NOON)
BATCH = Batch("b", "review", ("f",), 1, "light", NOON)
STATES = ("pending", "claimed", "written", "published", "failed", "splitting")


class PagedStore(MemoryStore):
    """Returns at most two items per page, and records which ids were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get_many(self, kind, table, item_ids):
        self.read += item_ids
        return super().get_many(kind, table, item_ids)

    def query(self, kind, table, **options):
        page = super().query(kind, table, **{**options, "limit": 2})
        self.read += [item.id for item in page.items]
        return page


@pytest.fixture
def parts() -> SimpleNamespace:
    """Two files in each state; one of the failed ones has been alerted."""
    store = PagedStore()
    store.create(Head("review"))
    for number, state in enumerate((*STATES, *STATES)):
        told, counts = state == "failed" and number < len(STATES), (Counts(3, 2, 1),)
        name = f"{state}-{number:02}"
        batch = replace(BATCH, batch_id=f"b-{name}", file_ids=(f"f-{name}",), state=state, told=told)
        store.create(replace(batch, counts=counts if state in ("published", "written") else ()))
        store.create(replace(FILE, file_id=f"f-{name}", key=f"k{99 - number}", batch_id=batch.batch_id))
    for number in range(2):
        store.create(replace(FILE, file_id=f"f-registered-{number}", key=f"r{number}"))
    return SimpleNamespace(store=store)


def test_every_file_is_listed_once(parts) -> None:
    listed = [line.file_id for line in file_lines(parts)]
    assert len(listed) == len(set(listed)) == 14


@pytest.mark.parametrize("state", get_args(FileState))
def test_listing_one_state_equals_filtering_the_whole_list(parts, state) -> None:
    whole = {line.file_id: line for line in file_lines(parts)}
    listed = {line.file_id: line for line in file_lines(parts, "review", state)}
    assert listed == {name: line for name, line in whole.items() if line.state == state}
    assert len(listed) == (4 if state == "pending" else 2)


@pytest.mark.parametrize("state", [state for state in get_args(FileState) if state != "published"])
def test_listing_another_state_reads_no_published_file(parts, state) -> None:
    assert list(file_lines(parts, "review", state))
    assert [name for name in parts.store.read if "published" in name] == []


def test_a_list_that_is_not_exhausted_reads_only_one_page(parts) -> None:
    first = next(file_lines(parts, "review"))
    assert first.file_id.startswith("f-claimed")
    assert len([name for name in parts.store.read if name.startswith("f-")]) == 2


def test_stale_index_entries_are_ignored(parts) -> None:
    stale = parts.store.get(Batch, "review", "b-failed-04")
    parts.store.put(replace(stale, state="claimed", epoch=1))
    parts.store._at["failed"][Batch, "review"].put(stale.id, stale)
    assert [line.file_id for line in file_lines(parts, "review", "failed")] == ["f-failed-10"]
    assert [batch.batch_id for batch in failed_batches("review", parts)] == ["b-failed-10"]
