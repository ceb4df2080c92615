"""Look at quarantine: every record that was refused, where it stood and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from control.errors import UpstreamError, UsageError
from control.ingest import tables
from control.ingest.files import manifest_of, table_names
from control.model import Batch, RawFile, attempt_of
from control.ports import Parts, every


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused record; line 0 stands for a file that was refused as a whole, with the words in `detail`.

    `raw` is its text, `raw_base64` its bytes where they are no UTF-8; both None when `masked`, because the
    table's lines may name a person. `batch` is the number under which the rest of its file was published,
    if it was.
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


def refused(parts: Parts, table: str | None = None, *, raw: bool = False) -> Iterator[Refused]:
    """What all published and failed batches refused, by table and batch.

    Lines of tables with personal columns are masked unless `raw` is asked for, and so are those of tables
    whose contract cannot be read here.
    """
    for name in table_names(parts, table):
        masked = not raw and _is_personal(name, parts)
        batches = [b for b in every(parts.store, Batch, name) if b.state in ("published", "failed")]
        for batch in sorted(batches, key=lambda b: (b.number is None, b.number or 0, b.batch_id)):
            if batch.totals.quarantined or batch.state == "failed":
                yield from _of_batch(batch, masked, parts)


def _of_batch(batch: Batch, masked: bool, parts: Parts) -> Iterator[Refused]:
    manifest = manifest_of(batch, parts)
    folder = attempt_of(batch, parts.settings.bucket).quarantine
    for report in manifest.files if manifest else ():
        file = parts.store.get(RawFile, batch.table, report.file_id)
        for written in report.objects:
            if written.uri.startswith(f"{folder}/"):
                for entry in _entries(written.uri, parts):
                    yield Refused(
                        table=batch.table,
                        key=file.key if file else "",
                        line=entry.get("line", 0),
                        record=entry.get("record", 0),
                        offset=entry.get("offset", 0),
                        reason=entry.get("reason", ""),
                        raw=None if masked else entry.get("raw"),
                        raw_base64=None if masked else entry.get("raw_base64"),
                        masked=masked,
                        detail=entry.get("detail", ""),
                        batch=batch.number,
                        state=batch.state,
                        file_id=report.file_id,
                        contract_version=entry.get("contract_version", ""),
                    )


def _entries(uri: str, parts: Parts) -> Iterator[dict[str, Any]]:
    with parts.objects.open(uri) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise UpstreamError(f"{uri}, line {number}, is no quarantine entry") from error


def _is_personal(table: str, parts: Parts) -> bool:
    try:
        return tables.load(parts.settings, table)[table].personal
    except UsageError:
        return True
