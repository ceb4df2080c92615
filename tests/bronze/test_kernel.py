"""The kernel takes no value that the exact rules refuse or read otherwise, and takes the usual ones."""

import json
import os
from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
from csv_value_cases import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from json_value_cases import VALUES
from kernel_cases import (
    KINDS,
    ODD_MOMENTS,
    ODD_ORDERS,
    ODD_POSITIONS,
    ODD_TIMES,
    ORDERS,
    QUICK_POSITIONS,
    QUICK_TEXTS,
    QUICK_VALUES,
    TROUBLE,
    numbers,
    runs,
)
from kernel_law import change_lines_taken, extract_lines_taken
from raw_files import contract, record

from bronze.contract import BronzeContract

NUMBERS = [kind for kind in KINDS if kind.startswith(("int", "bigint", "float", "double", "decimal"))]
SWEEP = int(os.environ.get("SWEEP", "1"))


def extracts(kind: str, **dialect: object) -> list[tuple[BronzeContract, bytes, bytes]]:
    """Return contracts with one column of this kind in different places, and the text on each side of it."""
    return [
        (contract("id bigint key", f"value {kind}", **dialect), b"7,", b""),
        (contract(f"value {kind}?", "id bigint key", **dialect), b"", b",7"),
        (contract("id bigint key", f"value {kind}?", "name string?", **dialect), b"7,", b",'a"),
    ]


def values_taken(kind: str, texts: Sequence[str], shift: int = 0) -> list[str]:
    """Return the texts that are taken as fields of an extract, wherever the column is."""
    found: list[set[str]] = []
    for rules, before, after in extracts(kind):
        lines = [before + text.encode() + after for text in texts if "\n" not in text]
        taken = extract_lines_taken(rules, b"".join(line + b"\n" for line in lines), shift)
        found.append({lines[number].removeprefix(before).removesuffix(after).decode() for number in taken})
    for others in found[1:]:  # a carriage return ends only the last field
        assert {text for text in found[0] ^ others if text and not text.endswith("\r")} == set()
    return [text for text in texts if text in found[0]]


def change(kind: str, shown: str, *, required: bool = False, **rules: object) -> tuple[BronzeContract, Any]:
    """Return a contract with a column of this kind, and a function: value -> line, made like `shown`."""
    own = contract("id bigint key", f"value {kind}{'' if required else '?'}", **rules)
    plain = own.records == "plain"
    template = json.dumps(
        record({"id": 1, "value": "*"})["data"] if plain else record({"id": 1, "value": "*"})
    )

    def line(text: str) -> bytes:
        return template.replace('"*"', text).encode()

    return own, line


def json_taken(kind: str, shown: str, texts: Sequence[str], **rules: object) -> list[str]:
    """Return the texts that are taken as values of change records, the first of which are like `shown`."""
    own, line = change(kind, shown, **rules)
    good = [line(shown)] * 3
    whole = [text for text in texts if "\n" not in text]
    taken = change_lines_taken(own, [*good, *map(line, whole)])
    assert taken[:3] == [0, 1, 2], "good lines were left"
    return [whole[number - 3] for number in taken[3:]]


# --- usual values are taken ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_usual_fields_are_read_fast(kind: str) -> None:
    assert values_taken(kind, QUICK_TEXTS[kind]) == QUICK_TEXTS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_usual_values_of_change_records_are_read_fast(kind: str) -> None:
    texts = QUICK_VALUES[kind]
    assert json_taken(kind, texts[0], [*texts, "null"]) == [*texts, "null"]
    assert json_taken(kind, texts[0], [*texts, "null"], records="plain") == [*texts, "null"]
    assert json_taken(kind, texts[0], [*texts, "null"], required=True) == texts
    if kind.startswith("decimal"):
        quoted = [f'"{text}"' for text in texts]
        assert json_taken(kind, quoted[0], [*quoted, "null"]) == [*quoted, "null"]


@pytest.mark.parametrize("kind", KINDS)
def test_empty_fields_of_nullable_columns_are_null(kind: str) -> None:
    required, optional = contract("id bigint key", f"v {kind}"), contract("id bigint key", f"v {kind}?")
    assert extract_lines_taken(required, b"1,\n1,\r\n1,\n") == []
    assert extract_lines_taken(optional, b'1,\n1,\r\n1,""\n1,\n') == [0, 1, 3]
    if kind not in ("float", "double"):  # which cannot be a key
        assert extract_lines_taken(contract(f"v {kind} key"), b"\n\r\n\n") == []


