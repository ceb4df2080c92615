"""Lines are split as by the exact rules, and no line changes the result of another."""

import json
import os

import pytest
from csv_value_cases import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from json_value_cases import VALUES
from kernel_cases import KINDS, QUICK_TEXTS, QUICK_VALUES
from kernel_law import change_lines_taken, extract_lines_taken
from raw_files import contract, record

SWEEP = int(os.environ.get("SWEEP", "1"))

# --- how files are written -------------------------------------------------------------------------------

DIALECTS: dict[str, dict[str, object]] = {
    "rfc_4180": {},
    "multiline": {"multiline": True},
    "tabs": {"delimiter": "\t"},
    "tabs_in_single_quotes": {"delimiter": "\t", "quote": "'", "multiline": True},
    "unquoted": {"delimiter": "|", "quote": "none"},
    "escapes": {"delimiter": ";", "escape": "\\"},
    "slashes": {"delimiter": "/", "quote": "|", "escape": "!"},
    "quotes_are_tabs": {"quote": "\t"},
    "escapes_are_tabs": {"escape": "\t"},
}  # fmt: skip
PIECES = [b'"', b'""', b"'", b"''", b"\t", b"|", b"\\", b";", b"/", b"!", b" ", b"\r", b"\n", b"\r\n",
          b"a", b"\xc3\xa9",
          b"7", b"-7.5", b"\xff", b"\0", b"\xef\xbb\xbf", b",", b"<d>", b"<q>", b"<e><q>",
          b"7<d>8<d>\n"]  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=100 * SWEEP)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=60), shift=st.integers(0, 17), ended=st.booleans())
def test_lines_are_split_as_by_the_exact_rules(
    name: str, pieces: list[bytes], shift: int, ended: bool
) -> None:
    for columns in (
        ["id bigint key", "name string?", "n double?"],
        ["name string key"],
        ["n int?", "id int key"],
    ):
        rules = contract(*columns, **DIALECTS[name])
        good = b"<d>".join([b"7", b"<q>a<q>", b"8"][: len(columns)]) if len(columns) > 1 else b"b"
        good = good if len(columns) != 2 else b"7<d>8"
        text = good + b"\n" + b"".join(pieces) + b"\n" + good + (b"\n" if ended else b"")
        for sign, meant in (
            (b"<d>", rules.csv.delimiter),
            (b"<q>", rules.csv.quote),
            (b"<e>", rules.csv.escape),
        ):
            text = text.replace(sign, (meant or rules.csv.quote or "").encode())
        assert 0 in extract_lines_taken(rules, text, shift)


