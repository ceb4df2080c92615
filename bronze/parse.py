"""Parse one raw file into typed Parquet and events, and write every refused line to quarantine."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from bronze import sequence
from bronze.ahead import ahead
from bronze.blocks import Block, LongRecord, cut
from bronze.columns import finisher, table_of
from bronze.content import Compression, content
from bronze.contract import BronzeContract
from bronze.errors import FileRefusedError, RefusedError, SourceError
from bronze.events import EVENT_SCHEMA
from bronze.inflate import HashingReader
from bronze.limits import Limits
from bronze.outcome import BlockReader, EventRow, Outcome
from bronze.quarantine import Origin, Quarantine
from bronze.staging import Stage, stage
from bronze.writer import RowWriter

Format = Literal["csv", "json", "begin", "complete"]


@dataclass(frozen=True, slots=True)
class Source:
    """A raw file: its id, the epoch of its source's log, the number of its extract, its format.

    `position` is the snapshot position of its reload, as written in `_BEGIN`; None outside of a reload.
    `replay`: it is a quarantine file, whose entries have all of this themselves. `rekeyed` is how often the
    key of the table's tokens was changed.
    """

    file_id: str
    epoch: int
    extract: int
    format: Format
    compression: Compression = "gzip"
    replay: bool = False
    position: str | None = None
    rekeyed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of parsing a raw file; `records == rows + quarantined + control`, always.

    `lines` counts all lines, including header and blank ones. `sha256` is of the compressed bytes. `reasons`
    counts refused records by reason code. `failure` is the reason code if the file was refused as a whole:
    then only quarantine is written, and every record read counts as quarantined. `discarded` counts the keys
    dropped under `unknownKeys: discard`.
    """

    lines: int
    blank: int
    records: int
    rows: int
    quarantined: int
    control: int
    sha256: str
    reasons: dict[str, int] = field(default_factory=dict)
    failure: str | None = None
    discarded: int = 0


# Objects directly under `reload=<n>/` that mark the begin of a reload and list its objects.
_MARKERS: dict[str, Literal["begin", "complete"]] = {"_BEGIN": "begin", "_COMPLETE": "complete"}
_FORMATS: dict[str, Literal["csv", "json"]] = {".csv": "csv", ".json": "json"}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
# This many blocks may wait to be written, because a row group, which has several, is written at once.
_LOOKED_AT = 3


def source_of(key: str, file_id: str) -> Source:
    """Derive the source from the key of a raw file: `epoch=` and `extract=` (default 1), and the suffixes.

    Raises SourceError for any other suffix, or if a segment is not a number.
    """
    epoch, extract = _segment(key, "epoch", 10), _segment(key, "extract", 20)
    folder, name = _reload(key)
    if folder and name in _MARKERS:
        return Source(file_id, epoch, extract, _MARKERS[name], "none")
    compression = compression_of(key)
    unpacked = key if compression == "none" else key.rpartition(".")[0]
    found = next((shape for suffix, shape in _FORMATS.items() if unpacked.endswith(suffix)), None)
    if found is None:
        raise SourceError(
            f"{key} is neither .csv nor .json, plain or compressed as .gz or .zst",
            hint="the suffix tells a raw file's format; markers are directly in `reload=<n>/`",
        )
    return Source(file_id, epoch, extract, found, compression)


def reload_of(key: str) -> str:
    """Return the folder of the reload that a raw file belongs to, up to `reload=<n>/`; empty if none."""
    return _reload(key)[0]


def _reload(key: str) -> tuple[str, str]:
    """Return the folder of the reload, and the rest of the key."""
    parts = key.split("/")
    at = next((i for i, part in enumerate(parts[:-1], 1) if part.startswith("reload=")), 0)
    if at:
        _segment(key, "reload", 20)
    return "".join(f"{part}/" for part in parts[:at]), "/".join(parts[at:])


def compression_of(key: str) -> Compression:
    """Return the compression of a raw file, by its last suffix."""
    return next((kind for suffix, kind in _COMPRESSIONS.items() if key.endswith(suffix)), "none")


def _segment(key: str, name: str, digits: int) -> int:
    values = [part.removeprefix(f"{name}=") for part in key.split("/")[:-1] if part.startswith(f"{name}=")]
    if not values:
        return 1
    if len(values) > 1 or not re.fullmatch(rf"[0-9]{{1,{digits}}}", values[0]):
        raise SourceError(f"{key}: `{name}=` must be given once, with a number of at most {digits} digits")
    return int(values[0])


