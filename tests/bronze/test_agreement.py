"""The parser agrees with a slow judge on every record, whatever is around it and wherever blocks end."""

import gzip
import json
import os
from random import Random

import pytest
from bronze_judge import judged_csv, judged_json
from csv_value_cases import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from json_value_cases import VALUES
from raw_files import blocks_of, contract, parsed

from bronze.limits import DEFAULT_LIMITS

# `make sweep` runs ten times as many examples.
SWEEP = int(os.environ.get("SWEEP", "1"))

COLUMNS = {
    "id": "bigint", "n": "int?", "d": "double", "f": "float?", "m": "decimal(5,2)?", "b": "boolean?",
    "t": "date?", "at": "timestamp?", "s": "string?", "r": "string",
}  # fmt: skip
PLACES = ['"0/16B3748"', '"2/ff.3.2/FE"', '"A/0"']
TIMES = ['"2024-05-06T07:08:09Z"', "null", '"2024-05-06T07:08:09+01:00"']
WAYS = (blocks_of(200), blocks_of(1 << 20), DEFAULT_LIMITS)  # the last one uses only the exact rules
WIDE = [f"{name} {kind}{' key' if name == 'id' else ''}" for name, kind in COLUMNS.items()]
PLAIN = [column for column in WIDE if "decimal" not in column]
GOOD_TEXTS = {
    "bigint": ["7", "-12", "9007199254740993"], "int": ["1", "-2147483648"], "double": ["1.5", "-0.25"],
    "float": ["4.35", "2"], "decimal(5,2)": ["1.50", "-999.99"], "boolean": ["true", "false"],
    "date": ["2024-02-28", "2024-12-31"], "timestamp": ["2024-05-06T07:08:09.123Z"],
    "string": ["abc", "é", "a b"],
}  # fmt: skip
QUOTED = ("string", "date", "timestamp")
GOOD_VALUES = {
    kind: [json.dumps(text) if kind in QUOTED else text for text in texts]
    for kind, texts in GOOD_TEXTS.items()
}


def literal(rows, names):
    return [(line, record, [repr(row[name]) for name in names]) for line, record, row in rows]


def judged_by_parser(content, rules, shape, limits, names):
    found = parsed(gzip.compress(content, 1), rules, shape, limits=limits, epoch=4, extract=6)
    rows = sorted(((row["_line"], row["_record"], row) for row in found.rows), key=lambda placed: placed[:2])
    refused = [(entry["line"], entry["record"], entry["reason"]) for entry in found.quarantine]
    return literal(rows, names), refused, found.report.control