@pytest.mark.parametrize("name", DIALECTS)
def test_usual_lines_of_each_dialect_are_read_fast(name: str) -> None:
    rules = contract("id bigint key", "name string?", "n double?", **DIALECTS[name])
    by, quote = rules.csv.delimiter, rules.csv.quote or ""
    rows = [("7", "a b", "1.5"), (f"{quote}8{quote}", f"{quote}é{quote}", ""), ("-9", "", "")]
    lines = [by.join(row) + end for row in rows for end in ("\n", "\r\n")]
    assert extract_lines_taken(rules, "".join(lines).encode()) == list(range(6))
    # Blanks around a number, if they mean nothing in the dialect.
    for blank in (" ", "\t") if "\t" not in (by, rules.csv.quote, rules.csv.escape) else (" ",):
        padded = f"{blank}7{blank}{by}a{by}1\n{quote}{blank} 8 {blank}{quote}{by}b{by}2\n"
        assert extract_lines_taken(rules, padded.encode()) == [0, 1]
    for near in ("7\t", " 7\t", "\t7", " \t7", f"{quote}7\t{quote}", f"{quote}\t7{quote}"):
        extract_lines_taken(rules, f"{near}{by}a{by}1\n".encode())
    assert extract_lines_taken(rules, "".join(lines).removesuffix("\r\n").encode()) == list(range(6))
    assert extract_lines_taken(rules, "".join([*lines, "\n", "\r\n", *lines]).encode()) == [
        *range(6),
        *range(8, 14),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_numbers_are_right_after_multiline_quotes(end: bytes) -> None:
    over = [b"1,a,2", b'2,"b', b'c",3', b"3,d,4", b'4,"e', b"", b'"", ', b'",5', b"5,g,6", b'6,"h', b"7,i,8"]
    text = b"".join(line + end for line in over)
    columns = ("id bigint key", "name string?", "n double?")
    assert extract_lines_taken(contract(*columns, multiline=True), text) == [0, 3, 8]
    assert extract_lines_taken(contract(*columns), text) == [0, 3, 8, 10]


# --- lines at any place in memory ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_before_and_after_a_line_do_not_matter(kind: str) -> None:
    rules = contract("id bigint key", f"value {kind}?")
    fields = [*QUICK_TEXTS[kind][:8], *list(TEXTS.get(kind, {}))[:12], "", '"', "9" * 17, "é" * 8]
    lines = [b"7," + field.encode()[:40] for field in fields if "\n" not in field]
    alone = [bool(extract_lines_taken(rules, line + b"\n")) for line in lines]
    assert sum(alone) >= min(8, len(QUICK_TEXTS[kind]))
    for shift in range(17):
        for behind in range(shift % 3, 20, 3):
            for line, is_taken in zip(lines[shift % 3 :: 3], alone[shift % 3 :: 3], strict=True):
                taken = extract_lines_taken(rules, line + b"\n" + b"y" * behind, shift)
                assert taken == ([0] if is_taken else []), (line, shift, behind)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_before_and_after_a_change_record_do_not_matter(kind: str) -> None:
    rules = contract("id bigint key", f"value {kind}?", records="plain")
    values = [*QUICK_VALUES[kind][:5], *list(VALUES.get(kind, {}))[:8], '"', "9" * 17, "nul", "tru"]
    lines = [b'{"id":1,"value":%s}' % value.encode()[:40] for value in values]
    alone = set(change_lines_taken(rules, [*lines[:1] * 2, *lines]))
    assert set(range(2 + min(5, len(QUICK_VALUES[kind])))) <= alone
    for shift in range(17):
        for at in range(shift % 3, len(lines), 3):
            behind = b"y" * ((shift * 7 + at) % 20)
            taken = change_lines_taken(rules, [lines[0], lines[at], behind][: 3 if behind else 2], shift)
            assert taken == ([0, 1] if at + 2 in alone else [0]), (lines[at], shift, behind)


def test_a_failed_line_leaves_nothing_in_the_next() -> None:
    rules = contract("id bigint key", *(f"c{n} {kind}?" for n, kind in enumerate(KINDS)), "end int?")
    full = b",".join([b"1", *(QUICK_TEXTS[kind][1].encode() for kind in KINDS), b"2"])
    empty = b"1" + b"," * (len(KINDS) + 1)
    fields = full.split(b",")
    broken = [b",".join([*fields[:at], b'"', *fields[at + 1 :]]) for at in range(len(fields))]
    broken += [
        b",".join([*empty.split(b",")[:at], b'"', *empty.split(b",")[at + 1 :]]) for at in range(len(fields))
    ]
    broken += [full + b",", full.rsplit(b",", 1)[0], full + b"x", empty + b"x"]
    for good in (full, empty):
        for line in broken:
            lines = [good, line, good, line, line, good, good, good, good, line, good]
            assert extract_lines_taken(rules, b"\n".join(lines) + b"\n") == [0, 2, 5, 6, 7, 8, 10], line


def test_a_failed_change_record_leaves_nothing_in_the_next() -> None:
    rules = contract("id bigint key", *(f"c{n} {kind}?" for n, kind in enumerate(KINDS)), "end int?")
    own = {f"c{n}": f"<{n}>" for n in range(len(KINDS))}
    template = json.dumps(record({"id": 1, **own, "end": 2}))
    full = empty = template
    for n, kind in enumerate(KINDS):
        full = full.replace(f'"<{n}>"', QUICK_VALUES[kind][1])
        empty = empty.replace(f'"<{n}>"', "null")
    for good in (full, empty):
        for odd in ('"end": 2x', '"end": "2"', '"end": 2.5', '"end": nul', '"end": 2, "more": 1'):
            line = good.replace('"end": 2', odd)
            other = empty if good == full else full
            lines = [good, line, other.replace('"end": 2', odd), good, line, other, line, good, line]
            taken = change_lines_taken(rules, [it.encode() for it in [good, other, *lines]])
            assert taken == [0, 1, 2, 5, 7, 9], odd


MOMENTS = (
    "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.123000Z", "1969-12-31T23:59:59.9990",
    "2024-05-06T07:08:09.0001Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000001",
)  # fmt: skip


def test_usual_timestamps_in_a_key_are_read_fast_at_any_precision() -> None:
    rules = contract("at timestamp key", "n int")
    extract = "".join(f"{moment},1\n" for moment in MOMENTS).encode()
    assert extract_lines_taken(rules, extract) == list(range(len(MOMENTS)))
    lines = [
        json.dumps(record({"at": moment, "n": 1}, "update", before={"at": moment})).encode()
        for moment in MOMENTS
    ]
    assert change_lines_taken(rules, lines) == list(range(len(MOMENTS)))
