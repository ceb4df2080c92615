"""What the parser does with the same raw lines before and after a change, and ingestion with the table."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import raw_files
from evidence import Evidence, Seen, of_order
from random_contracts import Draft, dumped

from bronze import contract as parser
from bronze.contract import BronzeContract, Column
from bronze.schema import nested
from control import column_types
from control.errors import ConflictError
from control.ports import CatalogColumn, CatalogTable

ABSENT = object()
# Values that a source may send for each type: good ones, odd ones, and invalid ones.
SAID: dict[str, tuple[Any, ...]] = {
    "int": (0, 7, -1, 2**31 - 1, 2**31, "7", 1.5), "bigint": (0, 7, 2**31, 2**63, "7", 1.5),
    "float": (0.5, 1, 0.1, "x"), "double": (0.5, 1, 0.1, 1e300, "x"), "boolean": (True, False, 1),
    "date": ("2024-05-01", "2024-05-01T00:00:00", 1),
    "timestamp": ("2024-05-01T06:00:00Z", "2024-05-01", "x"),
    "string": ("open", "", "a\nb", 'say "x"', "5' pipe", "a;b,c", 7, "x" * 900),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """A raw file parsed under a contract: the rows of accepted lines, and the reasons for the others."""

    rows: dict[tuple[int, int], dict[str, Any]]
    reasons: dict[int, str]


def evidence(before: Draft, after: Draft, chance: Random) -> Evidence:
    base, head = (parser.loads(dumped(one.data), "order.yaml") for one in (before, after))
    seen = [*_of_table(base, head), *of_order(before.names, after.names)]
    for shape, content in _files(base, chance):
        old, new = _read(base, content, shape), _read(head, content, shape)
        seen += [*_of_lines(base, head, old, new), *_of_promises(base, new)]
    for shape, content in _files(head, chance):
        seen += _of_promises(base, _read(head, content, shape))
    return Evidence.of(seen)


def _of_table(base: BronzeContract, head: BronzeContract) -> Iterator[Seen]:
    """Yield whether ingestion stops at the existing catalog table, and what queries of it would find."""
    known, wanted = (tuple(CatalogColumn(*one) for one in c.hive_columns) for c in (base, head))
    try:
        column_types.check(CatalogTable("bronze", "order", "", wanted, ()), known)
    except ConflictError as error:
        yield Seen("producers", "breaking", "stops", error.message)
    there = dict(head.hive_columns)
    for name, kind in base.hive_columns:
        if name not in there:
            yield Seen("consumers", "breaking", "gone", f"select {name} fails", (name,))
        elif there[name] != kind and not column_types.is_wider(kind, there[name]):
            yield Seen("consumers", "breaking", "type", f"{name} is {there[name]} and not {kind}", (name,))
    if head.revision_at(0) < base.revision_at(0):
        yield Seen("consumers", "breaking", "revision", "rows that are read again lose against older ones")


def _of_lines(base: BronzeContract, head: BronzeContract, old: Read, new: Read) -> Iterator[Seen]:
    kept = {name for name, _ in base.hive_columns} & {name for name, _ in head.hive_columns}
    kept = {name for name in kept if not name.startswith("_")}
    known = {line for line, _ in old.rows} | set(old.reasons)
    for line in sorted(set(new.reasons) - known):
        yield Seen(
            "producers", "breaking", "refused", f"{new.reasons[line]}: line {line}, which was no record"
        )
    for place, row in old.rows.items():
        if place not in new.rows:
            why = new.reasons.get(place[0], "file")
            yield Seen("producers", "breaking", "refused", f"{why}: {row}", tuple(why.split(":")[1:]))
            continue
        for name in sorted(kept):
            if repr(row[name]) != repr(new.rows[place][name]):
                what = f"{name} of {row} is {new.rows[place][name]!r}"
                yield Seen("either", "breaking", "otherwise", what, (name,))


def _of_promises(base: BronzeContract, new: Read) -> Iterator[Seen]:
    required = [column.stored for column in base.columns if column.required]
    for row in new.rows.values():
        # A delete record has only its key.
        for name in required if row["_op"] != "delete" else ():
            if name in row and row[name] is None:
                yield Seen("consumers", "breaking", "null", f"{name} of {row}", (name,))


def _read(contract: BronzeContract, content: bytes, shape: str) -> Read:
    rules = replace(contract, max_bad_records=10**9, max_bad_ratio=1.0)
    found = raw_files.parsed(gzip.compress(content, 1, mtime=0), rules, shape)
    rows = {(row["_line"], row["_record"]): row for row in found.rows}
    return Read(rows, dict(found.reasons))


# --- what a source sends that follows a contract, and some that it should not send ----------------


def _files(maker: BronzeContract, chance: Random) -> Iterator[tuple[str, bytes]]:
    good = {column.name: _said(column.type)[0] for column in maker.columns}
    sent = [good, good | {"surprise": 1}]
    for column in maker.columns:
        sent += [_with(good, column, value) for value in (*_said(column.type), None, ABSENT)]
    yield "json", b"".join(line + b"\n" for line in _lines(maker, good, sent, chance))
    yield "csv", _extract(maker, [row for row in sent if row.keys() == good.keys()])


def _with(good: dict[str, Any], column: Column, value: Any) -> dict[str, Any]:
    if value is ABSENT:
        return {name: said for name, said in good.items() if name != column.name}
    return good | {column.name: value}


def _said(kind: str) -> tuple[Any, ...]:
    tree = nested(kind)
    if tree is None:
        if kind.startswith("decimal"):
            return (1, 1.5, "0.25", 0.0001, 99999999, "x")
        return SAID[kind]
    if tree.kind == "array":
        return ([_said(tree.types[0])[0]], [], 1)
    if tree.kind == "map":
        return ({"k": _said(tree.types[0])[0]}, {}, 1)
    fields = {name: _said(one)[0] for name, one in zip(tree.names, tree.types, strict=True)}
    return (fields, fields | {"more": 1}, dict(list(fields.items())[:1]), 1)


def _lines(
    maker: BronzeContract, good: dict[str, Any], sent: list[dict[str, Any]], chance: Random
) -> list[bytes]:
    if maker.records == "plain":
        return [json.dumps(row).encode() for row in sent]
    position = "0/{}" if maker.position == "lsn" else "{}"
    made = [(row, chance.choice(("insert", "update")), good) for row in sent]
    made += [
        (good, "update", None),
        (good, "delete", None),
        ({name: good[name] for name in maker.key}, "delete", None),
    ]
    return [
        json.dumps(
            raw_files.record(row, operation, before=before if operation == "update" else None,
                             stream_position=position.format(at + 1))
        ).encode()
        for at, (row, operation, before) in enumerate(made)
    ]  # fmt: skip


def _extract(maker: BronzeContract, sent: list[dict[str, Any]]) -> bytes:
    csv = maker.csv
    lines = [[column.name for column in maker.columns]] if csv.header else []
    lines += [[_text(row[column.name]) for column in maker.columns] for row in sent]
    return "".join(csv.delimiter.join(_quoted(text, csv) for text in line) + "\n" for line in lines).encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str, csv: Any) -> str:
    if csv.quote is None or not any(
        mark in text for mark in (csv.delimiter, csv.quote, "\n", csv.escape or csv.quote)
    ):
        return text
    inner = text if csv.escape is None else text.replace(csv.escape, csv.escape * 2)
    return csv.quote + inner.replace(csv.quote, (csv.escape or csv.quote) + csv.quote) + csv.quote