# --- similar values are taken only if the exact rules read them alike ------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_fields_have_the_values_of_the_exact_rules(kind: str) -> None:
    texts = [*TEXTS.get(kind, {}), *TROUBLE]
    texts += [near for text in QUICK_TEXTS[kind] for near in near_to(text)]
    if kind in ("date", "timestamp"):
        texts += [moment + time for moment in [*ODD_MOMENTS, "2024-05-06"] for time in ODD_TIMES]
    taken = values_taken(kind, sorted(set(texts)))
    assert len(taken) < len(texts) or kind == "string"


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_change_records_are_those_of_the_exact_rules(kind: str) -> None:
    shown = QUICK_VALUES[kind]
    texts = [*VALUES.get(kind, {}), *TROUBLE, *(json.dumps(text) for text in TEXTS.get(kind, {}))]
    texts += [near for text in shown for near in near_to(text)]
    if kind in ("date", "timestamp"):
        texts += [f'"{moment}{time}"' for moment in [*ODD_MOMENTS, "2024-05-06"] for time in ODD_TIMES]
    for first in (shown[0], f'"{shown[0]}"') if kind.startswith("decimal") else shown[:1]:
        assert len(json_taken(kind, first, texts)) < len(texts)
        json_taken(kind, first, texts, required=True)
        json_taken(kind, first, texts, records="plain")


def near_to(text: str) -> list[str]:
    """Return `text` with one character more, less or different at each place."""
    found = []
    for at in range(min(len(text), 40) + 1):
        before, there, after = text[:at], text[at : at + 1], text[at + 1 :]
        found += [before + after, before + there * 2 + after]
        found += [before + odd + rest for odd in '0 -.e9:/"\r' for rest in (there + after, after)]
    return found


@pytest.mark.parametrize("kind", NUMBERS)
def test_digits_of_every_length_are_read_as_the_exact_rules_do(kind: str) -> None:
    texts = runs()
    for shift in range(3):
        assert values_taken(kind, texts, shift)
    assert json_taken(kind, "0", texts)


@pytest.mark.parametrize("kind", ["double", "float"])
def test_fractions_are_rounded_once(kind: str) -> None:
    texts = numbers(Random(f"{kind} {os.environ.get('SEED', '51')}"), 700 * SWEEP)
    taken = json_taken(kind, "0.5", texts)
    assert len(taken) > len(texts) // 2
    text = "".join(f"7,{text}\n" for text in texts).encode()
    assert len(extract_lines_taken(extracts(kind)[0][0], text)) >= len(taken)


def test_exactly_the_days_of_the_calendar_are_read() -> None:
    rules = contract("day date key")
    years = (
        range(1, 10_000)
        if SWEEP > 1
        else [*range(1, 10_000, 9), *range(100, 10_000, 100), *range(1890, 2110)]
    )
    for some in (years[at : at + 500] for at in range(0, len(years), 500)):
        days = [
            f"{year:04d}-{month:02d}-{day:02d}"
            for year in some
            for month in range(1, 13)
            for day in ((1, 2, 27, 28, 29, 30, 31, 32) if year % 100 else range(34))
        ]
        taken = extract_lines_taken(rules, "".join(f"{day}\n" for day in days).encode())
        assert [days[number] for number in taken] == list(filter(is_day, days))


def test_exactly_the_times_of_the_clock_are_read() -> None:
    two = [f"{n:02d}" for n in range(100)]
    times = [f"T{h}:00:00" for h in two] + [f"T00:{m}:00" for m in two] + [f"T00:00:{s}" for s in two]
    texts = [f"2024-02-29{time}{zone}" for time in times for zone in ("", "Z")]
    assert len(values_taken("timestamp", texts)) == 2 * (24 + 60 + 60)
    assert len(json_taken("timestamp", '"2024-02-29T00:00:00Z"', [f'"{text}"' for text in texts])) == 288


@pytest.mark.parametrize("places", range(1, 8))
def test_fractions_of_a_second_are_read_to_the_microsecond(places: int) -> None:
    random = Random(places)
    fractions = {"0" * places, "9" * places, "0" * (places - 1) + "1", "1" + "0" * (places - 1)}
    fractions |= {"".join(random.choices("0123456789", k=places)) for _ in range(50)}
    texts = [
        f"{moment}.{it}Z" for it in fractions for moment in ("2024-02-29T23:59:59", "1969-12-31T23:59:59")
    ]
    assert values_taken("timestamp", texts) == (texts if places < 7 else [])


DECIMALS = [f"decimal({precision},{scale})" for precision in range(1, 39) for scale in range(precision + 1)]


