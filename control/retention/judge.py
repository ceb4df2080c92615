"""Decide which objects of a table may go: never by age alone, never while a model or a person needs them.

Pure functions: from the control store's items and `ops.consumed` to a verdict on each raw file and each
published batch. Control records (`bronze/<table>_events/`) always stay: floors are derived from them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from control.model import Batch, RawFile, Reload
from control.outcomes import counts_in

Kind = Literal["raw", "bronze", "quarantine"]


@dataclass(frozen=True, slots=True)
class Keep:
    """The minimum time that objects are kept, from the publication of their batch.

    `promised` is the retention that the table's contract promises; rows stay for the longer of the two.
    """

    raw: timedelta = timedelta(days=90)
    bronze: timedelta = timedelta(days=180)
    quarantine: timedelta = timedelta(days=180)
    promised: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Known:
    """The state of a table. `offsets` has the last batch that each of its readers has consumed, by model."""

    table: str
    files: tuple[RawFile, ...]
    batches: tuple[Batch, ...]
    reloads: tuple[Reload, ...]
    offsets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may go; `why` has the reasons why it stays, and is empty if it may go.

    `batch` is the batch that publishes it now. `file` is set for a raw file; otherwise the verdict is about
    all objects of the batch. `never_could` means that it could not go at any earlier time either.
    """

    kind: Kind
    table: str
    batch: Batch | None
    file: RawFile | None
    why: tuple[str, ...]
    never_could: bool = False

    @property
    def since(self) -> datetime | None:
        """The time before which retention cannot have touched it."""
        known = self.file.registered_at if self.file else None
        return known or (self.batch.created_at if self.batch else None)

    @property
    def may_go(self) -> bool:
        """Whether there is no reason to keep it."""
        return not self.why


def judge(known: Known, keep: Keep, now: datetime) -> Iterator[Verdict]:
    """Yield a verdict on every raw file, and on rows and quarantine of every batch that has a number."""
    batches = {batch.batch_id: batch for batch in known.batches}
    for file in known.files:
        batch = batches.get(file.batch_id or "")
        against = _against((file,), batch, known, keep.raw, now)
        never = _never_could((file,), batch)
        yield Verdict("raw", known.table, batch, file, (*_overwritten(file), *against), never)
    ids = {file.file_id: file for file in known.files}
    for batch in sorted(known.batches, key=lambda one: (one.number or 0, one.batch_id)):
        if batch.number is None:
            continue
        files = [ids[one] for one in batch.file_ids if one in ids]
        lost = [] if len(files) == len(batch.file_ids) else ["a raw file of it is not registered"]
        pending = list(_replays(files, batch, batches))
        promise = ", as its contract promises" if keep.promised > keep.bronze else ""
        rows = max(keep.bronze, keep.promised)
        for kind, age, whose in (("bronze", rows, promise), ("quarantine", keep.quarantine, "")):
            why = (*_against(files, batch, known, age, now, whose), *pending, *lost)
            never = _never_could(files, batch)
            yield Verdict(kind, known.table, batch, None, why, never)  # type: ignore[arg-type]  # of the tuple above


def _against(
    files: Collection[RawFile],
    batch: Batch | None,
    known: Known,
    keep: timedelta,
    now: datetime,
    whose: str = "",
) -> Iterator[str]:
    """Yield the reasons to keep these files, or what `batch` made of them; `whose` explains the age limit."""
    open_reloads = {reload.folder for reload in known.reloads if reload.is_open}
    begun = {reload.folder for reload in known.reloads}
    for folder in sorted({file.reload for file in files if file.reload}):
        if folder in open_reloads or folder not in begun:
            yield f"reload {folder} is not complete"
    if batch is None or batch.state != "published" or batch.number is None or batch.published_at is None:
        yield "it is not published"
        return
    if not known.offsets:
        yield "no model reads the table"
    for model, offset in sorted(known.offsets.items()):
        if offset < batch.number:
            yield f"{model} has taken in batch {offset}, not yet {batch.number}"
    if any(_is_open(file, batch) for file in files):
        yield "records of it are in quarantine: replay or waive them"
    if now - batch.published_at < keep:
        yield f"it is kept until {batch.published_at + keep:%Y-%m-%d}{whose}"


def _overwritten(file: RawFile) -> Iterator[str]:
    if file.overwritten:
        yield "it was overwritten, and what its key holds now was never ingested"


def _is_open(file: RawFile, batch: Batch) -> bool:
    """Whether `batch` refused records of `file` that were neither waived nor ingested again."""
    counts = counts_in(batch, file)
    refused = counts is None or counts.quarantined > 0
    return file.batch_id == batch.batch_id and refused and file.waived != batch.batch_id


def _never_could(files: Iterable[RawFile], batch: Batch | None) -> bool:
    """Whether open quarantine has kept these files since their first ingestion."""
    return batch is not None and not batch.parent and any(_is_open(file, batch) for file in files)


def _replays(files: Iterable[RawFile], batch: Batch, batches: Mapping[str, Batch]) -> Iterator[str]:
    """Yield a reason for each file that moved to another batch, which has not published it yet but may."""
    for file in files:
        later = batches.get(file.batch_id or "")
        if file.batch_id == batch.batch_id or (later is not None and later.state == "published"):
            continue
        if later is None or later.state != "failed":
            yield f"{file.key} is being ingested again"
        elif file.waived != later.batch_id:
            yield f"{file.key} was to be ingested again, and failed: redrive or waive it"
