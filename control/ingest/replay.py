"""Replay: ingest published files again, with today's parser and contract, on the normal path.

A replayed record keeps its identity (file, line, record, sequence) and has a revision at least as high, so
a merge by sequence and revision replaces the old one with it. The old batch is not changed.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from control import audit
from control.errors import UsageError
from control.ingest import plan
from control.model import Batch, RawFile
from control.ports import Parts, every


@dataclass(frozen=True, slots=True)
class Replay:
    """A published batch, those of its files that will be ingested again, and the batch that they go to."""

    published: Batch
    files: tuple[RawFile, ...]
    batch: Batch | None = None


def batches(table: str, first: str, last: str, parts: Parts) -> tuple[Replay, ...]:
    """Return what to replay of `table` from `first` to `last`: two batch numbers or two dates, inclusive.

    Files that were replayed since belong to a later batch and are left out. Raises UsageError if the two are
    neither numbers nor dates, or in the wrong order.
    """
    within = _range(first, last)
    found = [b for b in every(parts.store, Batch, table) if b.number is not None and within(b)]
    replays = (Replay(batch, own_files(batch, parts)) for batch in sorted(found, key=lambda b: b.number or 0))
    return tuple(one for one in replays if one.files)


def own_files(batch: Batch, parts: Parts) -> tuple[RawFile, ...]:
    """Return the raw files of a published batch that no later batch has taken over."""
    found = parts.store.get_many(RawFile, batch.table, batch.file_ids)
    files = (found[file_id] for file_id in batch.file_ids if file_id in found)
    return tuple(file for file in files if file.batch_id == batch.batch_id)


def replay(wanted: Replay, reason: str, parts: Parts) -> Replay:
    """Move the files to a new batch, which `dm ingest run` then ingests. Safe to repeat.

    Raises UsageError if the reason is empty.
    """
    old, files = wanted.published, wanted.files
    audit.record("replay", old.table, tuple(file.file_id for file in files), reason, parts)
    batch = plan.new_batch(files, old.engine, parts, parent=old.batch_id)
    for file in files:
        plan.assign(file, batch, parts)
    return replace(wanted, batch=batch)


def _range(first: str, last: str) -> Callable[[Batch], bool]:
    if first.isdecimal() and last.isdecimal() and int(first) <= int(last):
        return lambda batch: int(first) <= (batch.number or 0) <= int(last)
    with suppress(ValueError):
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
        if begin <= end:
            return lambda batch: begin.isoformat() <= batch.ingest_date <= end.isoformat()
    raise UsageError(
        f"{first} to {last} is not a range", hint="give two batch numbers or two dates, the smaller one first"
    )
