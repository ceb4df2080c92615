"""Quarantine: every refused record, its position, the reason, and whether it was waived.

A record leaves quarantine when its file is ingested again and the record is accepted then (replay), or when
someone accepts the loss and says why (waive).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import msgspec

from control import audit
from control.errors import ConflictError, UpstreamError, UsageError
from control.ingest import replay, tables
from control.ingest.files import at_hand, batch_of, table_names
from control.ingest.redrive import redrive
from control.model import Batch, Head, RawFile
from control.orders import attempt_of
from control.outcomes import counts_in
from control.partitions import manifest_of
from control.ports import Parts, every
from control.serialization import NOT_JSON

# Batches whose files are looked up together; small, so that the first lines appear early.
BATCHES_AT_ONCE = 100
# Reasons of refused files whose detail has only words of the parser. The details of other reasons quote the
# file: where the header is missing, the quoted first line is a row and may name a person.
OWN_WORDS = frozenset({
    "bad_records", "gzip_corrupt", "gzip_trailing", "gzip_truncated", "ratio", "too_large", "zstd_corrupt",
    "zstd_truncated", "zstd_window",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused record; line 0 stands for a file that was refused as a whole, explained in `detail`.

    `raw` is its text, `raw_base64` its bytes if they are not UTF-8. If `masked`, because the table's lines
    may name a person, both are None, and `detail` is empty if it would quote the file. `batch` is the number
    under which the rest of its file was published, if it was.
    """

    table: str
    key: str
    line: int
    record: int
    offset: int
    reason: str
    raw: str | None
    raw_base64: str | None
    masked: bool
    detail: str
    batch: int | None
    state: str
    file_id: str
    contract_version: str
    waived: bool = False


def refused(
    parts: Parts,
    table: str | None = None,
    *,
    file: RawFile | None = None,
    raw: bool = False,
    waived: bool = True,
) -> Iterator[Refused]:
    """Yield the refused records of all failed and published batches, or of one file, by table and batch.

    For a file that was ingested again, only those of its last ingestion. With `waived=False`, only those that
    were not waived. Lines are masked for tables that have personal columns or whose contract cannot be read,
    unless `raw` is true.
    """
    for name in table_names(parts, file.table if file else table):
        masked = not raw and _is_personal(name, parts)
        left = iter(_batches(name, file, parts))
        while batches := list(islice(left, BATCHES_AT_ONCE)):
            refusing = {batch.batch_id: _refusing_files(batch, file) for batch in batches}
            files = parts.store.get_many(RawFile, name, chain.from_iterable(refusing.values()))
            for batch in batches:
                named = {file_id: files.get(file_id) for file_id in refusing[batch.batch_id]}
                shown = {
                    file_id: one
                    for file_id, one in named.items()
                    if _is_last(one, batch, parts) and (waived or not _is_waived(one, batch))
                }
                if shown:
                    yield from _of_batch(batch, shown, masked, parts)


def waive(file: RawFile, reason: str, parts: Parts) -> RawFile:
    """Accept the loss of the refused records of `file`, or of the whole file if it failed; return the file.

    A file that waits in a reload is left out of it: it will not be ingested, and the reload no longer waits
    for it. A waiver does not cover records that are refused when the file is ingested again. Raises
    UsageError if nothing of the file is in quarantine, the reason is empty, or another process has just
    changed the file.
    """
    batch = batch_of(file, parts)
    waits = bool(file.is_open and file.reload)
    failed = batch is not None and batch.state == "failed"
    refused_some = batch is not None and batch.state == "published" and _refused_of(file, batch)
    if not (waits or failed or refused_some):
        open_again = batch is not None and batch.state not in ("published", "failed")
        raise UsageError(
            f"nothing of raw file {file.file_id} is in quarantine",
            hint="it is about to be ingested: run dm ingest run first, then see what is refused"
            if open_again
            else "",
        )
    audit.record("waive", file.table, (file.file_id,), reason, parts)
    try:
        return parts.store.update(file, replace(file, waived=file.batch_id or file.file_id))
    except ConflictError as error:
        raise UsageError(f"raw file {file.file_id} was just changed by another process") from error


def open_files(table: str, parts: Parts) -> Iterator[tuple[RawFile, Batch]]:
    """Yield the raw files of `table` that have refused records which were not waived, and their batches."""
    for batch in _that_refused(table, parts):
        for file in parts.store.get_many(RawFile, table, _refusing_files(batch)).values():
            if file.batch_id == batch.batch_id and not _is_waived(file, batch):
                yield file, batch


def file_with_refused(file: RawFile, parts: Parts) -> tuple[RawFile, Batch] | None:
    """Return `file` and its batch if it has refused records, waived or not."""
    batch = batch_of(file, parts)
    ended = batch is not None and batch.state in ("published", "failed")
    return (file, batch) if batch and ended and _refused_of(file, batch) else None