@pytest.mark.parametrize("part", range(4))
def test_decimals_of_every_precision_and_scale_are_read_as_the_exact_rules_do(part: int) -> None:
    texts, random = runs(), Random(f"{part} {os.environ.get('SEED', '51')}")
    for kind in random.sample(DECIMALS, min(len(DECIMALS), 20 * SWEEP)):
        rules = contract("id bigint key", f"value {kind}?")
        some = random.sample(texts, 120)
        lines = "".join(f"7,{text}\n7,-{text}\n" for text in some)
        extract_lines_taken(rules, lines.encode())
        assert json_taken(kind, "0", ["0", *some])


def is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@settings(max_examples=200 * SWEEP)
@given(
    kind=st.sampled_from(KINDS),
    texts=st.lists(
        st.one_of(
            st.from_regex(r"-?[0-9]{1,22}(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
            st.text("0123456789+-.eE \t:TZ\"'trufalsn/é,\r\0", max_size=24),
            st.text(max_size=20),
        ),
        min_size=1,
        max_size=40,
    ),
    shift=st.integers(0, 31),
)
def test_any_field_is_read_as_by_the_exact_rules(kind: str, texts: list[str], shift: int) -> None:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    for rules, before, after in extracts(kind):
        text = b"".join(before + field.replace(b"\n", b"") + after + b"\n" for field in encoded)
        extract_lines_taken(rules, text, shift)
    own, line = change(kind, QUICK_VALUES[kind][0])
    shown = [line(value) for value in (QUICK_VALUES[kind][0], f'"{QUICK_VALUES[kind][0]}"')]
    odd = [
        line(text).replace(b"\n", b"")
        for text in [*map(json.dumps, texts), *texts, *(f'"{it}"' for it in texts)]
    ]
    change_lines_taken(own, [*shown, *odd], shift)


# --- texts -----------------------------------------------------------------------------------------------


def test_invalid_utf_8_is_detected_at_every_byte_of_a_text() -> None:
    rules, odd = (
        contract("id bigint key", "name string?"),
        b"\x80\xbf\xc0\xc1\xe0\xed\xef\xf0\xf4\xf5\xff\x7f",
    )
    own, line = change("string", '"a"')
    for text in ("é", "日", "😀", "a" * 15 + "é", "日本" * 6, "a😀" * 9, "é" * 33):
        whole = text.encode()
        damaged = [whole[:at] + bytes([byte]) + whole[at + 1 :] for at in range(len(whole)) for byte in odd]
        damaged += [whole[:at] + whole[at + 1 :] for at in range(len(whole))]
        for quote in (b"", b'"'):
            lines = b"".join(b"7," + quote + it + quote + b"\n" for it in [whole, *damaged])
            assert extract_lines_taken(rules, lines)[0] == 0
        lines_of = [line('"*"').replace(b"*", it) for it in damaged]
        assert change_lines_taken(own, [line('"a"'), *lines_of])[0] == 0


def test_encodings_of_no_unicode_scalar_value_are_left() -> None:
    rules = contract("id bigint key", "name string?")
    for odd in (
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
    ):
        assert extract_lines_taken(rules, b"1,a\n2,x" + odd + b"\n3,b\n") == [0, 2]
    for good in (b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"):
        assert extract_lines_taken(rules, b"1,a\n2,x" + good + b"\n3,b\n") == [0, 1, 2]


@pytest.mark.parametrize("byte", range(128))
def test_each_ascii_byte_is_text_or_its_line_is_left(byte: int) -> None:
    rules, char = contract("id bigint key", "name string?"), bytes([byte])
    fields = [b"a" * at + char + b"b" * (20 - at) for at in range(21)]
    lines = [*(b"1," + it + b"\n" for it in fields), *(b'1,"' + it + b'"\n' for it in fields)]
    taken = extract_lines_taken(rules, b"".join(lines))
    assert byte in b'\n\r",' or taken == list(range(42))
    own, line = change("string", '"*"')
    taken = change_lines_taken(
        own, [line('"*"'), *(line('"*"').replace(b"*", it) for it in fields if byte != 10)]
    )
    # A backslash before a `b` makes it an escape.
    assert len(taken) == (1 if byte < 32 or char == b'"' else 21 if char == b"\\" else 22)


# --- values that nobody needs ----------------------------------------------------------------------------

SCALARS = ["0", "-0", "7", "-1.5", "0.0", "1e5", "1E+400", "-0.5e-0010", "9" * 50, "true", "false", "null"]


@pytest.mark.parametrize("place", ["before-image", "metadata"])
def test_unused_values_must_be_valid_json(place: str) -> None:
    rules = contract("id bigint key", "value double?", "name string?")
    before = {"id": 1, "value": 0, "name": "*" if place == "before-image" else "a"}
    whole = record({"id": 1, "value": 1.5, "name": "a"}, "update", before=before, more="*")
    if place == "before-image":
        whole["before-image"]["value"], whole["metadata"]["more"] = "*", 1
        whole["before-image"]["name"] = "a"
    template = json.dumps(whole)

    def taken(shown: str, texts: Sequence[str]) -> list[str]:
        lines = [template.replace('"*"', text).encode() for text in [shown, shown, *texts]]
        found = change_lines_taken(rules, lines)
        assert found[:2] == [0, 1]
        return [texts[number - 2] for number in found[2:]]

    assert taken("7", SCALARS) == SCALARS
    near = [near for text in [*SCALARS[:8], *SCALARS[9:]] for near in near_to(text)]
    assert SCALARS[0] in taken("7", sorted({*near, *TROUBLE, '"a"', "[]", "{}", "[1]", '{"a":1}'}))
    if place == "metadata":
        texts = ['""', '"a"', '"é"', '"a,b"', '"' + "日" * 20 + '"', '"a\\"\\n"', '"\\\\"']
        assert taken('"a"', texts) == texts
        taken('"a"', [*(near for text in texts for near in near_to(text)), *TROUBLE])


def test_unused_texts_must_be_valid_unicode() -> None:
    rules = contract("id bigint key", "name string?")
    line = json.dumps(record({"id": 1, "name": "a"}, "update", before={"id": 1, "name": "*"})).encode()
    good = [line.replace(b"*", text) for text in (b"", b"a", b"\xc3\xa9", b"x" * 40)] + [
        line.replace(b'"*"', b"null")
    ]
    odd = [
        line.replace(b"*", text)
        for text in (b"\xc3", b"\xff", b"x" * 40 + b"\xed\xa0\x80", b'"', b"\\", b"\t")
    ]
    assert change_lines_taken(rules, [*good, *odd, *good]) == [*range(5), *range(11, 16)]


# --- positions and orders --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", QUICK_POSITIONS)
def test_positions_equal_those_of_the_exact_rules(kind: str) -> None:
    rules, quick, odd = contract("id bigint key", position=kind), QUICK_POSITIONS[kind], ODD_POSITIONS[kind]
    near = [text for whole in quick for text in near_to(whole)]

    def lines(texts: Sequence[str]) -> list[bytes]:
        records = (record({"id": 1}, stream_position=text) for text in texts)
        return [json.dumps(it, ensure_ascii=False).encode() for it in records]

    assert change_lines_taken(rules, lines(quick)) == list(range(len(quick)))
    assert change_lines_taken(rules, lines([*quick, *odd])) == list(range(len(quick)))
    raw = [lines(["*"])[0].replace(b"*", text.encode().replace(b"\n", b"")) for text in near]
    assert len(change_lines_taken(rules, [*lines(quick), *raw])) < len(quick) + len(raw)


def test_orders_equal_those_of_the_exact_rules() -> None:
    rules = contract("id bigint key")
    line = json.dumps(record({"id": 1}, transaction_record_id="*"))
    lines = [line.replace('"*"', text).encode() for text in [*ORDERS, *ODD_ORDERS]]
    assert change_lines_taken(rules, lines) == list(range(len(ORDERS)))
    near = [line.replace('"*"', text).encode() for it in ORDERS for text in near_to(it)]
    assert len(change_lines_taken(rules, [*lines[:3], *near])) > 3


def test_a_key_written_differently_in_the_before_image_is_left_to_the_exact_rules() -> None:
    rules = contract("id bigint key", "part string key", "name string?")

    def line(key: object, part: str, before: object, part_before: str) -> bytes:
        data = {"id": key, "part": part, "name": "a"}
        return json.dumps(
            record(data, "update", before={"id": before, "part": part_before, "name": "b"})
        ).encode()

    same = [line(number, part, number, part) for number in (1, 22, -333) for part in ("a", "", "b" * 40)]
    assert change_lines_taken(rules, same) == list(range(9))
    for odd in [line(1, "a", 2, "a"), line(1, "a", 1, "b"), line(12, "a", 1, "a"), line(1, "a", 12, "a"),
                line(1, "", 1, "a"), line(1, "a", 1, ""), line(1, "b" * 40, 1, "b" * 39 + "c")]:  # fmt: skip
        assert change_lines_taken(rules, [*same, odd, *same]) == [n for n in range(19) if n != 9], odd
