"""Nothing that a model or a person still needs may be deleted, whatever its age."""

import os
import secrets
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from control.model import Batch, Counts, RawFile, Reload
from control.retention.judge import Keep, Known, Verdict, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEEP = Keep(raw=timedelta(days=30), bronze=timedelta(days=60), quarantine=timedelta(days=60))
LONG_AGO = NOW - timedelta(days=365)


def batch(number: int | None, *file_ids: str, quarantined: int = 0, **more: object) -> Batch:
    made = Batch(
        batch_id=f"b{number}",
        table="review",
        file_ids=file_ids,
        size_bytes=1,
        engine="light",
        created_at=LONG_AGO,
        state="published",
        number=number,
        published_at=LONG_AGO,
        counts=tuple(Counts(9, 9 - quarantined, quarantined, 0) for _ in file_ids),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def file(file_id: str, batch_id: str | None, **more: object) -> RawFile:
    made = RawFile(
        file_id=file_id,
        table="review",
        bucket="lake",
        key=f"raw/review/{file_id}",
        version_id="null",
        etag="e",
        size_bytes=1,
        epoch=1,
        extract=1,
        format="csv",
        landed_at=LONG_AGO,
        registered_at=LONG_AGO,
        batch_id=batch_id,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def known(files: list[RawFile], batches: list[Batch], *reloads: Reload, **offsets: int) -> Known:
    return Known("review", tuple(files), tuple(batches), reloads, offsets)


def going(found: Known) -> list[str]:
    """Return what may go, as kind and name."""
    return [
        f"{one.kind} {one.file.file_id if one.file else one.batch and one.batch.batch_id}"
        for one in judge(found, KEEP, NOW)
        if one.may_go
    ]


def reasons(found: Known) -> set[str]:
    return {why for one in judge(found, KEEP, NOW) for why in one.why}


def test_what_is_old_and_consumed_by_all_models_may_go() -> None:
    found = known([file("f", "b1")], [batch(1, "f")], reviews_state=1)
    assert going(found) == ["raw f", "bronze b1", "quarantine b1"]


def test_content_that_overwrote_a_raw_file_stays_because_it_was_never_ingested() -> None:
    found = known([file("f", "b1", overwritten="e2")], [batch(1, "f")], reviews_state=1)
    assert going(found) == ["bronze b1", "quarantine b1"]
    assert reasons(found) == {"it was overwritten, and what its key holds now was never ingested"}


def test_each_kind_has_its_own_age() -> None:
    published = NOW - timedelta(days=45)
    found = known([file("f", "b1")], [batch(1, "f", published_at=published)], reviews_state=1)
    assert going(found) == ["raw f"]
    assert f"it is kept until {published + KEEP.bronze:%Y-%m-%d}" in reasons(found)


def test_only_rows_are_kept_as_long_as_their_contract_promises() -> None:
    published = NOW - timedelta(days=70)
    found = known([file("f", "b1")], [batch(1, "f", published_at=published)], reviews_state=1)
    promised = replace(KEEP, promised=timedelta(days=100))
    stays = {one.kind: one.why for one in judge(found, promised, NOW) if not one.may_go}
    until = f"{published + timedelta(days=100):%Y-%m-%d}"
    assert stays == {"bronze": (f"it is kept until {until}, as its contract promises",)}
    shorter = replace(KEEP, promised=timedelta(days=1))
    assert all(one.may_go for one in judge(found, shorter, NOW))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (known([file("f", "b1")], [batch(1, "f")], a=1, b=0), "b has taken in batch 0, not yet 1"),
        (known([file("f", "b1")], [batch(1, "f")]), "no model reads the table"),
        (known([file("f", None)], [], a=1), "it is not published"),
        (known([file("f", "b1")], [batch(1, "f", state="failed")], a=1), "it is not published"),
        (
            known([file("f", "b1")], [batch(1, "f", quarantined=1)], a=1),
            "records of it are in quarantine: replay or waive them",
        ),
        (
            known([file("f", "b1", reload="r")], [batch(1, "f")], Reload("review", "r", "begin"), a=1),
            "reload r is not complete",
        ),
        (known([file("f", "b1", reload="r")], [batch(1, "f")], a=1), "reload r is not complete"),
        (
            known(
                [file("f", "next")], [batch(1, "f"), batch(None, "f", batch_id="next", state="pending")], a=1
            ),
            "raw/review/f is being ingested again",
        ),
        (
            known(
                [file("f", "next")], [batch(1, "f"), batch(None, "f", batch_id="next", state="failed")], a=1
            ),
            "raw/review/f was to be ingested again, and failed: redrive or waive it",
        ),
        (known([], [batch(1, "f")], a=1), "a raw file of it is not registered"),
    ],
)
def test_what_is_still_needed_stays_whatever_its_age_with_a_reason(found: Known, why: str) -> None:
    assert going(found) == []
    assert why in reasons(found)