def parse(
    stream: BinaryIO,
    contract: BronzeContract,
    source: Source,
    out: Path,
    *,
    token_key: bytes | None = None,
    limits: Limits | None = None,
) -> Report:
    """Parse the raw file `stream` and write the results under the folder `out`.

    Writes `bronze/<file_id>-00000.parquet` and so on (at least one), `events/<file_id>.parquet` if there are
    control records, and `quarantine/<file_id>.jsonl` if records were refused. The files get these names only
    when all are complete. If the file is refused as a whole, only the quarantine file is written. Results of
    an earlier run on the same file are removed. Memory is bounded by a block and a row group. The same
    content, contract and source give the same bytes. `limits` default to the contract's.

    Raises TokenKeyError if the contract has tokens but there is no `token_key`, SourceError if the source's
    id cannot be a file name, and any error of reading `stream` or writing to `out`.
    """
    raw = HashingReader(stream)
    with stage(out, source.file_id) as staged:
        run = _Run(contract, source, limits or contract.limits, staged)
        try:
            if source.format in ("csv", "json"):
                run.read(raw, token_key)
            else:
                run.read_marker(raw)
            return run.finished(raw.sha256())
        except FileRefusedError as refusal:
            raw.drain()
            return run.refused(refusal, raw.sha256())
        finally:
            run.close()


def _constants(contract: BronzeContract, source: Source, loaded: str) -> dict[str, object]:
    """Return the columns that have the same value in every row of a file."""
    of_file: dict[str, object] = {"_rev": contract.revision_at(source.rekeyed)}
    if source.replay:
        return of_file
    of_file["_file_id"] = source.file_id
    if source.format == "json":
        return of_file
    nulls = dict.fromkeys(("_rescued", "_key_before", "_committed_at"))
    return of_file | nulls | {"_seq": loaded, "_op": "load", "_record": 0}


def _row_writer(contract: BronzeContract, source: Source, limits: Limits, staged: Stage) -> RowWriter:
    """Return the writer of rows. It sorts changes by key within a row group; extracts keep their order."""
    if source.format == "csv" or contract.records == "plain":
        return RowWriter(staged.rows, limits)
    return RowWriter(staged.rows, limits, [contract.stored[name] for name in contract.key])


_Part = Block | LongRecord


def _looked_at(reader: BlockReader, part: _Part) -> tuple[_Part, Any]:
    """Return the part and what was found in it; if anything was, without the text, to free memory."""
    if isinstance(part, LongRecord) or not part.data:
        return part, None
    found = reader.look(part)
    return part if found is None else replace(part, data=b""), found


