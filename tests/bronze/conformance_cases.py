"""Read the cases of `conformance/`, and describe the result of a run in their terms."""

import base64
import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from raw_files import contract_text

FOLDER = Path(__file__).parent / "conformance"
TOKEN_KEY = "a key for tests"
_PATHS = {
    "csv": "part.csv.gz",
    "change": "part.json.gz",
    "debezium": "part.json.gz",
    "plain": "part.json.gz",
    "stream": "part.csv.gz",
    "reload": "reload=2/part.csv.gz",
}
_SETTINGS = {"debezium": {"records": "debezium"}, "plain": {"records": "plain"}}
_KNOWN = {
    *("rule", "columns", "settings", "path", "input", "input_bytes", "input_repeated", "raw"),
    *("without_last", "flip_bit_of_byte", "position"),
    *("rows", "technical", "quarantine", "events", "failure", "blank", "discarded"),
}
_SOURCE = '{"ts_ms":1795950627646,"sequence":"[\\"23302088\\",\\"23302216\\"]","ts_us":1795950627646642}'
_METADATA = {"$source": _SOURCE} | {
    f"${operation}": json.dumps(
        {"record-type": "data", "operation": operation, "stream-position": "0/16B3748"}, separators=(",", ":")
    )
    for operation in ("insert", "update", "delete")
}


@dataclass(frozen=True)
class Case:
    """One rule: a raw file, the contract to read it by, and the expected result."""

    name: str
    rule: str
    path: str
    contract: str
    raw: bytes
    wanted: dict[str, Any]
    position: str | None = None


@dataclass(frozen=True)
class Became:
    """The result of parsing a raw file: its counts, and the files that were written."""

    counts: dict[str, Any]
    bronze: list[Path]
    events: list[Path]
    quarantine: list[Path]


def became(counts: dict[str, Any], paths: Iterable[Path]) -> Became:
    """Return the result of a run that wrote the files `paths`."""
    found = sorted(paths)
    folders = ("bronze", "events", "quarantine")
    return Became(counts, *([path for path in found if path.parent.name == name] for name in folders))


@cache
def cases() -> list[Case]:
    """Return all cases, sorted by name."""
    return [_case(path) for path in sorted(FOLDER.rglob("*.yaml"))]


def _case(path: Path) -> Case:
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said.keys() <= _KNOWN, (name, said.keys() - _KNOWN)
    kind = name.partition("/")[0]
    settings = {**_SETTINGS.get(kind, {}), **said.get("settings", {})}
    file = said.get("path", _PATHS[kind])
    columns = [column.split()[0].rstrip("?") for column in said["columns"]]
    return Case(
        name=name,
        rule=said["rule"],
        path=file,
        contract=contract_text(*said["columns"], **settings),
        raw=_raw(said, file),
        wanted={
            "rows": _by_place(said, "rows", lambda values: dict(zip(columns, values, strict=True))),
            "quarantine": _by_place(said, "quarantine", _refusal),
            "events": _by_place(said, "events", lambda texts: [filled(text) for text in texts]),
            "technical": _by_place(said, "technical", dict),
            **{name: said.get(name, default) for name, default in _COUNTS.items()},
        },
        position=said.get("position"),
    )


_COUNTS: dict[str, object] = {"failure": None, "blank": 0, "discarded": 0}


def _by_place(said: dict[str, Any], key: str, read: Callable[[Any], Any]) -> dict[tuple[int, int], Any]:
    return {_place(at): read(value) for at, value in said.get(key, {}).items()}


def _place(written: int | str) -> tuple[int, int]:
    """Parse a position: `3` is the third line, `3#1` its second record."""
    line, _, record = str(written).partition("#")
    return int(line), int(record or 0)


def _refusal(said: list[Any]) -> list[Any]:
    reason, raw, *offset = said
    return [reason, _bytes(raw), *offset]


def filled(text: str) -> str:
    for word, metadata in _METADATA.items():
        text = text.replace(word, metadata)
    return text


