"""Released data that is needed again comes back whole: its objects are kept, then readers see its rows.

Claims are functions of the `let_go` under test, so that each planted bug can be checked against all of them.
"""

import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from retained import (
    FILE,
    FOLDER,
    GONE,
    Killed,
    Wire,
    assert_let_go,
    assert_nobody_reads_what_may_be_deleted,
    copied,
    rows_in_catalog,
    run,
    small_lake,
    tagged,
    trail,
    wired,
)

import control.retention.let_go
from control import audit
from control.errors import UpstreamError
from control.model import Batch, Head
from control.ports import Parts
from control.retention.let_go import TAG, let_go

Claim = Callable[[Any], None]
WHY = "new has taken in batch 0, not yet 1"


def let_go_of(parts: Parts, by: Any) -> Parts:
    run(parts, by=by)
    return parts


def take_back(parts: Parts, by: Any) -> list[Any]:
    """Run after a model was added that has consumed nothing yet."""
    return run(parts, 1, "new", by=by)


def assert_taken_back(parts: Parts) -> None:
    assert rows_in_catalog(parts) == rows_in_catalog(small_lake()), "exactly as it was published"
    assert tagged(parts) == []


def data_comes_back_unchanged_and_may_go_again(by: Any) -> None:
    parts = let_go_of(small_lake(), by)
    done = take_back(parts, by)
    assert (sum(one.taken_back for one in done), sum(one.returned for one in done)) == (3, 1)
    assert_taken_back(parts)
    kept = [reason for action, reason in trail(parts) if action == "keep"]
    assert kept == [f"{kind} of batches 1: {WHY}" for kind in ("bronze", "raw")]
    assert take_back(parts, by) == [], "a second run has nothing to do"
    assert len(trail(parts)) == 4, "and records nothing"
    run(parts, by=by)
    assert_let_go(parts)


def rows_hidden_before_anything_was_tagged_come_back(by: Any) -> None:
    parts = small_lake()
    audit.record("let go", "review", (FILE,), "it died after this and the drop", parts)
    parts.catalog.drop_partition("bronze", "review", ("2025-01-01", "1"))
    assert [(one.taken_back, one.returned) for one in take_back(parts, by)] == [(0, True)]
    assert_taken_back(parts)
    assert ("keep", f"bronze of batches 1: {WHY}") in trail(parts)


def a_batch_that_lost_objects_stays_hidden_and_the_rest_is_kept(by: Any) -> None:
    parts = let_go_of(small_lake(), by)
    parts.objects.delete([f"{FOLDER}/2.parquet"])
    for taken_back in (1, 0):
        found = [one for one in take_back(parts, by) if one.missing]
        assert [(one.taken_back, one.returned, one.missing) for one in found] == [(taken_back, False, 1)]
        assert (rows_in_catalog(parts), tagged(parts)) == (None, [])
    said = len(trail(parts))
    parts.objects.put(f"{FOLDER}/2.parquet", b"abc")  # an operator has restored it
    assert [one.returned for one in take_back(parts, by)] == [True]
    assert_taken_back(parts)
    assert len(trail(parts)) == said + 1


def rows_being_published_are_left_to_their_publisher(by: Any) -> None:
    """The file was released, then replayed; its new batch has a number, and control records come first."""
    parts = let_go_of(small_lake(), by)
    head = parts.store.get(Head, "review", "review")
    assert head is not None
    parts.store.update(head, replace(head, number=0))
    take_back(parts, by)
    assert rows_in_catalog(parts) is None


def rows_shown_by_another_run_in_the_meantime_are_hidden_again(by: Any) -> None:
    parts = small_lake()
    partition = rows_in_catalog(parts)
    assert partition is not None
    run(parts, by=by)
    parts.catalog.add_partition(partition)
    run(parts, by=by)
    assert_let_go(parts)


def wherever_a_run_dies_the_next_takes_everything_back(by: Any) -> None:
    """Die at any call while releasing, then at any call while taking back; then one run takes back."""
    count = 0
    for half in [let_go_of(small_lake(), by), *deaths(small_lake(), by)]:
        for died in deaths(half, by, "new"):
            if rows_in_catalog(died) != rows_in_catalog(half):
                assert ("keep", f"bronze of batches 1: {WHY}") in trail(died), "missing in the audit trail"
            take_back(died, by)
            assert_taken_back(died)
            count += 1
    assert count > 900


