"""Mutated rows, at three block sizes, against the slow judge: results depend on no blocks or neighbours.

`make sweep` draws ten times as many rows. SEED=n draws others; the seed is part of each test's name.
"""

import gzip
import json
import os
from base64 import b64encode
from random import Random

import pytest
from bronze_judge import LEFT_OUT, judged_csv, judged_json
from csv_value_cases import TEXTS
from debezium_lines import any_line
from json_value_cases import VALUES
from raw_files import blocks_of, contract, parsed

SWEEP = int(os.environ.get("SWEEP", "1"))
SEED = int(os.environ.get("SEED", "20240506"))
ROWS = 20_000 * SWEEP
SIZES = (16_000, 100_000, 1 << 20)
# One row in `MUTATED` is mutated, so that most take the fast path, beside those that do not.
MUTATED = 6

PLAIN = {
    "id": "bigint", "n": "int?", "d": "double", "f": "float?", "m": "decimal(9,2)?", "b": "boolean?",
    "t": "date?", "at": "timestamp?", "s": "string?", "r": "string",
}  # fmt: skip
NESTED = {
    "id": "bigint", "raw": "binary?", "tags": "array<string>?", "sizes": "map<string,decimal(5,2)>?",
    "place": "struct<city:string,at:array<struct<x:double,y:int>>>?", "seen": "array<timestamp>?",
}  # fmt: skip

MOMENTS = ("place int key", "at timestamp key", "until timestamp?", "n int")


def columns(kinds):
    return [f"{name} {kind}{' key' if name == 'id' else ''}" for name, kind in kinds.items()]


CSV = {
    "rfc_4180": contract(*columns(PLAIN), maxBadRatio=1),
    "tabs": contract(*columns(PLAIN), maxBadRatio=1, delimiter="\t", quote="'", header=False),
    "escapes": contract(*columns(PLAIN), maxBadRatio=1, delimiter=";", escape="\\"),
    "unquoted": contract(*columns(PLAIN), maxBadRatio=1, delimiter="|", quote="none"),
    "nested": contract(*columns(NESTED), maxBadRatio=1),
    "moments": contract(*MOMENTS, maxBadRatio=1),
}
JSON = {
    "changes": contract(*columns(PLAIN), maxBadRatio=1),
    "lenient": contract(*columns(PLAIN), maxBadRatio=1, unknownKeys="discard", absent="null"),
    "plain": contract(*columns(PLAIN), maxBadRatio=1, records="plain"),
    "nested_changes": contract(*columns(NESTED), maxBadRatio=1),
    "nested_lenient": contract(*columns(NESTED), maxBadRatio=1, unknownKeys="discard", absent="null"),
    "moments": contract(*MOMENTS, maxBadRatio=1),
    "debezium": contract(*columns(PLAIN), maxBadRatio=1, records="debezium"),
    "debezium_lenient": contract(
        *columns(PLAIN), maxBadRatio=1, records="debezium", unknownKeys="discard", absent="null"
    ),
    "debezium_before": contract(*columns(PLAIN), maxBadRatio=1, records="debezium", beforeImage="required"),
    "debezium_moments": contract(*MOMENTS, maxBadRatio=1, records="debezium"),
}
GOOD = {
    "bigint": lambda r: str(r.randrange(-(2**40), 2**40)),
    "int": lambda r: str(r.randrange(-(2**31), 2**31)),
    "double": lambda r: repr(round(r.uniform(-1e6, 1e6), r.randrange(6))),
    "float": lambda r: repr(r.randrange(-4000, 4000) / 8),
    "decimal(9,2)": lambda r: f"{r.randrange(-(10**6), 10**6)}.{r.randrange(10)}",
    "boolean": lambda r: r.choice(["true", "false"]),
    "date": lambda r: f"{r.randrange(1970, 2100)}-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d}",
    "timestamp": lambda r: f"20{r.randrange(10, 99)}-05-06T07:{r.randrange(60):02d}:09.{r.randrange(1000)}Z",
    "string": lambda r: r.choice(["IPA", "Köstritzer", "Stout 4", "a b c", "日本", "x" * r.randrange(1, 30)]),
    "binary": lambda r: b64encode(r.randbytes(r.randrange(9))).decode() or "AA==",
    "array<string>": lambda r: json.dumps(r.choices(["a", "é", "x,y"], k=r.randrange(4))),
    "map<string,decimal(5,2)>": lambda r: json.dumps({"a": r.randrange(999), "b": r.choice(["1.5", None])}),
    "array<timestamp>": lambda r: json.dumps([f"2024-05-06T07:08:09.{r.randrange(1200)}"] * r.randrange(3)),
    "struct<city:string,at:array<struct<x:double,y:int>>>": lambda r: json.dumps(
        {"city": r.choice(["Ulm", None]), "at": [{"x": 1.5, "y": r.randrange(9)}] * r.randrange(3)}
    ),
}
ODD = [bytes([byte]) for byte in b"\"',\t;|\\\r\n\xff\0 {}[]:1-.e"]
ODD += [b"\xc3\xa9", b"\xef\xbb\xbf", b"null", b'""', b"\\u00e9", b"\\ud800", b"\xed\xa0\x80"]
TEXT_TYPES = ("string", "date", "timestamp", "binary")


