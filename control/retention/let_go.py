"""Let go of objects that may go: rows leave the catalog, then objects get the tag that lifecycle rules match.

Nothing is deleted here. What was let go is taken back if it is needed again (a replay, a new model) before
the bucket's lifecycle rules have deleted it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from control import audit
from control.errors import DataError, NotFoundError
from control.model import Batch, Head
from control.partitions import values_of
from control.ports import Parts
from control.retention.judge import Verdict
from control.retention.table import Judged, Objects, Place, There, database_of, objects_of, rows_of

# The lifecycle rules of the bucket match this tag together with the age.
TAG = ("dm-retention", "eligible")
KEPT = "kept"
AT_ONCE = 500
Work = tuple[Verdict, Objects]
# An object's URI and version, its size in bytes, and the value of its tag.
Tagged = tuple[Place, int, str]


def let_go(table: Judged, parts: Parts) -> list[Work]:
    """Let go of what may go and take back what may not; return each verdict with what was done.

    Safe to repeat after any interruption: audit entries are written first; a partition is dropped before its
    objects are tagged `eligible`, and returns after they are tagged `kept`; a later run judges again and
    finishes both. Control records stay readable.
    """
    return [*_going(table, parts), *_staying(table, parts)]


def _going(table: Judged, parts: Parts) -> Iterator[Work]:
    going = sorted((one for one in table.verdicts if one.may_go), key=lambda one: one.kind)
    # In groups, so that an interrupted run has made progress.
    for (kind, _), some in groupby(enumerate(going), lambda pair: (pair[1].kind, pair[0] // AT_ONCE)):
        found = [(one, list(_tags(one, table.there, parts))) for _, one in some]
        new = [one for one, objects in found if any(tag != TAG[1] for _, _, tag in objects)]
        if new:
            offsets = sorted(table.known.offsets.items())
            taken = ", ".join(f"{model} at {batch}" for model, batch in offsets)
            reason = f"{kind} of batches {numbers(new)}: kept long enough, and taken in by {taken}"
            audit.record("let go", table.known.table, _files(new), reason, parts, kind)
        for one, objects in found:
            yield one, _let_go(one, objects, parts)


def _let_go(verdict: Verdict, objects: Sequence[Tagged], parts: Parts) -> Objects:
    lacking = [place for place, _, tag in objects if tag != TAG[1]]
    # Before tagging, and even if all are already tagged, so that no reader is sent to deleted objects.
    if objects and verdict.kind == "bronze" and verdict.batch is not None:
        parts.catalog.drop_partition(
            database_of(parts.settings), verdict.batch.table, values_of(verdict.batch)
        )
    for place in lacking:
        _tag(place, TAG[1], parts)
    return Objects(len(objects), sum(size for _, size, _ in objects), tagged=len(lacking))


def _staying(table: Judged, parts: Parts) -> Iterator[Work]:
    """Take back what was let go but may not go any more."""
    staying = [one for one in table.verdicts if not one.may_go and not one.never_could]
    since = min((one.since for one in staying if one.since), default=None)
    if since is None:
        return
    trail = audit.trail(table.known.table, parts, action="let go", since=since)
    # By kind: rows stay long after their raw files are gone; without the kind, the tags of all would be read.
    let = {(entry.kind, subject) for entry in trail for subject in entry.subjects}
    for one in staying:
        # Older entries have no kind, and apply to all.
        if not let.isdisjoint((kind, file_id) for kind in (one.kind, "") for file_id in _files([one])):
            done = _take_back(one, table.there, parts)
            if done is not None:
                yield one, done


def _take_back(verdict: Verdict, there: There, parts: Parts) -> Objects | None:
    """Tag its objects as kept, then return its rows to the catalog if all exist; None if it was not let go.

    A run that died may have hidden rows without tagging anything, so the catalog decides, not the tags.
    """
    eligible = [(place, size) for place, size, tag in _tags(verdict, there, parts) if tag == TAG[1]]
    hidden = verdict.batch if verdict.kind == "bronze" and _is_hidden(verdict.batch, parts) else None
    if not eligible and hidden is None:
        return None
    if eligible:
        _say_kept(verdict, parts)
    # Before its rows return, so that no reader is sent to deleted objects, and the count below is final.
    for place, _ in eligible:
        _tag(place, KEPT, parts)
    done = Objects(len(eligible), sum(size for _, size in eligible), taken_back=len(eligible))
    if hidden is None:
        return done
    partition, missing = rows_of(hidden, parts)
    if missing:
        return replace(done, missing=missing)
    if not eligible:
        _say_kept(verdict, parts)
    parts.catalog.add_partition(partition)
    return replace(done, returned=True)


def _is_hidden(batch: Batch | None, parts: Parts) -> bool:
    """Whether `batch` is published and settled but not in the catalog."""
    if batch is None or batch.number is None:
        return False
    if parts.catalog.get_partition(database_of(parts.settings), batch.table, values_of(batch)) is not None:
        return False
    head = parts.store.get(Head, batch.table, batch.table)
    # A batch above the head is still being published; its publisher registers the partitions.
    return head is not None and batch.number <= head.number


def _say_kept(verdict: Verdict, parts: Parts) -> None:
    reason = f"{verdict.kind} of batches {numbers([verdict])}: {'; '.join(verdict.why)}"
    audit.record("keep", verdict.table, _files([verdict]), reason, parts, verdict.kind)


def _tag(place: Place, value: str, parts: Parts) -> None:
    with suppress(NotFoundError):  # a lifecycle rule has just deleted it
        parts.objects.tag(*place, TAG[0], value)


def check_lost(done: Iterable[Work]) -> None:
    """Raise DataError, with what to do, if objects of rows that are needed again are gone."""
    lost = [one for one, objects in done if objects.missing]
    if not lost:
        return
    tables = sorted({one.table for one in lost})
    named = "; ".join(f"{name} {numbers([one for one in lost if one.table == name])}" for name in tables)
    raise DataError(
        f"rows of these batches are needed again, but lifecycle rules have deleted objects of them: {named}."
        " They stay out of the catalog",
        hint="while the bucket still has the old versions, remove the delete markers below bronze/<table>/"
        " and run this again on the same day; otherwise `dm ingest replay` ingests the raw files again,"
        " if they still exist; `dm retention plan --json` says why each batch is needed",
    )


def _tags(verdict: Verdict, there: There, parts: Parts) -> Iterator[Tagged]:
    for place, size in objects_of(verdict, there, parts):
        try:
            yield place, size, parts.objects.tags(*place).get(TAG[0], "")
        except NotFoundError:
            continue  # a lifecycle rule has just deleted it


def _files(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return the ids of the raw files that the verdicts are about."""
    found: dict[str, None] = {}
    for one in verdicts:
        ids = (one.file.file_id,) if one.file else one.batch.file_ids if one.batch else ()
        found |= dict.fromkeys(ids)
    return tuple(found)


def numbers(verdicts: Sequence[Verdict]) -> str:
    """Return the batch numbers as text, such as `1-3, 7`."""
    numbers = sorted({one.batch.number for one in verdicts if one.batch and one.batch.number is not None})
    pairs = enumerate(numbers)  # within a run, number minus index is constant
    runs = [[number for _, number in run] for _, run in groupby(pairs, lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs) or "-"
