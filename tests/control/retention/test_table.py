"""What may go leaves the catalog first and is then tagged; control records and everything else stay."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from raising import raising
from retained import FILE, GONE, Killed, Wire, assert_let_go, copied, judged, run, tagged, trail, wired

from control import audit
from control.adapters.memory import MemoryCatalog
from control.errors import UnavailableError, UpstreamError
from control.model import Batch, RawFile, file_id_of
from control.ports import Parts, every
from control.retention import let_go as module
from control.retention.judge import Keep
from control.retention.table import judge_table, measure, offsets


def test_rows_leave_the_catalog_and_are_tagged_while_control_records_stay(parts: Parts) -> None:
    assert sum(done.tagged for done in run(parts)) == 3
    assert_let_go(parts)
    assert trail(parts) == [
        ("let go", "bronze of batches 1: kept long enough, and taken in by reviews_state at 1"),
        ("let go", "raw of batches 1: kept long enough, and taken in by reviews_state at 1"),
    ]
    assert all(entry.subjects == (FILE,) for entry in audit.trail("review", parts))
    assert sum(done.tagged for done in run(parts)) == 0, "a second run has nothing to do"
    assert len(trail(parts)) == 2, "and records nothing"


def test_a_model_that_has_consumed_nothing_keeps_everything(parts: Parts) -> None:
    assert not any(one.may_go for one in judged(parts, 0).verdicts)
    assert run(parts, 0) == []
    assert tagged(parts) == []
    assert trail(parts) == []


def test_objects_deleted_by_a_lifecycle_rule_are_no_error(parts: Parts) -> None:
    run(parts)
    parts.objects.delete(f"s3://lake/{key}" for key in GONE)
    assert run(parts) == []


def test_batches_whose_objects_are_gone_cost_no_calls(parts: Parts) -> None:
    def calls() -> int:
        wire = Wire(0, after=False)
        run(wired(copied(parts), wire), 1000)
        return wire.calls

    before = calls()
    (batch,) = every(parts.store, Batch, "review")
    for number in range(2, 1000):
        parts.store.create(replace(batch, batch_id=f"b{number}", number=number))
    assert calls() == before


def test_rows_that_outlive_their_raw_files_cost_no_tag_requests(parts: Parts) -> None:
    """Otherwise each nightly run would ask for all batches between the ages of raw files and of rows."""
    keep = Keep(raw=timedelta(days=90), bronze=timedelta(days=400))
    asked: list[str] = []

    class Objects:
        def __getattr__(self, name: str) -> Any:
            return getattr(parts.objects, name)

        def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
            asked.append(uri)
            return parts.objects.tags(uri, version_id)

    wired = replace(parts, objects=Objects())  # type: ignore[arg-type]  # it delegates the rest
    for _ in range(2):
        module.let_go(judge_table("review", {"reviews_state": 1}, keep, wired), wired)
    assert set(asked) == {"s3://lake/raw/review/f"}
    assert tagged(parts) == ["raw/review/f"]


def test_an_interrupted_run_has_made_progress(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a backlog which takes longer than a function may run is finished over several runs."""
    (file,), (batch,) = (every(parts.store, kind, "review") for kind in (RawFile, Batch))
    for number in range(2, 12):
        key = f"raw/review/f{number}"
        name = file_id_of("lake", key, "null")
        parts.objects.put(f"s3://lake/{key}", b"abc")
        parts.store.create(replace(file, file_id=name, key=key, batch_id=f"b{number}"))
        parts.store.create(replace(batch, batch_id=f"b{number}", file_ids=(name,), number=number))
    monkeypatch.setattr(module, "AT_ONCE", 3)
    whole = Wire(0, after=False)
    run(wired(copied(parts), whole), 11)
    got_on = []
    for at in range(1, whole.calls + 1, 5):
        died = copied(parts)
        with pytest.raises(Killed):
            run(wired(died, Wire(at, after=False)), 11)
        got_on.append(sum(key.startswith("raw/") for key in tagged(died)))
    assert got_on == sorted(got_on)
    assert len(set(got_on) - {0, 11}) >= 3, got_on


def test_no_object_is_tagged_while_readers_still_find_it(parts: Parts) -> None:
    class Unreachable(MemoryCatalog):
        def drop_partition(self, database: str, table: str, values: tuple[str, ...]) -> None:
            raise UnavailableError("glue")

    with pytest.raises(UnavailableError):
        run(replace(parts, catalog=Unreachable()))
    assert tagged(parts) == []


def test_content_that_overwrote_a_raw_file_is_not_tagged(parts: Parts) -> None:
    """This holds even before a listing has noticed: nothing has read the new content."""
    parts.objects.put("s3://lake/raw/review/f", b"other")
    run(parts)
    assert tagged(parts) == GONE[:2]


def test_a_plan_measures_only_existing_objects(parts: Parts) -> None:
    def measured() -> dict[str, tuple[int, int]]:
        found = judged(parts, 1)
        sizes = {one.kind: measure(one, found.there, parts) for one in found.verdicts}
        return {kind: (size.count, size.size_bytes) for kind, size in sizes.items()}

    assert measured() == {"raw": (1, 3), "bronze": (2, 6)}
    parts.objects.delete(["s3://lake/raw/review/f"])
    assert measured() == {"bronze": (2, 6)}


@pytest.mark.parametrize("reason", ["TABLE_NOT_FOUND: line 1", "SCHEMA_NOT_FOUND: line 1"])
def test_before_the_first_build_no_model_has_consumed_anything(reason: str) -> None:
    assert offsets(raising(UpstreamError(reason)), "") == {}


def test_another_error_of_athena_is_not_an_empty_answer() -> None:
    with pytest.raises(UpstreamError):
        offsets(raising(UpstreamError("GENERIC_INTERNAL_ERROR")), "")


def test_offsets_are_by_table_and_model() -> None:
    rows = [
        ("bronze.review", "reviews_state", "7"),
        ("bronze.review", "other", "3"),
        ("bronze.beer", "b", "1"),
    ]
    assert offsets(lambda _: rows, "") == {
        "bronze.review": {"reviews_state": 7, "other": 3},
        "bronze.beer": {"b": 1},
    }