def wherever_a_run_dies_the_next_releases_everything(by: Any) -> None:
    """Die at any call while releasing, then at any call while taking back; then one run releases."""
    for half in [small_lake(), let_go_of(small_lake(), by), *deaths(small_lake(), by)]:
        for died in deaths(half, by, "new"):
            run(died, by=by)
            assert_let_go(died)


def deaths(world: Parts, by: Any, *new: str) -> Iterator[Parts]:
    """Yield the world after a run that died before or after each of its calls."""
    for after in (False, True):
        wire = Wire(0, after=after)
        run(wired(copied(world), wire), 1, *new, by=by)
        for at in range(1, wire.calls + 1):
            died = copied(world)
            with pytest.raises(Killed):
                run(wired(died, Wire(at, after=after)), 1, *new, by=by)
            assert_nobody_reads_what_may_be_deleted(died)
            yield died


CLAIMS: tuple[Claim, ...] = (
    data_comes_back_unchanged_and_may_go_again,
    rows_hidden_before_anything_was_tagged_come_back,
    a_batch_that_lost_objects_stays_hidden_and_the_rest_is_kept,
    rows_being_published_are_left_to_their_publisher,
    rows_shown_by_another_run_in_the_meantime_are_hidden_again,
    wherever_a_run_dies_the_next_takes_everything_back,
    wherever_a_run_dies_the_next_releases_everything,
)
PLANTED = {
    "objects come back but rows do not": (
        'verdict.batch if verdict.kind == "bronze" and _is_hidden(verdict.batch, parts) else None',
        "None",
    ),
    "only tags show what was released": ("if not eligible and hidden is None:", "if not eligible:"),
    "rows come back before their objects are kept": (
        "    # Before its rows return,",
        "    if hidden is not None:\n        parts.catalog.add_partition(rows_of(hidden, parts)[0])\n    #",
    ),
    "half of a batch comes back": ("    if missing:\n", "    if not partition:\n"),
    "rows come back that were never visible": (
        "    return head is not None and batch.number <= head.number",
        "    return True",
    ),
    "tagged rows are not hidden again": ("if objects and verdict.kind", "if lacking and verdict.kind"),
    "the audit trail is written after the action": (
        "    if not eligible:\n",
        "    parts.catalog.add_partition(partition)\n    if not eligible:\n",
    ),
    "objects are tagged before rows are hidden": (
        "    # Before tagging, and",
        "    for place in lacking:\n        _tag(place, TAG[1], parts)\n    #",
    ),
}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_taking_back_keeps_this_claim(claim: Claim) -> None:
    claim(let_go)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_breaks_a_claim(name: str) -> None:
    old, new = PLANTED[name]
    text = Path(control.retention.let_go.__file__).read_text()
    assert text.count(old) == 1, f"{name}: found {text.count(old)} times"
    bugged = types.ModuleType("bugged")
    exec(compile(text.replace(old, new), "bugged", "exec"), bugged.__dict__)
    assert any(breaks(claim, bugged.let_go) for claim in CLAIMS), name


def breaks(claim: Claim, by: Any) -> bool:
    try:
        claim(by)
    except AssertionError:
        return True
    return False


def test_a_batch_whose_manifest_has_another_digest_stays_hidden(parts: Parts) -> None:
    run(parts)
    batch = parts.store.get(Batch, "review", "b")
    assert batch is not None
    parts.store.update(batch, replace(batch, manifest_digest="another"))
    with pytest.raises(UpstreamError, match="is not what was sealed"):
        run(parts, 1, "new")
    assert rows_in_catalog(parts) is None


def test_objects_that_a_lifecycle_rule_deletes_during_a_run_are_no_error(parts: Parts) -> None:
    class Vanishing:
        def __getattr__(self, name: str) -> Any:
            return getattr(parts.objects, name)

        def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
            parts.objects.delete([uri])
            parts.objects.tag(uri, version_id, key, value)

    run(replace(parts, objects=Vanishing()))  # type: ignore[arg-type]  # it delegates the rest
    there = {stored.key for stored in parts.objects.list("s3://lake/")}
    assert there.isdisjoint(GONE)
    assert TAG[0] not in there
