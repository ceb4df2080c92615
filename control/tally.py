"""Tally: the totals over a table's published batches, kept on its head and updated with each batch.

The tally is written together with the head's number, so both are equally exact. If another version of this
software moved the head without it, there is no valid tally: all batches are read instead, until `recount`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from control.errors import ConflictError
from control.model import ALARMING, Batch, Counts, Head, Tally, place_of
from control.ports import Parts, every

# The kind of a control record may be any text, and an item of the store is limited to 400 KB. So kinds are
# capped here; the events table has all of them.
MOST_KINDS = 100
LONGEST_KIND = 64
OTHER = "other"


def after(head: Head, batch: Batch, number: int, at: datetime, parts: Parts) -> Tally | None:
    """Return the tally of `head` after publishing `batch` as `number`; None if `head` has no valid tally."""
    if head.counted is None:
        return None
    published = replace(batch, state="published", number=number, published_at=at)
    return _plus(head.counted, published, ancestors([batch], {}, parts))


def total(head: Head, batches: Mapping[str, Batch]) -> Tally:
    """Compute the tally of `head` from all batches of its table."""
    tally = Tally()
    published = [batch for batch in batches.values() if is_in(batch, head.number)]
    for batch in sorted(published, key=lambda batch: batch.number or 0):
        tally = _plus(tally, batch, batches)
    return tally


def recount(table: str, parts: Parts) -> Tally:
    """Recompute the tally of `table`, write it on its head, and repair the index entries of its batches.

    Reads every batch. Safe while workers run: if one publishes meanwhile, counting starts again.
    """
    while True:
        head = parts.store.get(Head, table, table) or Head(table)
        batches = {batch.batch_id: batch for batch in every(parts.store, Batch, table)}
        tally = total(head, batches)
        try:
            if head.intent is None:
                parts.store.update(head, replace(head, tally=tally))
            else:
                batch = batches[head.intent.batch_id]
                wanted = replace(head, tally=tally)
                coming = after(wanted, batch, head.intent.number, head.intent.decided_at, parts)
                parts.store.update(head, replace(wanted, coming=coming))
            for batch in batches.values():
                if place_of(batch) not in (None, "open"):
                    parts.store.update(batch, batch)
        except ConflictError:
            continue
        return tally


def capped(kinds: Mapping[str, int]) -> dict[str, int]:
    """Return `kinds` with at most MOST_KINDS entries: long or empty names and the excess go into `other`."""
    named = sorted((k for k in kinds if 0 < len(k) <= LONGEST_KIND), key=lambda k: (k not in ALARMING, k))
    kept = {kind: kinds[kind] for kind in named[:MOST_KINDS]}
    others = sum(kinds.values()) - sum(kept.values())
    return kept | {OTHER: kept.get(OTHER, 0) + others} if others else kept


def ancestors(of: Iterable[Batch], known: Mapping[str, Batch], parts: Parts) -> dict[str, Batch]:
    """Return `known` and all ancestors of the batches in `of`, by id."""
    found = dict(known)
    wave = list(of)
    while wave:
        table = wave[0].table
        lacking = {batch.parent for batch in wave if batch.parent and batch.parent not in found}
        more = parts.store.get_many(Batch, table, sorted(lacking)) if lacking else {}
        found |= more
        wave = list(more.values())
    return found


def is_in(batch: Batch, number: int) -> bool:
    """Whether a tally up to `number` includes `batch`."""
    return batch.state == "published" and batch.number is not None and batch.number <= number


def counted_before(
    file_id: str, batch: Batch | None, batches: Mapping[str, Batch], number: int
) -> Counts | None:
    """Return the counts that a tally up to `number` includes for a file now in `batch`; None if none."""
    while batch is not None:
        if is_in(batch, number) and file_id in batch.file_ids:
            return batch.counts[batch.file_ids.index(file_id)] if batch.counts else Counts()
        batch = batches.get(batch.parent)
    return None


def _plus(tally: Tally, batch: Batch, batches: Mapping[str, Batch]) -> Tally:
    """Add the published `batch` to `tally`; files that were published before are not counted twice."""
    files, counts = tally.files, tally.counts + batch.totals
    parent = batches.get(batch.parent)
    for file_id in batch.file_ids:
        before = counted_before(file_id, parent, batches, (batch.number or 0) - 1)
        files += before is None
        counts -= before or Counts()
    at, came = batch.published_at, capped(batch.events or {})
    events = capped(Counter(tally.events) + Counter(came))
    moments = {**tally.events_at, **(dict.fromkeys(came, at) if at else {})}
    if at and came.keys() - events.keys():
        moments[OTHER] = at
    return Tally(
        number=batch.number or 0,
        files=files,
        counts=counts,
        events=events,
        published_at=at,
        events_at={kind: moments[kind] for kind in events if kind in moments},
    )
