"""Raw files whose object was overwritten after it was registered, in a bucket without versions.

The content that was published first counts. Its rows stay; the new content is not a file of its own, so one
alert asks people to land it under a new key. As long as nothing of the key is published, using the present
content duplicates nothing, so a repeated attempt does that.
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
    "land their present content under new keys, and delete these (a producer that overwrites keys by design,"
    " such as a Kafka sink, needs a bucket with versions)"
)
RELOAD_AGAIN = "the first content of a reload's marker counts: begin another reload under a new number"


def note(
    table: str, differing: Mapping[str, StoredObject], told: dict[str, str], parts: Parts
) -> Iterator[Finding]:
    """Yield findings on the objects of `table` whose etags differ from the registered ones, by file id.

    An overwritten file that was not reported yet is an error; its alert goes to the outbox before the file is
    marked. Later it is a warning, until the object is gone or has its old content. `told` has what the caller
    itself has reported; for the caller, that stays an error.
    """
    files = parts.store.get_many(RawFile, table, differing)
    batches = parts.store.get_many(Batch, table, sorted({f.batch_id for f in files.values() if f.batch_id}))
    new: list[RawFile] = []
    old: list[RawFile] = []
    redrivable: list[RawFile] = []
    for file_id, file in files.items():
        tag, batch = differing[file_id].etag, batches.get(file.batch_id or "")
        if file.etag == tag:
            continue  # its present content was used meanwhile
        if batch is None:
            with suppress(ConflictError):  # it was just planned: a repeated attempt will see
                _take(file, differing[file_id], parts)
        elif is_published(batch, parts):
            (new if file.overwritten != tag or told.get(file_id) == tag else old).append(file)
        elif batch.state == "failed":
            redrivable.append(file)
    _forget(table, differing, parts)
    if new:
        problem = "were overwritten after they had been ingested, and their present content is not"
        finding = _finding("error", table, f"{problem}: {_instead(new)}", new)
        yield finding
        alerts.note([finding], parts)  # before it is marked: after a crash in between, it is sent again
        for file in new:
            told[file.file_id] = differing[file.file_id].etag
            with suppress(ConflictError):  # it is being ingested again: seen the next time
                parts.store.update(file, replace(file, overwritten=told[file.file_id]))
    if old:
        problem = "have other content than was ingested, as reported before"
        yield _finding("warning", table, f"{problem}: {_instead(old)}", old)
    if redrivable:
        problem = "failed and were overwritten since; `dm files redrive` ingests what they hold now"
        yield _finding("warning", table, problem, redrivable)


def as_it_is_now(file: RawFile, batch: Batch, parts: Parts) -> RawFile:
    """`file` with the present etag of its object, if nothing of it was published and it has no versions.

    For a repeated attempt of `batch`: the previous one may have failed because of the new content. Raises
    ConflictError if another worker was faster.
    """
    if file.version_id != "null" or is_published(batch, parts):
        return file
    found = next((one for one in parts.objects.list(file.uri) if one.uri == file.uri), None)
    if found is None or found.etag == file.etag:
        return file
    return _take(file, found, parts)


def is_published(batch: Batch, parts: Parts) -> bool:
    """Whether `batch` was published, or an earlier batch of its files."""
    chain = (batch, *tally.ancestors([batch], {}, parts).values())
    return any(one.state == "published" for one in chain)


def _take(file: RawFile, found: StoredObject, parts: Parts) -> RawFile:
    parts.say("file.overwritten", {"table": file.table, "file": file.file_id, "key": file.key})
    wanted = replace(
        file, etag=found.etag, size_bytes=found.size_bytes, landed_at=found.modified_at, waived=""
    )
    return parts.store.update(file, wanted)


def _forget(table: str, differing: Mapping[str, StoredObject], parts: Parts) -> None:
    """Unmark files whose objects are gone or have the registered content again."""
    for file in list(every(parts.store, RawFile, table, place="overwritten")):
        if file.file_id not in differing:
            with suppress(ConflictError):
                parts.store.update(file, replace(file, overwritten=""))


def _instead(files: list[RawFile]) -> str:
    """Return what to do about the overwritten `files`."""
    markers = sum(file.format in ("begin", "complete") for file in files)
    wanted = [INSTEAD] * (markers < len(files)) + [RELOAD_AGAIN] * (markers > 0)
    return "; ".join(wanted)


def _finding(severity: Severity, table: str, problem: str, files: list[RawFile]) -> Finding:
    keys = ", ".join(sorted(file.key for file in files)[:EXAMPLES])
    message = printable(f"{len(files)} object(s) {problem}; for example {keys}")
    return Finding("raw.overwritten", severity, f"{RAW}{table}/", message)