def test_a_failed_replay_that_was_waived_holds_nothing_back() -> None:
    failed = batch(None, "f", batch_id="next", state="failed")
    found = known([file("f", "next", waived="next")], [batch(1, "f"), failed], a=1)
    assert going(found) == ["bronze b1", "quarantine b1"]


def test_a_waived_or_reingested_file_is_no_longer_held_by_quarantine() -> None:
    waived = known([file("f", "b1", waived="b1")], [batch(1, "f", quarantined=1)], a=1)
    assert going(waived) == ["raw f", "bronze b1", "quarantine b1"]
    again = known([file("f", "b2")], [batch(1, "f", quarantined=1), batch(2, "f")], a=2)
    assert going(again) == ["raw f", "bronze b1", "quarantine b1", "bronze b2", "quarantine b2"]


def draw(rng: Random) -> Known:
    """Draw a random table: batches in any state, files that moved between them, reloads, models."""
    folders = ["", "", "", "r1", "r2"]
    files = [file(f"f{n}", None, reload=rng.choice(folders)) for n in range(rng.randrange(1, 6))]
    batches: list[Batch] = []
    for number in range(1, rng.randrange(1, 6) + 1):
        of_it = rng.sample(files, rng.randrange(1, len(files) + 1))
        state = rng.choice(["published"] * 6 + ["pending", "claimed", "written", "failed"])
        made = batch(number, *(one.file_id for one in of_it))
        batches.append(
            replace(
                made,
                state=state,
                number=number if state == "published" else None,
                published_at=NOW - timedelta(days=rng.randrange(120)) if state == "published" else None,
                counts=tuple(Counts(9, 9 - q, q, 0) for q in (rng.choice([0, 0, 0, 1]) for _ in of_it)),
            )
        )
        taken = {one.file_id for one in of_it}
        files = [replace(one, batch_id=made.batch_id) if one.file_id in taken else one for one in files]
    files = [replace(one, waived=rng.choice(["", "", one.batch_id or ""])) for one in files]
    reloads = [
        Reload("review", folder, "begin", "1", rng.choice(["", "end"]))
        for folder in ("r1", "r2")
        if rng.random() < 0.7
    ]
    offsets = {
        name: rng.randrange(len(batches) + 2) for name in rng.sample(["a", "b", "c"], rng.randrange(4))
    }
    return known(files, batches, *reloads, **offsets)


def harm(found: Known, one: Verdict) -> str:
    """Return what would be lost if this were deleted, derived from the facts; empty if nothing."""
    assert one.batch is not None
    days = {"raw": 30, "bronze": 60, "quarantine": 60}[one.kind]
    complete = {reload.folder for reload in found.reloads if reload.complete}
    state = {made.batch_id: made.state for made in found.batches}
    meant = [one.file] if one.file else [f for f in found.files if f.file_id in one.batch.file_ids]
    if one.batch.published_at is None or (NOW - one.batch.published_at).days < days:
        return "too young"
    if not found.offsets or min(found.offsets.values()) < (one.batch.number or 10**9):
        return "a model has not taken it in"
    for file in meant:
        if file.reload and file.reload not in complete:
            return "its reload is not complete"
        given_up = state.get(file.batch_id or "") == "failed" and file.waived == file.batch_id
        if state.get(file.batch_id or "") != "published" and not given_up:
            return "it is being ingested again"
        if file.batch_id == one.batch.batch_id:
            refused = one.batch.counts[one.batch.file_ids.index(file.file_id)].quarantined
            if refused and file.waived != one.batch.batch_id:
                return "its quarantine is open"
    return ""


def test_in_10_000_random_states_exactly_what_is_not_needed_may_go() -> None:
    seed = int(os.environ.get("RETENTION_SEED") or secrets.randbelow(10**9))
    print(f"RETENTION_SEED={seed}")
    rng, seen = Random(seed), Counter[str]()
    for number in range(10_000):
        found = draw(rng)
        for one in judge(found, KEEP, NOW):
            lost = "it is not published" if one.batch is None else harm(found, one)
            assert one.may_go == (not lost), f"RETENTION_SEED={seed}, state {number}: {one} {lost}"
            seen[lost or "may go"] += 1
    assert min(seen.values()) > 100, seen
    assert len(seen) == 7, seen