def ingest_again(file: RawFile, batch: Batch, reason: str, parts: Parts) -> Batch:
    """Make a file with refused records pending again; return its new batch.

    Raises UsageError if the reason is empty or another process has just changed the file.
    """
    if batch.state == "failed":
        return redrive(batch, reason, parts)
    again = replay.replay(replay.Replay(batch, (file,)), reason, parts).batch
    if again is None:
        raise UsageError(f"raw file {file.file_id} was just changed by another process")
    return again


def _refused_of(file: RawFile, batch: Batch) -> bool:
    counts = counts_in(batch, file)
    return counts is not None and (counts.quarantined > 0 or batch.state == "failed")


def _answered(file: RawFile, parts: Parts) -> str:
    """Return the id of the batch that last completed an ingestion of `file`; empty before the first."""
    batch = batch_of(file, parts)
    while batch is not None:
        if counts_in(batch, file) is not None and batch.state in ("published", "failed"):
            return batch.batch_id
        batch = parts.store.get(Batch, file.table, batch.parent) if batch.parent else None
    return ""


def _batches(table: str, file: RawFile | None, parts: Parts) -> list[Batch]:
    if file is not None:
        answered = _answered(file, parts)
        last = parts.store.get(Batch, table, answered) if answered else None
        return [last] if last is not None else []
    return _that_refused(table, parts)


def _that_refused(table: str, parts: Parts) -> list[Batch]:
    """Return the failed and published batches of `table` that refused something, ordered by number.

    They are found through the index. If the index has fewer refused records than the head has counted,
    because another version published them or the index is behind, all batches are read.
    """
    head = parts.store.get(Head, table, table) or Head(table)
    found = _refusing(at_hand(table, parts, "open", "failed", "untidy", "quarantined"))
    seen = sum(batch.totals.quarantined for batch in found if batch.state == "published")
    if head.counted is None or seen < head.counted.counts.quarantined:
        found = _refusing(every(parts.store, Batch, table))
    return sorted(found, key=lambda b: (b.number or 0, b.batch_id))


def _refusing(batches: Iterable[Batch]) -> list[Batch]:
    return [b for b in batches if b.state == "failed" or (b.state == "published" and b.totals.quarantined)]


def _refusing_files(batch: Batch, only: RawFile | None = None) -> list[str]:
    """Return the files of `batch` that have refused records; none if it failed before it was parsed."""
    counted = zip(batch.file_ids, batch.counts, strict=False)
    found = [file_id for file_id, counts in counted if counts.quarantined or batch.state == "failed"]
    return [file_id for file_id in found if only is None or file_id == only.file_id]


def _is_last(file: RawFile | None, batch: Batch, parts: Parts) -> bool:
    """Whether `batch` is the last one that completed an ingestion of `file`."""
    return file is None or file.batch_id == batch.batch_id or _answered(file, parts) == batch.batch_id


def _is_waived(file: RawFile | None, batch: Batch) -> bool:
    return file is not None and file.waived == batch.batch_id


def _of_batch(
    batch: Batch, files: Mapping[str, RawFile | None], masked: bool, parts: Parts
) -> Iterator[Refused]:
    if not batch.manifest_digest:
        return  # no attempt was completed
    folder = attempt_of(batch, parts.settings.bucket).quarantine
    for report in manifest_of(batch, parts).files:
        if report.file_id not in files:
            continue
        file = files[report.file_id]
        uris = [written.uri for written in report.objects if written.uri.startswith(f"{folder}/")]
        for entry in chain.from_iterable(_entries(uri, parts) for uri in uris):
            reason = entry.get("reason", "")
            yield Refused(
                table=batch.table,
                key=file.key if file else "",
                line=entry.get("line", 0),
                record=entry.get("record", 0),
                offset=entry.get("offset", 0),
                reason=reason,
                raw=None if masked else entry.get("raw"),
                raw_base64=None if masked else entry.get("raw_base64"),
                masked=masked,
                detail=entry.get("detail", "") if not masked or reason in OWN_WORDS else "",
                batch=batch.number,
                state=batch.state,
                file_id=report.file_id,
                contract_version=entry.get("contract_version", ""),
                waived=_is_waived(file, batch),
            )


def _entries(uri: str, parts: Parts) -> Iterator[dict[str, Any]]:
    with parts.objects.open(uri) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except NOT_JSON as error:
                raise UpstreamError(f"{uri}, line {number}, is not a quarantine entry") from error


def _is_personal(table: str, parts: Parts) -> bool:
    try:
        return tables.is_personal(tables.load(parts.settings, table)[table])
    except UsageError:
        return True