def mutated(line, random):
    """Return `line` with one to three small mutations."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        at = random.randrange(len(line) + 1)
        odd, flipped = (
            random.choice(ODD),
            bytes(byte ^ 1 << random.randrange(8) for byte in line[at : at + 1]),
        )
        before, there, rest = line[:at], line[at : at + 1], line[at + 1 :]
        middle = random.choice([odd + there, odd, b"", flipped, there + rest[:9] + there])
        line = random.choice([before + middle + rest] * 8 + [before, before + rest[8:], b""])
    return line


def lines_of(random, count, good):
    """Return about `count` lines, some mutated, some with several records, some with an odd value."""
    lines = []
    for _ in range(count):
        line = good(random, random.randrange(MUTATED) == 0)
        lines.append(mutated(line, random) if random.randrange(MUTATED) == 0 else line)
    return b"\n".join(lines).split(b"\n")


def csv_line(rules):
    quote, escape = rules.csv.quote, rules.csv.escape or rules.csv.quote

    def field(column, random):
        if not column.required and random.randrange(9) == 0:
            return ""
        text = GOOD[column.type](random)
        if quote is None or not (random.randrange(8) == 0 or set(text) & set("\"',;|\t")):
            return text
        inside = "".join(escape + c if c in (quote, escape) else c for c in text)
        return f"{quote}{inside}{quote}"

    def good(random, odd):
        fields = [field(column, random) for column in rules.columns]
        if odd:
            at = random.randrange(len(fields))
            kind = rules.columns[at].type
            fields[at] = random.choice([*TEXTS.get(kind, VALUES.get(kind, {})), "", '""'])[:60]
        return rules.csv.delimiter.join(fields).encode()

    return good


def json_line(rules):
    def value(column, random):
        if not column.required and random.randrange(9) == 0:
            return "null"
        text = GOOD[column.type](random)
        if rules.records == "debezium":
            text += "Z" if column.type == "date" and random.randrange(9) else ""
            text = LEFT_OUT if column.type == "string" and random.randrange(60) == 0 else text
        if column.type == "string" and random.randrange(9) == 0:
            text = random.choice(
                ['{"a": 1}', "a\\b", "x\ny\r\t", text + '"', "\b\f", "\u2028" + text, "\x01"]
            )
        quoted = column.type in (*TEXT_TYPES, "decimal(9,2)" if rules.records == "debezium" else "")
        return json.dumps(text, ensure_ascii=False) if quoted else text

    def good(random, odd):
        pairs = pairs_of(random, odd)
        data = written(pairs)
        if rules.records == "plain":
            return data.encode()
        if rules.records == "debezium":
            # The previous row differs in everything but the key, and sometimes in the key, too.
            same = {} if random.randrange(9) == 0 else {n: text for n, text in pairs if n in rules.key}
            old = written([name, same.get(name, text)] for name, text in pairs_of(random, odd))
            line = any_line(random, data, old, schema=rules.absent == "null")
        else:
            line = dms_line(random, data)
        return (line * (2 if odd and random.randrange(6) == 0 else 1)).encode()

    def pairs_of(random, odd):
        pairs = [[column.name, value(column, random)] for column in rules.columns]
        if odd:
            at = random.randrange(len(pairs))
            odd_values = [*VALUES.get(rules.columns[at].type, {}), "null", "[]", "{}", '"a"']
            pairs[at][1] = random.choice(odd_values)[:60]
        if odd and random.randrange(4) == 0:
            pairs.append(random.choice([pairs[0], ["colour", '"red"'], ["Id", "1"]]))
        if odd and random.randrange(4) == 0:
            pairs.pop(random.randrange(len(pairs)))
        return pairs

    return good


def written(pairs):
    return "{" + ",".join(f'"{name}":{text}' for name, text in pairs) + "}"


def dms_line(random, data):
    operation = random.choice(["insert"] * 6 + ["load", "update", "delete"])
    metadata = (
        f'"timestamp":"2024-05-06T07:08:{random.randrange(60):02d}Z","record-type":"data",'
        f'"operation":"{operation}","stream-position":"0/{random.randrange(1 << 30):X}"'
    )
    return f'{{"data":{data},"metadata":{{{metadata}}}}}'


def fates(content, rules, shape, size, names):
    found = parsed(gzip.compress(content, 1), rules, shape, limits=blocks_of(size), epoch=4, extract=6)
    rows = sorted((row["_line"], row["_record"], repr([row[name] for name in names])) for row in found.rows)
    refused = [(entry["line"], entry["record"], entry["reason"]) for entry in found.quarantine]
    return rows, refused, found.report.control


def require_same(found, wanted, lines, first, said):
    """Fail with the first line whose result differs from the judge's."""
    if found == wanted:
        return
    rows, refused = ({(at, n): it for at, n, it in part} for part in found[:2])
    good, bad = ({(at, n): it for at, n, it in part} for part in wanted[:2])
    for place in sorted({*rows, *refused, *good, *bad}):
        is_, must = (rows.get(place), refused.get(place)), (good.get(place), bad.get(place))
        assert is_ == must, f"{said}, line {place}: {lines[place[0] - first]!r}"
    raise AssertionError(f"{said}: rows or control records differ in order or number")


