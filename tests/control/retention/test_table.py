"""What may go leaves the catalog first and is tagged then; control records and all else stay."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control import audit
from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects, MemoryStore
from control.config import Settings
from control.errors import UnavailableError, UpstreamError
from control.model import Batch, Counts, Partition, RawFile, attempt_of
from control.ports import CatalogColumn, CatalogTable, Parts
from control.retention.judge import Keep, Verdict, judge
from control.retention.let_go import TAG, let_go
from control.retention.table import Objects, known, measure, offsets, raw_of

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
NOW = LONG_AGO + timedelta(days=365)
PUBLISHED = ("2025-01-01", "1")


@pytest.fixture
def parts() -> Parts:
    """One raw file of one batch, published and old."""
    settings = Settings()
    store, objects, catalog = MemoryStore(), MemoryObjects(), MemoryCatalog()
    raw = RawFile("f", "review", "lake", "raw/review/f", "null", "e", 3, 1, 1, "csv", LONG_AGO, LONG_AGO, "b")
    batch = Batch(
        batch_id="b",
        table="review",
        file_ids=("f",),
        size_bytes=3,
        engine="light",
        created_at=LONG_AGO,
        state="published",
        epoch=1,
        counts=(Counts(1, 1, 0, 0),),
        number=1,
        ingest_date=PUBLISHED[0],
        published_at=LONG_AGO,
    )
    store.create(raw)
    store.create(batch)
    attempt = attempt_of(batch, settings.bucket)
    for uri in (raw.uri, f"{attempt.bronze}/1.parquet", f"{attempt.bronze}/2.parquet", f"{attempt.events}/1"):
        objects.put(uri, b"abc")
    objects.put(f"{attempt.bronze}0/1.parquet", b"of another attempt")
    keys = (CatalogColumn("ingest_date", "string"), CatalogColumn("batch", "bigint"))
    for name, place in (("review", attempt.bronze), ("review_events", attempt.events)):
        catalog.ensure_table(CatalogTable("bronze", name, "s3://lake/bronze/", (), keys))
        catalog.add_partition(Partition("bronze", name, PUBLISHED, f"{place}/", {}))
    return Parts(settings, store, objects, catalog, {}, MemoryClock(NOW), lambda _: {}, lambda *_: None)


def verdicts(parts: Parts, offset: int) -> list[Verdict]:
    taken = {"reviews_state": offset} if offset else {}
    return list(judge(known("review", ["reviews_state"], taken, parts), Keep(), NOW))


def tagged(parts: Parts) -> list[str]:
    return [
        stored.key
        for stored in parts.objects.list("s3://lake/")
        if parts.objects.tags(stored.uri, stored.version_id).get(TAG[0]) == TAG[1]
    ]


def run(parts: Parts, offset: int = 1, keep: Keep | None = None) -> list[Objects]:
    """One run of retention on the table."""
    taken = {"reviews_state": offset} if offset else {}
    found = known("review", ["reviews_state"], taken, parts)
    return [done for _, done in let_go(found, list(judge(found, keep or Keep(), NOW)), parts)]


def trail(parts: Parts) -> list[tuple[str, str]]:
    return sorted((entry.action, entry.reason) for entry in audit.trail("review", parts))


GONE = ["bronze/review/b-e1/1.parquet", "bronze/review/b-e1/2.parquet", "raw/review/f"]


def assert_let_go(parts: Parts) -> None:
    assert parts.catalog.get_partition("bronze", "review", PUBLISHED) is None
    assert parts.catalog.get_partition("bronze", "review_events", PUBLISHED) is not None
    assert tagged(parts) == GONE


def test_rows_leave_the_catalog_and_are_tagged_while_control_records_stay(parts: Parts) -> None:
    assert sum(done.tagged for done in run(parts)) == 3
    assert_let_go(parts)
    assert trail(parts) == [
        ("let go", "bronze of batches 1: kept long enough, and taken in by reviews_state at 1"),
        ("let go", "raw of batches 1: kept long enough, and taken in by reviews_state at 1"),
    ]
    assert all(entry.subjects == ("f",) for entry in audit.trail("review", parts))
    assert sum(done.tagged for done in run(parts)) == 0, "a second run finds it done"
    assert len(trail(parts)) == 2, "and has nothing to say"


def test_a_model_that_has_taken_in_nothing_yet_keeps_all(parts: Parts) -> None:
    assert not any(one.may_go for one in verdicts(parts, 0))
    assert run(parts, 0) == []
    assert tagged(parts) == []
    assert trail(parts) == []


def test_what_a_lifecycle_rule_has_deleted_is_no_error(parts: Parts) -> None:
    run(parts)
    parts.objects.delete(f"s3://lake/{key}" for key in GONE)
    assert [(done.count, done.tagged) for done in run(parts)] == [(0, 0)] * 3


def test_what_is_needed_again_is_taken_back_and_the_trail_says_why(parts: Parts) -> None:
    """A model that was added later and has taken in nothing yet."""
    run(parts)
    found = known("review", ["reviews_state", "new"], {"reviews_state": 1}, parts)
    done = let_go(found, list(judge(found, Keep(), NOW)), parts)
    assert sum(objects.taken_back for _, objects in done) == 3
    assert tagged(parts) == []
    kept = [reason for action, reason in trail(parts) if action == "keep"]
    assert kept == [f"{kind} of batches 1: new has taken in batch 0, not yet 1" for kind in ("bronze", "raw")]
    assert let_go(found, list(judge(found, Keep(), NOW)), parts) == []
    run(parts)
    assert_let_go(parts)


class Killed(BaseException):
    """The process is gone."""


class Wire:
    """Dies at the n-th call to the world, before or after its effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.calls = at, after, 0

    def around(self, inner: Any) -> Any:
        wire = self

        class Around:
            def __getattr__(self, name: str) -> Any:
                return lambda *given, **named: wire.call(getattr(inner, name), *given, **named)

        return Around()

    def call(self, effect: Any, *given: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Killed
        result = effect(*given, **named)
        if self.calls == self.at:
            raise Killed
        return result


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_at_any_call_leaves_nothing_half_done_that_the_next_does_not_finish(
    parts: Parts, after: bool
) -> None:
    world = parts
    wire = Wire(0, after=after)
    run(_wired(_copied(world), wire))
    assert wire.calls > 12
    for at in range(1, wire.calls + 1):
        died = _copied(world)
        with pytest.raises(Killed):
            run(_wired(died, Wire(at, after=after)))
        half = tagged(died)
        partition = died.catalog.get_partition("bronze", "review", PUBLISHED)
        assert not [key for key in half if key.startswith("bronze/")] or partition is None, at
        assert not half or [action for action, _ in trail(died)], f"{at}: a deed that the trail lacks"
        assert died.catalog.get_partition("bronze", "review_events", PUBLISHED) is not None
        run(died)
        assert_let_go(died)


def _wired(parts: Parts, wire: Wire) -> Parts:
    around = wire.around
    return replace(
        parts, store=around(parts.store), objects=around(parts.objects), catalog=around(parts.catalog)
    )


def _copied(parts: Parts) -> Parts:
    store, objects, catalog = deepcopy((parts.store, parts.objects, parts.catalog))
    return replace(parts, store=store, objects=objects, catalog=catalog)


def test_no_object_is_tagged_while_readers_are_still_sent_to_it(parts: Parts) -> None:
    class Unreachable(MemoryCatalog):
        def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
            raise UnavailableError("glue")

    with pytest.raises(UnavailableError):
        run(replace(parts, catalog=Unreachable()))
    assert tagged(parts) == []


def test_a_plan_says_how_much_of_it_is_there(parts: Parts) -> None:
    def measured() -> dict[str, tuple[int, int]]:
        raw = raw_of("review", parts)
        sizes = {one.kind: measure(one, raw, parts) for one in verdicts(parts, 1)}
        return {kind: (size.count, size.size_bytes) for kind, size in sizes.items()}

    assert measured() == {"raw": (1, 3), "bronze": (2, 6), "quarantine": (0, 0)}
    parts.objects.delete(["s3://lake/raw/review/f"])
    assert measured()["raw"] == (0, 0)


@pytest.mark.parametrize("reason", ["TABLE_NOT_FOUND: line 1", "SCHEMA_NOT_FOUND: line 1"])
def test_before_the_first_build_no_model_has_taken_anything_in(reason: str) -> None:
    def refuse(_: str) -> Sequence[Sequence[str]]:
        raise UpstreamError(reason)

    assert offsets(refuse, "") == {}


def test_another_failure_of_athena_is_not_taken_for_an_empty_answer() -> None:
    def refuse(_: str) -> Sequence[Sequence[str]]:
        raise UpstreamError("GENERIC_INTERNAL_ERROR")

    with pytest.raises(UpstreamError):
        offsets(refuse, "")


def test_offsets_are_those_of_each_model_by_table() -> None:
    rows = [
        ("bronze.review", "reviews_state", "7"),
        ("bronze.review", "other", "3"),
        ("bronze.beer", "b", "1"),
    ]
    assert offsets(lambda _: rows, "") == {
        "bronze.review": {"reviews_state": 7, "other": 3},
        "bronze.beer": {"b": 1},
    }
