"""Small contracts and raw files, and the parser's results for them."""

import gzip
import io
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bronze.contract import BronzeContract, loads
from bronze.limits import DEFAULT_LIMITS, Limits
from bronze.parse import Report, Source, parse

KEY = b"a key for tests"


def contract_text(*columns: str, **custom: object) -> str:
    """Return a contract; a column is `name type`, with `key` for a key column and `?` after a nullable type.

    `raw=Name` sets its name in raw files.
    """
    lines = ["apiVersion: v3.1.0", "kind: DataContract", f"version: {custom.pop('version', '1.2.3')}"]
    lines += ["schema:", "  - name: thing", "    customProperties:"]
    for name, value in {"position": "lsn", **custom}.items():
        lines += [f"      - property: {name}", f"        value: {json.dumps(value)}"]
    lines.append("    properties:")
    for column in columns:
        name, kind, *marks = column.split()
        lines += [f"      - name: {name}", f"        physicalType: {kind.rstrip('?')}"]
        lines.append(f"        required: {json.dumps(not kind.endswith('?'))}")
        if "key" in marks:
            lines.append("        primaryKey: true")
        custom = ["token: true"] if "token" in marks else []
        custom += [mark.replace("raw=", "rawName: ") for mark in marks if mark.startswith("raw=")]
        lines += ["        customProperties:"] if custom else []
        for one in custom:
            of, _, value = one.partition(": ")
            lines += [f"          - property: {of}", f"            value: {value}"]
    return "\n".join(lines)


def contract(*columns: str, **custom: object) -> BronzeContract:
    return loads(contract_text(*columns, **custom), "thing.yaml")


@dataclass(frozen=True)
class Parsed:
    """The result of parsing a raw file; rows are in the order of the files, with Python values."""

    report: Report
    rows: list[dict[str, Any]]
    events: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    folders: set[str]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(entry["line"], entry["reason"]) for entry in self.quarantine]


def parsed_in(out: Path, raw: bytes, rules: BronzeContract, shape: Any, **options: Any) -> Parsed:
    """Parse the raw file `raw` into `out`, on the fast path where possible, however small the file is.

    Options: limits, epoch, extract, file_id, token_key.
    """
    source = Source(options.get("file_id", "file"), options.get("epoch", 1), options.get("extract", 1), shape)
    limits: Limits = options.get("limits") or replace(rules.limits, quick_bytes=0)
    report = parse(
        io.BytesIO(raw), rules, source, out, token_key=options.get("token_key", KEY), limits=limits
    )
    return Parsed(
        report,
        [row for path in sorted(out.glob("bronze/*")) for row in pq.read_table(path).to_pylist()],
        [row for path in sorted(out.glob("events/*")) for row in pq.read_table(path).to_pylist()],
        [
            json.loads(line)
            for path in sorted(out.glob("quarantine/*"))
            for line in path.read_bytes().splitlines()
        ],
        {path.name for path in out.iterdir()},
    )


def parsed(raw: bytes, rules: BronzeContract, shape: str, **options: Any) -> Parsed:
    with tempfile.TemporaryDirectory() as folder:
        found = parsed_in(Path(folder), raw, rules, shape, **options)
    if found.report.failure is None:
        assert len(found.rows) == found.report.rows
        assert len(found.quarantine) == found.report.quarantined == sum(found.report.reasons.values())
        assert len(found.events) == found.report.control
    accounted = found.report.rows + found.report.quarantined + found.report.control
    assert found.report.records == accounted
    return found


def csv(rules: BronzeContract, *lines: str | bytes, end: bytes = b"\n", **options: Any) -> Parsed:
    """Parse an extract of these lines after a good header."""
    header = ",".join(column.name for column in rules.columns).encode()
    body = [line.encode() if isinstance(line, str) else line for line in lines]
    return parsed(gzip.compress(end.join([header, *body]) + end, mtime=0), rules, "csv", **options)


def changes(rules: BronzeContract, *records: object, **options: Any) -> Parsed:
    """Parse change records: objects, or lines as they stand in the file."""
    lines = [
        record if isinstance(record, bytes) else
        record.encode() if isinstance(record, str) else json.dumps(record).encode()
        for record in records
    ]  # fmt: skip
    return parsed(gzip.compress(b"".join(line + b"\n" for line in lines)), rules, "json", **options)


def record(
    data: object, operation: str = "insert", *, before: object = None, **metadata: object
) -> dict[str, Any]:
    """Return a change record as DMS writes it; a metadata value of None removes the key."""
    standard = {
        "timestamp": "2024-05-06T07:08:09.123456Z",
        "record-type": "data",
        "operation": operation,
        "partition-key-type": "primary-key",
        "schema-name": "shop",
        "table-name": "thing",
        "stream-position": "0/16B3748",
    }
    named = {name.replace("_", "-"): value for name, value in metadata.items()}
    kept = {name: value for name, value in (standard | named).items() if value is not None}
    found: dict[str, Any] = {"data": data, "metadata": kept}
    return found if before is None else {**found, "before-image": before}


def blocks_of(size: int) -> Limits:
    """Return limits that cut content into small blocks, which still take the fast path."""
    return replace(DEFAULT_LIMITS, csv_block_bytes=size, json_block_bytes=size, quick_bytes=0)


def outcomes(found: Parsed, lines: Iterable[int]) -> list[str | None]:
    """Return the result of `value` on each line: its repr (-0.0 is not 0), or the reason without `:value`."""
    became = {row["_line"]: repr(row["value"]) for row in found.rows}
    became |= {line: reason.removesuffix(":value") for line, reason in found.reasons}
    return [became.get(line) for line in lines]
