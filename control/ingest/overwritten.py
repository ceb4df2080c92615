"""Raw files whose key holds other content than was registered, in a bucket that keeps no versions.

What of a key was published first is what counts: its rows stay, and what was written over it is no file of
its own, so people are told once to land it under a new key. Until something of the key is published nothing
can be doubled by taking what it holds now, so an attempt that comes again takes that.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from control import tally
from control.errors import ConflictError, printable
from control.ingest import alerts
from control.model import RAW, Batch, Finding, RawFile, Severity
from control.ports import Parts, StoredObject, every

EXAMPLES = 3
INSTEAD = (
    "land what they hold now under new keys, and delete these (whoever writes keys again by design, as sinks"
    " of Kafka do, needs a bucket with versions)"
)


def note(
    table: str, differing: Mapping[str, StoredObject], told: dict[str, str], parts: Parts
) -> Iterator[Finding]:
    """Findings on the objects of `table` whose tags differ from what was registered, by file id.

    An overwriting that nobody was told of is an error, put into the outbox of alerts before it is noted on
    the file; from then on it is a warning, until the object is gone or as it was. `told` is what the caller
    keeps from one look to the next: what it told of is an error to its end.
    """
    files = parts.store.get_many(RawFile, table, differing)
    batches = parts.store.get_many(Batch, table, sorted({f.batch_id for f in files.values() if f.batch_id}))
    new: list[RawFile] = []
    old: list[RawFile] = []
    redrivable: list[RawFile] = []
    for file_id, file in files.items():
        tag, batch = differing[file_id].etag, batches.get(file.batch_id or "")
        if file.etag == tag:
            continue  # taken as it is now, meanwhile
        if batch is None:
            with suppress(ConflictError):  # planned just now: the attempt that comes again will see
                _take(file, differing[file_id], parts)
        elif is_published(batch, parts):
            (new if file.overwritten != tag or told.get(file_id) == tag else old).append(file)
        elif batch.state == "failed":
            redrivable.append(file)
    _forget(table, differing, parts)
    if new:
        problem = f"were overwritten after they had been ingested, and what they hold now is not: {INSTEAD}"
        finding = _finding("error", table, problem, new)
        yield finding
        alerts.note([finding], parts)  # before it is noted: who dies in between tells of it again
        for file in new:
            told[file.file_id] = differing[file.file_id].etag
            with suppress(ConflictError):  # being ingested again: seen the next time
                parts.store.update(file, replace(file, overwritten=told[file.file_id]))
    if old:
        problem = f"hold other content than was ingested, as was told before: {INSTEAD}"
        yield _finding("warning", table, problem, old)
    if redrivable:
        problem = "failed and were overwritten since; `dm files redrive` ingests what they hold now"
        yield _finding("warning", table, problem, redrivable)


def as_it_is_now(file: RawFile, batch: Batch, parts: Parts) -> RawFile:
    """`file`, with the tag of what its key holds now, if nothing of it was published and it has no versions.

    For an attempt of `batch` that comes again: the one before may have failed because of it. Raises
    ConflictError when another worker was faster.
    """
    if file.version_id != "null" or is_published(batch, parts):
        return file
    found = next((one for one in parts.objects.list(file.uri) if one.uri == file.uri), None)
    if found is None or found.etag == file.etag:
        return file
    return _take(file, found, parts)


def is_published(batch: Batch, parts: Parts) -> bool:
    """Was `batch` published, or one before it that its files were in?"""
    chain = (batch, *tally.ancestors([batch], {}, parts).values())
    return any(one.state == "published" for one in chain)


def _take(file: RawFile, found: StoredObject, parts: Parts) -> RawFile:
    parts.say("file.overwritten", {"table": file.table, "file": file.file_id, "key": file.key})
    wanted = replace(
        file, etag=found.etag, size_bytes=found.size_bytes, landed_at=found.modified_at, waived=""
    )
    return parts.store.update(file, wanted)


def _forget(table: str, differing: Mapping[str, StoredObject], parts: Parts) -> None:
    """Take the note off files whose objects are gone, or hold again what was registered."""
    for file in list(every(parts.store, RawFile, table, place="overwritten")):
        if file.file_id not in differing:
            with suppress(ConflictError):
                parts.store.update(file, replace(file, overwritten=""))


def _finding(severity: Severity, table: str, problem: str, files: list[RawFile]) -> Finding:
    keys = ", ".join(sorted(file.key for file in files)[:EXAMPLES])
    message = printable(f"{len(files)} object(s) {problem}; for example {keys}")
    return Finding("raw.overwritten", severity, f"{RAW}{table}/", message)