def mostly(good, odd):
    """Draw values of which one in twenty is odd, so that most lines are good and take the fast path."""
    return st.sampled_from(good * (1 + 19 * len(odd) // len(good)) + odd)


def noisy(lines):
    """Draw lines, some with an odd byte inserted, some replaced."""
    noise = st.sampled_from([b'"', b",", b"\r", b"\xff", b"\x00", b" ", b"{", b"}", b"\\", b"\xc3\xa9", b"x"])
    broken = st.tuples(lines, st.integers(0, 400), noise).map(
        lambda it: it[0][: it[1] % (len(it[0]) + 1)] + it[2] + it[0][it[1] % (len(it[0]) + 1) :]
    )
    other = st.sampled_from([b"", b"\r", b" ", b",", b"{}", b"null", b"\xef\xbb\xbf"])
    return rarely(st.one_of(broken, other), lines)


def rarely(odd, usual):
    """Draw `odd` once in sixteen times."""
    return st.integers(0, 15).flatmap(lambda number: odd if number == 15 else usual)


def field(kind):
    bare = kind.rstrip("?")
    return mostly(GOOD_TEXTS[bare] + ([""] if kind.endswith("?") else []), [*TEXTS[bare], "", '""'])


CSV_LINE = st.tuples(*map(field, COLUMNS.values())).map(lambda fields: ",".join(fields).encode())


@settings(max_examples=40 * SWEEP)
@given(st.lists(noisy(CSV_LINE), max_size=40))
def test_on_extracts(lines):
    rules = contract(*WIDE, maxBadRatio=1)
    header = ",".join(COLUMNS).encode()
    rows, refused = judged_csv(rules, lines)
    names = [*COLUMNS, "at_us"]
    for limits in WAYS:
        found = judged_by_parser(b"\n".join([header, *lines, b""]), rules, "csv", limits, names)
        assert found == (literal(rows, names), refused, 0)


def value(kind):
    bare = kind.rstrip("?")
    return mostly(
        GOOD_VALUES[bare] + (["null"] if kind.endswith("?") else []), [*VALUES[bare], "null", '"a"', "7"]
    )


def braced(pairs, space=""):
    return "{" + f",{space}".join(f"{json.dumps(key)}:{space}{text}" for key, text in pairs) + "}"


@st.composite
def change_line(draw, columns, places):
    kinds = dict(column.split()[:2] for column in columns)
    operation = draw(st.sampled_from(["insert"] * 6 + ["load", "update", "delete", "delete"]))
    data = [(name, draw(value(kind))) for name, kind in kinds.items()]
    metadata = [
        ("timestamp", '"2024-05-06T07:08:09.5Z"'),
        ("record-type", '"data"'),
        ("operation", json.dumps(operation)),
        ("schema-name", '"shop"'),
        ("stream-position", draw(st.sampled_from(places))),
        ("transaction-record-id", draw(st.sampled_from(["0", "3", "12"]))),
    ]
    parts = [("data", data), ("metadata", metadata)]
    match draw(
        st.sampled_from(
            ["none"] * 60 + ["drop", "twice", "extra", "meta", "odd", "control", "order", "before"]
        )
    ):
        case "drop":
            data.pop(draw(st.integers(0, len(data) - 1)))
        case "twice":
            data.append(draw(st.sampled_from(data)))
        case "extra":
            data.append(("colour", draw(st.sampled_from(["1", '"red"', '{"a":[1.0]}']))))
        case "meta":
            metadata.pop(draw(st.integers(0, len(metadata) - 1)))
        case "odd":
            name, _ = metadata.pop(draw(st.integers(0, len(metadata) - 1)))
            metadata.append(
                (
                    name,
                    draw(
                        st.sampled_from(
                            ["null", "1", "-1", "1.0", '"x"', '"0/1"', "{}", '"2024-05-06T07:08:09"']
                        )
                    ),
                )
            )
        case "control":
            metadata[1] = ("record-type", '"control"')
        case "order":
            parts.reverse()
            data.reverse()
        case "before":
            image = draw(st.sampled_from([[("id", "7")], [("id", "8")], [("id", '"8"')], [], [("n", "1")]]))
            parts.append(("before-image", image))
    space = draw(st.sampled_from(["", "", " "]))
    end = draw(st.sampled_from(["", "", "", "\r"]))
    return (braced(((name, braced(pairs, space)) for name, pairs in parts), space) + end).encode()


# Without text columns, records are split at commas; with them, at quotes.
TEXTLESS = [column for column in WIDE if "string" not in column]
RULES = {
    "typed": (PLAIN, {}),
    "decimals": (WIDE, {}),
    "textless": (TEXTLESS, {}),
    "lenient": (PLAIN, {"unknownKeys": "discard", "absent": "null"}),
    "strict": (TEXTLESS, {"beforeImage": "required", "unknownKeys": "evolve"}),
    "times": (PLAIN, {"position": "timestamp"}),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15 * SWEEP)
@given(data=st.data())
def test_on_change_records(name, data):
    columns, custom = RULES[name]
    rules = contract(*columns, maxBadRatio=1, **custom)
    record = change_line(columns, TIMES if name == "times" else PLACES)
    glued = st.lists(record, min_size=2, max_size=3).map(b" ".join)
    lines = data.draw(st.lists(noisy(rarely(glued, record)), max_size=25))
    names = [column.split()[0] for column in columns]
    names += ["at_us", "_seq", "_op", "_key_before", "_committed_at"]
    rows, refused, control = judged_json(rules, lines)
    for limits in WAYS:
        found = judged_by_parser(b"\n".join([*lines, b""]), rules, "json", limits, names)
        assert found == (literal(rows, names), refused, control)


ODD = [*'0139aF:/-TZ"\\ .é\t']
# A # is a digit from 0 to 2, so that the records differ only in digits.
SHAPED = (
    '{"data":{"id":#,"at":"20##-1#-1#T0#:##:##.##Z","s":"no ##"},"metadata":{"record-type":"data",'
    '"timestamp":"202#-1#-1#T1#:##:##Z","operation":"update","stream-position":"0#/##A##","serial":"##"}}'
)

PLACES_OF_DIGITS = [at for at, character in enumerate(SHAPED) if character == "#"]


@settings(max_examples=60 * SWEEP)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(20, 60),
    trouble=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(PLACES_OF_DIGITS), st.sampled_from(ODD)),
        max_size=2,
    ),
    odd_moment=st.one_of(st.none(), st.sampled_from(["2023-02-29T00:00:00", "2100-13-01T24:60:60"])),
)
def test_on_records_of_one_shape(seed, count, trouble, odd_moment):
    rules = contract("id bigint key", "at timestamp?", "s string?", maxBadRatio=1)
    random = Random(seed)
    texts = ["".join(random.choice("012") if c == "#" else c for c in SHAPED) for _ in range(count)]
    for line, at, character in trouble:
        place = line % len(texts)
        texts[place] = texts[place][:at] + character + texts[place][at + 1 :]
    if odd_moment:
        texts.append(
            texts[0].replace('"timestamp":"202', f'"commit-timestamp":"{odd_moment}Z","timestamp":"202')
        )
    content = [text.encode() for text in texts]
    names = ["id", "at", "at_us", "s", "_seq", "_op", "_committed_at"]
    rows, refused, control = judged_json(rules, content)
    for limits in WAYS:
        found = judged_by_parser(b"\n".join([*content, b""]), rules, "json", limits, names)
        assert found == (literal(rows, names), refused, control)
