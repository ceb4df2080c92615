"""Seeded random lines as a faulty source might send them: valid ones, changed in one or two places."""

import json
from random import Random

from raw_records import columns_of

TEXTS = [
    "", "0", "-0", "-1", "+1", " 1", "1 ", "\t1", "\u00a01", "1.0", "1.", ".5", "5e-1", "1e3", "1e400",
    "-1e400", "1e-400", "NaN", "inf", "NULL", "N/A", "0x10", "1_000", "\u0663", "9223372036854775807",
    "true", "#x", " ", "9223372036854775808", "-9223372036854775808", "0000000000000000001",
    "00000000000000000001", "\x00", "\r", '""', '"1"', '"a""b"', '"a"b', 'a"b"c', '"a,b"', '"a\rb"',
    "\u00fc", "\U0001f600", "\u2028", "\ufeff",
]  # fmt: skip
BYTES = [b"\xff", b'"', b"\r", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00", b"{", b"}", b" "]
VALUES = [
    "null", "12.5", "12.0", "1.2e1", "1e3", "1e-1", "1e400", "-0", "-0.0", "01", "+1", "1.", ".5", "NaN",
    "true", '"12"', '""', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"a\\qb"', '"x\ty"', "[]", "{}",
    '{"a":1}', "1e18", "9223372036854775807", "9223372036854775808", "9223372036854775807.0",
    "9007199254740993.0", "1e19", "4.35", "100000000000000000000e-2", "1.7976931348623159e308", "5e-324",
    '"\u00e9"', '"\\/"', '"control"', '"0/g"',
]  # fmt: skip
GOOD = {"int": "7", "float": "4.5", "text": "abc"}


def extract_line(rng: Random, table: str) -> bytes:
    fields = [GOOD[column.kind] for column in columns_of(table)]
    for _ in range(rng.choice([0, 1, 1, 2])):
        fields[rng.randrange(len(fields))] = rng.choice(TEXTS)
    if rng.random() < 0.05:
        fields.pop()
    if rng.random() < 0.05:
        fields.append("7")
    line = ",".join(fields).encode()
    if rng.random() < 0.05:
        line = rng.choice([b"", b"\r", b"  ", b",", line + b"\r"])
    return damaged(rng, line)


def change_line(rng: Random, table: str) -> bytes:
    operation = rng.choice(["load", "insert", "update", "delete"])
    data = [
        [column.name, json.dumps(json.loads(GOOD[column.kind])) if column.kind != "text" else '"abc"']
        for column in columns_of(table)
    ]
    metadata = [
        ["timestamp", '"2025-01-03T06:00:00Z"'],
        ["record-type", '"data"'],
        ["operation", json.dumps(operation)],
        ["table-name", json.dumps(table)],
    ]
    if operation != "load":
        metadata += [["stream-position", '"0/16B3748"'], ["transaction-record-id", "3"]]
    if rng.random() < 0.05:
        metadata[1][1], metadata[2][1] = '"control"', '"truncate-table"'
    if operation == "delete" and rng.random() < 0.5:
        data = data[:1]
    for _ in range(rng.choice([0, 1, 1, 2])):
        rng.choice(data)[1] = rng.choice(VALUES)
    mischief = rng.random()
    if mischief < 0.05:
        data.append(["colour", "1"])
    elif mischief < 0.1:
        data.pop(rng.randrange(len(data)))
    elif mischief < 0.15:
        data.append(data[0][:] if data else ["colour", "1"])
    elif mischief < 0.2:
        metadata.pop(rng.randrange(1, len(metadata)))
    elif mischief < 0.25:
        rng.choice(metadata[1:])[1] = rng.choice(VALUES)
    parts = [["data", braced(rng, data)], ["metadata", braced(rng, metadata)]]
    if rng.random() < 0.15:
        parts.append(
            ["before-image", rng.choice(['{"' + columns_of(table)[0].name + '":8}', "null", "{}", "[]", "1"])]
        )
    rng.shuffle(parts)
    line = braced(rng, parts).encode()
    if rng.random() < 0.05:
        line = rng.choice(
            [b"", b" ", b"null", b"1", b"[]", b"{}", line[:-9], b" " + line + b" ", line + line]
        )
    return damaged(rng, line)


def braced(rng: Random, pairs: list[list[str]]) -> str:
    comma = rng.choice([",", ", "])
    return "{" + comma.join(f'"{name}":{value}' for name, value in pairs) + "}"


def damaged(rng: Random, line: bytes) -> bytes:
    """Insert a stray byte or a few into one line of twenty."""
    if not line or rng.random() > 0.05:
        return line
    at = rng.randrange(len(line))
    return line[:at] + rng.choice(BYTES) + line[at:]