class _Run:
    """A parse in progress: open files and counts."""

    def __init__(
        self,
        contract: BronzeContract,
        source: Source,
        limits: Limits,
        staged: Stage,
    ) -> None:
        self.contract = contract
        self.source = source
        self.limits = limits
        self.staged = staged
        origin = Origin(source.file_id, source.epoch, source.extract, source.format, source.position)
        self.quarantine = Quarantine(staged.quarantine, origin, contract.version)
        self.rows = _row_writer(contract, source, limits, staged)
        self.events = RowWriter(lambda _: staged.events, replace(limits, file_row_groups=sys.maxsize))
        self.lines = self.blank = self.records = self.control = self.discarded = 0

    def read(self, raw: HashingReader, token_key: bytes | None) -> None:
        """Read all of `raw`. Raises FileRefusedError."""
        loaded = self.loaded(self.source.position)
        finish = finisher(self.contract, _constants(self.contract, self.source, loaded), token_key)
        opened, reader = self.reader(loaded)
        with (
            ahead(self.opened(self.parts(raw), opened)) as parts,
            ahead(map(partial(_looked_at, reader), parts), most=_LOOKED_AT) as looked,
        ):
            for outcome in self.outcomes(looked, reader):
                self.rows.write(finish(outcome.rows))
                if outcome.events:
                    self.events.write(table_of(map(self.event, outcome.events), EVENT_SCHEMA))
        self.check_refused()

    def check_refused(self) -> None:
        """Raise FileRefusedError if more records are refused than the contract allows."""
        bad = self.quarantine.count
        # As a fraction: with floats, 0.05 times a count can land on the wrong side of a whole number.
        allowed = Fraction(str(self.contract.max_bad_ratio)) * self.records
        if not self.source.replay and bad > self.contract.max_bad_records and bad > allowed:
            raise FileRefusedError("bad_records", f"{bad:,} of {self.records:,} records are refused")

    def read_marker(self, raw: HashingReader) -> None:
        """Read a marker of a reload, which is one control record. Raises FileRefusedError."""
        from bronze import markers

        caps = replace(self.limits, inflated_bytes=markers.MOST_BYTES)
        text = b"".join(content(raw, "none", caps)).strip()
        self.records, self.lines = 1, text.count(b"\n") + 1
        position = self.source.position
        if self.source.format == "begin":
            position = markers.begin(text)
        else:
            markers.complete(text)
        kind = f"reload-{self.source.format}"
        event = EventRow(kind, text.decode(), self.loaded(position), None, 1, 0)
        self.control = 1
        self.events.write(table_of([self.event(event)], EVENT_SCHEMA))

    def loaded(self, position: str | None) -> str:
        """Return the `_seq` of loads from the snapshot at `position`. Raises FileRefusedError."""
        kind = self.contract.position
        try:
            place = sequence.snapshot(kind, position)
        except RefusedError as refusal:
            problem = f"the snapshot's position {position!r} is not of kind {kind}"
            raise FileRefusedError("position", problem) from refusal
        return sequence.load(self.source.epoch, place, self.source.extract)

    def reader(self, loaded: str) -> tuple[Callable[[Block], Block], BlockReader]:
        """Return what opens the first block, and the reader of all. Imports only the format's modules."""
        quick = self.limits.quick_bytes
        if self.source.format == "csv":
            from bronze import csv_lines

            opened = partial(csv_lines.opened, contract=self.contract)
            return opened, csv_lines.reader(self.contract, self.quarantine, quick_bytes=quick)
        if self.source.replay:
            from bronze import replay_lines

            return lambda block: block, replay_lines.reader(self.contract, self.quarantine)
        from bronze import json_lines

        epoch = self.source.epoch
        return json_lines.without_bom, json_lines.reader(
            self.contract, self.quarantine, epoch=epoch, loaded=loaded, quick_bytes=quick
        )

    def parts(self, raw: HashingReader) -> Iterator[Block | LongRecord]:
        """Return the content, cut into blocks."""
        csv = self.source.format == "csv"
        size = self.limits.csv_block_bytes if csv else self.limits.json_block_bytes
        return cut(
            content(raw, self.source.compression, self.limits),
            size=size,
            # JSON escapes a byte in at most six characters; the rest of an entry has a few hundred.
            longest=self.limits.line_bytes * 6 + 4096 if self.source.replay else self.limits.line_bytes,
            quote=self.contract.csv.quote_byte if csv and self.contract.csv.multiline else None,
        )

    def opened(
        self, parts: Iterable[Block | LongRecord], opened: Callable[[Block], Block]
    ) -> Iterator[Block | LongRecord]:
        """Yield the parts, the first without its header. Raises FileRefusedError if the header is wrong."""
        header = self.source.format == "csv" and self.contract.csv.header
        first = True
        for part in parts:
            if first:
                self.lines, first = part.lines, False
                if isinstance(part, Block):
                    part = opened(part)
                elif header:
                    raise FileRefusedError("header", f"the header line has {part.length:,} bytes")
            yield part
        if header and first:
            raise FileRefusedError("header", "there is no header: the file is empty")

    def outcomes(
        self, looked: Iterable[tuple[Block | LongRecord, Any]], reader: BlockReader
    ) -> Iterator[Outcome]:
        """Yield the outcomes of the blocks, and count them; refused records go to quarantine."""
        for part, found in looked:
            self.lines = part.line + part.lines - 1
            if isinstance(part, LongRecord):
                self.too_long(part)
            elif part.data or found is not None:
                outcome = reader.read(part, found)
                self.records += outcome.records
                self.blank += outcome.blank
                self.discarded += outcome.discarded
                self.control += len(outcome.events)
                if self.quarantine.bytes > self.limits.quarantine_bytes:
                    self.check_refused()  # early, before more refused records fill the disk
                yield outcome

    def too_long(self, record: LongRecord) -> None:
        if self.source.replay:
            raise FileRefusedError("replay", f"line {record.line} is longer than any quarantine entry")
        self.records += 1
        self.quarantine.refuse(
            "too_long", record.head, line=record.line, offset=record.offset, length=record.length
        )

    def event(self, row: EventRow) -> tuple[object, ...]:
        """Return the values of an event in the order of EVENT_SCHEMA."""
        file = (
            self.contract.revision_at(self.source.rekeyed),
            row.committed_at,
            row.file_id or self.source.file_id,
        )
        return (row.event, row.detail, row.seq, *file, row.line, row.record)

    def refused(self, refusal: FileRefusedError, sha256: str) -> Report:
        """Publish only the quarantine file, with an entry for the whole raw file, and return the report."""
        self.quarantine.refuse_file(refusal.reason, str(refusal))
        self.quarantine.close()
        self.staged.publish("quarantine")
        return self.report(sha256, rows=0, quarantined=self.records, control=0, failure=refusal.reason)

    def finished(self, sha256: str) -> Report:
        """Publish all results and return the report."""
        self.rows.close(self.contract.arrow_schema.empty_table())
        if self.control:
            self.events.close(EVENT_SCHEMA.empty_table())
        self.quarantine.close()
        rows, refused, control = self.rows.rows, self.quarantine.count, self.control
        if self.records != rows + refused + control:
            raise RuntimeError(
                f"{self.records} records gave {rows} rows, {refused} refused, {control} events"
            )
        self.staged.publish("quarantine", "events", "bronze")
        return self.report(sha256, rows=rows, quarantined=refused, control=control, failure=None)

    def report(
        self, sha256: str, *, rows: int, quarantined: int, control: int, failure: str | None
    ) -> Report:
        return Report(
            lines=self.lines,
            blank=self.blank,
            records=self.records,
            rows=rows,
            quarantined=quarantined,
            control=control,
            sha256=sha256,
            reasons=dict(self.quarantine.reasons),
            failure=failure,
            discarded=self.discarded,
        )

    def close(self) -> None:
        """Close all open files, so that they can be removed."""
        self.quarantine.close()
        self.rows.abandon()
        self.events.abandon()
