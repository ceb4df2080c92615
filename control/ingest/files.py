"""List and show raw files: the state of each, and what became of its records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from control import tally
from control.errors import NotFoundError, UsageError, printable
from control.model import Batch, FileState, Head, Place, RawFile
from control.orders import FileReport
from control.outcomes import counts_in, file_state
from control.partitions import manifest_of
from control.ports import Parts, every

SHORTEST_ID = 8
# Digits of an id that are shown: enough to distinguish a million files.
SHOWN_ID = 12
FILES_A_PAGE = 2_000
# Files whose batches are looked up together; small, so that the first lines appear early.
FILES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FileLine:
    """A raw file in a listing. Its counts are None until an attempt at its batch is complete."""

    table: str
    key: str
    state: FileState
    batch: int | None
    records: int | None
    rows: int | None
    quarantined: int | None
    control: int | None
    size_bytes: int
    format: str
    epoch: int
    extract: int
    landed_at: datetime
    registered_at: datetime
    file_id: str
    version_id: str
    batch_id: str | None
    error: str
    overwritten: bool
    waived: bool


def table_names(parts: Parts, only: str | None = None) -> list[str]:
    """Return the tables in the control store, or just `only`. Raises NotFoundError if it is unknown."""
    names = [head.table for head in every(parts.store, Head)]
    if only is None:
        return names
    if only not in names:
        known = f"tables that were ingested: {', '.join(names)}" if names else "run `dm ingest run` first"
        raise NotFoundError(f"there is no table {only} in the control store", hint=known)
    return [only]


def file_lines(
    parts: Parts, table: str | None = None, state: str | None = None, *, overwritten: bool = False
) -> Iterator[FileLine]:
    """Yield the raw files of all tables or one, in all states or one; sorted by key within each page.

    Unpublished files are found without reading the published ones. So are files that were `overwritten` after
    they had been ingested.
    """
    for name in table_names(parts, table):
        batches: dict[str, Batch] = {}
        for page in _overwritten(name, parts) if overwritten else _pages(name, state, parts):
            left = iter(sorted(page, key=lambda file: (file.key, file.version_id)))
            while files := list(islice(left, FILES_AT_ONCE)):
                lacking = {file.batch_id for file in files if file.batch_id and file.batch_id not in batches}
                batches |= parts.store.get_many(Batch, name, sorted(lacking)) if lacking else {}
                lines = (_line(file, batches.get(file.batch_id or "")) for file in files)
                yield from (line for line in lines if state in (None, line.state))


def failed_batches(table: str, parts: Parts) -> list[Batch]:
    """Return the failed batches of `table`, by id, except those of which all files were waived."""
    failed = [batch for batch in at_hand(table, parts, "failed", "open") if batch.state == "failed"]
    ids = sorted({file_id for batch in failed for file_id in batch.file_ids})
    answered = {(file.file_id, file.waived) for file in parts.store.get_many(RawFile, table, ids).values()}
    return [b for b in failed if not answered.issuperset((file_id, b.batch_id) for file_id in b.file_ids)]


def _pages(table: str, state: str | None, parts: Parts) -> Iterator[Sequence[RawFile]]:
    """Yield pages of raw files of `table`, which include all those in `state`."""
    if state in (None, "published"):
        after = None
        while True:
            page = parts.store.query(RawFile, table, after=after)
            yield page.items
            if page.after is None:
                return
            after = page.after
    if state == "registered":
        file_ids = [file.file_id for file in every(parts.store, RawFile, table, place="open")]
    else:
        places: tuple[Place, ...] = ("failed", "open") if state == "failed" else ("open",)
        batches = at_hand(table, parts, *places)
        file_ids = [i for batch in batches if file_state(batch) == state for i in batch.file_ids]
    unique = list(dict.fromkeys(file_ids))
    for first in range(0, len(unique), FILES_A_PAGE):
        wanted = unique[first : first + FILES_A_PAGE]
        yield list(parts.store.get_many(RawFile, table, wanted).values())


def _overwritten(table: str, parts: Parts) -> Iterator[Sequence[RawFile]]:
    named = [file.file_id for file in every(parts.store, RawFile, table, place="overwritten")]
    yield [file for file in parts.store.get_many(RawFile, table, named).values() if file.overwritten]


def at_hand(table: str, parts: Parts, *places: Place) -> list[Batch]:
    """Return the batches of `table` that the index has in `places`, in their present state, by id."""
    named = {batch.batch_id for at in places for batch in every(parts.store, Batch, table, place=at)}
    found = parts.store.get_many(Batch, table, sorted(named))
    return [found[name] for name in sorted(found)]


def described(batch: Batch, parts: Parts) -> str:
    """Describe the raw files of `batch`: key and id of the first, how many more, whether rows stay."""
    file = parts.store.get(RawFile, batch.table, batch.file_ids[0])
    name = printable(file.key) if file else "a file that is not registered"
    more = f" and {len(batch.file_ids) - 1} more" if len(batch.file_ids) > 1 else ""
    before = tally.ancestors([batch], {}, parts).values() if batch.state == "failed" else ()
    stays = (
        ", of which what was published before stays" if any(b.state == "published" for b in before) else ""
    )
    return f"{name} ({batch.file_ids[0][:SHOWN_ID]}){more}{stays}"


def find(parts: Parts, file_id: str) -> RawFile:
    """Return a raw file by its id or a prefix of it.

    Raises NotFoundError if there is none, UsageError if the prefix is too short or ambiguous.
    """
    if len(file_id) < SHORTEST_ID:
        raise UsageError(f"{file_id} is too short: give at least {SHORTEST_ID} characters of the id")
    found = [file for name in table_names(parts) for file in _starting_with(file_id, name, parts)]
    if not found:
        raise NotFoundError(f"there is no raw file {file_id}", hint="`dm files list` shows every file's id")
    if len(found) > 1:
        raise UsageError(f"{file_id} matches several raw files", hint="give more of the id")
    return found[0]


def _starting_with(start: str, table: str, parts: Parts) -> Iterator[RawFile]:
    """Yield the file with this id, and at most two whose ids begin with it: the rest are not read."""
    whole = parts.store.get(RawFile, table, start)
    after = parts.store.query(RawFile, table, after=start, limit=2).items
    yield from (file for file in (whole, *after) if file is not None and file.file_id.startswith(start))


def show(parts: Parts, file_id: str) -> tuple[FileLine, Batch | None, FileReport | None]:
    """Return a file by its id or a prefix of it, with its batch and the engine's report on it.

    Raises as `find` does.
    """
    file = find(parts, file_id)
    batch = batch_of(file, parts)
    return _line(file, batch), batch, _report(file, batch, parts)


def batch_of(file: RawFile, parts: Parts) -> Batch | None:
    """Return the batch that `file` belongs to, None before it is planned."""
    return parts.store.get(Batch, file.table, file.batch_id) if file.batch_id else None


def required_batch(file: RawFile, parts: Parts) -> Batch:
    """Return the batch that `file` belongs to. Raises UsageError if it has none."""
    batch = batch_of(file, parts)
    if batch is None and file.waived:
        raise UsageError(f"raw file {file.file_id} was left out of its reload", hint="land it in another one")
    if batch is None:
        raise UsageError(f"raw file {file.file_id} is not planned yet", hint="`dm ingest run` plans it")
    return batch


def _report(file: RawFile, batch: Batch | None, parts: Parts) -> FileReport | None:
    if batch is None or not batch.manifest_digest:
        return None  # no attempt was completed
    return next((r for r in manifest_of(batch, parts).files if r.file_id == file.file_id), None)


def _line(file: RawFile, batch: Batch | None) -> FileLine:
    counts = counts_in(batch, file)
    return FileLine(
        table=file.table,
        key=file.key,
        state=file_state(batch),
        batch=batch.number if batch else None,
        records=counts.records if counts else None,
        rows=counts.rows if counts else None,
        quarantined=counts.quarantined if counts else None,
        control=counts.control if counts else None,
        size_bytes=file.size_bytes,
        format=file.format,
        epoch=file.epoch,
        extract=file.extract,
        landed_at=file.landed_at,
        registered_at=file.registered_at,
        file_id=file.file_id,
        version_id=file.version_id,
        batch_id=file.batch_id,
        error=batch.error if batch else "left out of its reload" if file.waived else "",
        overwritten=bool(file.overwritten),
        waived=bool(file.waived) and file.waived in (file.batch_id, file.file_id),
    )