def seen(rules):
    """Return the names of the columns, including those that the parser derives from them."""
    return [name for column in rules.columns for name in (column.name, *dict(column.siblings))]


@pytest.mark.parametrize("name", CSV)
@pytest.mark.parametrize("seed", [SEED])
def test_mutated_rows_of_extracts(name, seed):
    rules = CSV[name]
    names, header = seen(rules), ",".join(column.name for column in rules.columns)
    lines = lines_of(Random(f"{seed} {name}"), ROWS // len(CSV) // 2, csv_line(rules))
    header = header.replace(",", rules.csv.delimiter).encode() + b"\n" if rules.csv.header else b""
    lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    first = 2 if header else 1
    judged, refused = judged_csv(rules, lines, first)
    wanted = [(at, n, repr([row[c] for c in names])) for at, n, row in judged], refused, 0
    assert len(lines) // 3 < len(judged) < len(lines)
    for size in SIZES:
        content = header + b"\n".join(lines) + b"\n"
        found = fates(content, rules, "csv", size, names)
        require_same(found, wanted, lines, first, f"seed {seed}, blocks of {size}")


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("seed", [SEED])
def test_mutated_records(name, seed):
    rules = JSON[name]
    names = [*seen(rules), "_seq", "_op", "_key_before", "_committed_at"]
    lines = lines_of(Random(f"{seed} {name}"), ROWS // len(JSON) // 2, json_line(rules))
    judged, refused, control = judged_json(rules, lines)
    wanted = [(at, n, repr([row[c] for c in names])) for at, n, row in judged], refused, control
    assert len(lines) // 3 < len(judged) < 2 * len(lines)
    for size in SIZES:
        found = fates(b"\n".join(lines) + b"\n", rules, "json", size, names)
        require_same(found, wanted, lines, 1, f"seed {seed}, blocks of {size}")
