"""Try a proposed contract on raw files that have landed: what it would refuse, and why."""

import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import yaml

from control import tally
from control.errors import ContractError, DataError, UsageError
from control.model import RAW, Batch, RawFile, file_id_of
from control.outcomes import counts_of
from control.ports import Parts

_MASK = "***"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A record that would be refused.

    Personal values in `raw` are masked; all of it is, if they cannot be located.
    """

    key: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The totals over `files` raw files: what would be refused, by reason, and what is refused today.

    `refused_files` would be refused as a whole. `today` includes only files that are in a batch.
    """

    table: str
    contract_version: str
    files: int
    records: int
    rows: int
    quarantined: int
    today: int
    reasons: Mapping[str, int]
    refused_files: Mapping[str, str]
    samples: tuple[Sample, ...]


def rehearse(
    text: str, name: str, parts: Parts, *, days: int, most: int, sample: int, said: Callable[[RawFile], None]
) -> Rehearsal:
    """Parse the newest `most` raw files of the last `days` under the contract `text`; nothing is published.

    Returns up to `sample` records per reason. Raises ContractError if the parser cannot use the contract,
    UsageError if the parser itself is not usable, DataError if no file has landed in that time.
    """
    # Imported here because the parser imports pyarrow, which would delay `dm --help` by 0.2 s.
    from bronze import contract as contracts
    from bronze.errors import BronzeError

    try:
        contract = contracts.loads(text, name)
    except BronzeError as error:
        raise ContractError(str(error), hint=error.hint) from error
    files = _recent(contract.table, parts, days, most)
    if not files:
        raise DataError(
            f"no raw file of {contract.table} has landed in the last {days} days",
            hint="give more --days, or land files and run dm ingest run",
        )
    reasons: Counter[str] = Counter()
    records = rows = quarantined = 0
    refused: dict[str, str] = {}
    samples: list[Sample] = []
    masked = personal(text)
    for file in files:
        said(file)
        with tempfile.TemporaryDirectory(prefix="dm-replay-") as folder:
            report = _parse(file, contract, Path(folder), parts)
            for shown in _entries(file, Path(folder)):
                taken = sum(s.reason == shown["reason"] for s in samples)
                if taken < sample and report.failure is None:
                    raw = _shown(shown, contract, masked)
                    samples.append(Sample(file.key, shown.get("line", 0), shown["reason"], raw))
        records, rows = records + report.records, rows + report.rows
        quarantined += report.quarantined
        reasons.update(report.reasons)
        if report.failure:
            refused[file.key] = report.failure
    return Rehearsal(
        contract.table, contract.version, len(files), records, rows, quarantined,
        _today(files, parts),
        dict(reasons.most_common()), refused, tuple(samples),
    )  # fmt: skip


def personal(text: str) -> frozenset[str]:
    """Return the raw names of the columns of a bronze contract that identify a person, also by pseudonym."""
    data = yaml.safe_load(text)
    listed = [c for table in data.get("schema") or [] for c in table.get("properties") or []]
    return frozenset(
        _raw_name(column)
        for column in listed
        if column.get("classification") in ("personal", "pseudonym") or "pii" in (column.get("tags") or [])
    )


def _raw_name(column: Mapping[str, Any]) -> str:
    stated = (p.get("value") for p in column.get("customProperties") or [] if p.get("property") == "rawName")
    return str(next(stated, column.get("name")))


def _recent(table: str, parts: Parts, days: int, most: int) -> list[RawFile]:
    """Return the newest registered files. Listing the bucket is fast: it has only what retention keeps."""
    since, bucket = parts.clock.now() - timedelta(days=days), parts.settings.bucket
    there = parts.objects.list(f"s3://{bucket}/{RAW}{table}/")
    ids = [file_id_of(bucket, one.key, one.version_id) for one in there if one.modified_at >= since]
    found = parts.store.get_many(RawFile, table, ids).values()
    return sorted(found, key=lambda file: (file.landed_at, file.key), reverse=True)[:most]


def _today(files: Sequence[RawFile], parts: Parts) -> int:
    """Return the number of refused records of `files`, from the last ingestion of each."""
    ids = {file.batch_id for file in files if file.batch_id}
    batches = parts.store.get_many(Batch, files[0].table, sorted(ids))
    known = tally.ancestors(batches.values(), batches, parts)
    return sum(counts_of(file, known).quarantined for file in files)


def _parse(file: RawFile, contract: Any, folder: Path, parts: Parts) -> Any:
    from bronze.errors import BronzeError
    from bronze.parse import Source, compression_of, parse

    uri = f"s3://{file.bucket}/{file.key}"
    source = Source(file.file_id, file.epoch, file.extract, file.format, compression_of(uri))
    with parts.objects.open(uri, file.version_id, file.etag) as stream:
        buffered = cast(BinaryIO, io.BufferedReader(_Readable(stream), _READ_BYTES))
        try:
            # The output is discarded, so the tokens need no secret.
            return parse(buffered, contract, source, folder, token_key=b"rehearsal")
        except BronzeError as error:  # such as a kernel that was not built
            raise UsageError(str(error), hint=error.hint) from error


def _entries(file: RawFile, folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / "quarantine" / f"{file.file_id}.jsonl"
    if path.exists():
        with path.open("rb") as entries:
            for line in entries:
                yield msgspec.json.decode(line, type=dict[str, Any])


def _shown(entry: Mapping[str, Any], contract: Any, masked: frozenset[str]) -> str:
    """Return the raw record with personal values masked; just the mask if it cannot be split into fields."""
    raw = entry.get("raw")
    if not masked:
        return str(raw if raw is not None else entry.get("raw_base64", ""))
    if not isinstance(raw, str):
        return _MASK
    try:
        record = json.loads(raw)
    except ValueError:
        record = None
    names = [column.name for column in contract.columns]
    if isinstance(record, dict):
        return json.dumps(_masked(record, frozenset(names) - masked, contract.records), ensure_ascii=False)
    mark: str = contract.csv.delimiter
    fields = raw.split(mark)
    if record is not None or (contract.csv.quote or '"') in raw or len(fields) != len(names):
        return _MASK
    return mark.join(_MASK if name in masked else text for name, text in zip(names, fields, strict=True))


# By kind of record: the keys that hold values of the table, and the other keys, which are never personal.
_VALUES = {"change": ("data", "before-image"), "debezium": ("before", "after"), "plain": ()}
_AROUND = {"change": ("metadata",), "debezium": ("source", "op", "transaction"), "plain": ()}


def _masked(record: Mapping[str, Any], shown: frozenset[str], records: str) -> dict[str, Any]:
    """Return `record` with all values masked that are not known to be harmless; unknown keys are masked."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if key in _VALUES[records] and isinstance(value, dict):
            found[key] = {k: v if k in shown else _MASK for k, v in value.items()}
        elif records == "debezium" and key == "payload" and isinstance(value, dict):
            found[key] = _masked(value, shown, records)
        else:
            is_known = key in (shown if records == "plain" else _AROUND[records])
            found[key] = value if is_known else _MASK
    return found


class _Readable(io.RawIOBase):
    """Adapt an object's stream for io.BufferedReader."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