def _bytes(said: str | dict[str, Any]) -> bytes:
    match said:
        case str():
            return filled(said).encode()
        case {"bytes": text}:
            return filled(text).encode("latin-1")
        case {"repeated": text, "times": times} | {"text": text, "times": times}:
            return text.encode() * times
    raise ValueError(said)


def _raw(said: dict[str, Any], path: str) -> bytes:
    if "raw" in said:
        raw = bytearray(b"".join(_part(*part) for it in said["raw"] for part in it.items()))
        raw = raw[: len(raw) - said.get("without_last", 0)]
        if "flip_bit_of_byte" in said:
            raw[said["flip_bit_of_byte"]] ^= 1
        return bytes(raw)
    [content] = [
        _bytes({"bytes": said[key]} if key == "input_bytes" else said[key])
        for key in ("input", "input_bytes", "input_repeated")
        if key in said
    ]
    return _part(path.rpartition(".")[2] if "." in path else "text", content)


def _part(kind: str, said: Any) -> bytes:
    """Return a part of a raw file: packed content, or literal bytes."""
    if isinstance(said, str):
        said = said.encode()
    elif isinstance(said, dict):
        said = _bytes(said)
    match kind:
        case "gzip" | "gz":
            return gzip.compress(said, mtime=0)
        case "zstd" | "zst":
            return bytes(pa.compress(said, "zstd", asbytes=True))
        case "zeros":
            return bytes(said)
        case "hex":
            return bytes.fromhex(said.decode())
        case "text" | "csv" | "json":
            return bytes(said)
    raise ValueError(kind)


def difference(case: Case, became: Became) -> dict[str, Any]:
    """Return what differs from the case, as wanted and found; empty if nothing does."""
    found = _found(case, became)
    records = became.counts["rows"] + became.counts["quarantined"] + became.counts["control"]
    assert became.counts["records"] == records, became.counts
    return {
        name: {"wanted": wanted, "found": found[name]}
        for name, wanted in case.wanted.items()
        if not _same(wanted, found[name])
    }


def _same(wanted: Any, found: Any) -> bool:
    return repr(wanted) == repr(found)  # 0.0 is not -0.0, and 1 is not true


def _found(case: Case, became: Became) -> dict[str, Any]:
    wanted = case.wanted
    rows = {(row["_line"], row["_record"]): row for row in _rows(became.bronze)}
    names = next(iter(wanted["rows"].values()), {})
    entries = [json.loads(line) for path in became.quarantine for line in path.read_bytes().splitlines()]
    refused = {(entry["line"], entry["record"]): entry for entry in entries if entry["line"]}
    whole = [entry["reason"] for entry in entries if not entry["line"]]
    assert whole == ([wanted["failure"]] if wanted["failure"] else []), whole
    return {
        "rows": {at: {name: plain(row[name]) for name in names} for at, row in sorted(rows.items())},
        "quarantine": {
            at: _entry(entry, len(wanted["quarantine"].get(at, ()))) for at, entry in sorted(refused.items())
        },
        "events": {
            (row["_line"], row["_record"]): [row["event"], row["detail"], row["_seq"]]
            for row in _rows(became.events)
        },
        "technical": {
            at: {name: plain(rows[at][name]) for name in said} for at, said in wanted["technical"].items()
        },
        **{name: became.counts[name] for name in _COUNTS},
    }


def _rows(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def _entry(entry: dict[str, Any], wanted: int) -> list[Any]:
    raw = base64.b64decode(entry["raw_base64"]) if "raw_base64" in entry else entry["raw"].encode()
    return [entry["reason"], raw, entry["offset"]][: max(wanted, 2)]


def plain(value: object) -> object:
    """Return a value as YAML has it: decimals, times and bytes as strings, pairs of a map as a mapping."""
    match value:
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case [(str(), _), *_]:
            return {name: plain(item) for name, item in value}
        case list():
            return [plain(item) for item in value]
    return value
