"""Lines of nothing but numbers are read at once to what the exact rules say, or left to them."""

import gzip
from functools import cache
from itertools import product
from random import Random

import pyarrow as pa
import pytest
from bronze_judge import judged_csv
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_files import blocks_of, contract, parsed

from bronze import csv_exact, csv_fast

COLUMNS = ("id bigint key", "n int?", "d double?", "f float?")
NUMBERS = contract(*COLUMNS)
ZEROS = "0" * 19
TROUBLE = [
    "1.", "-1.", ".", "-", "--1", "1-2", "1.2.3", "+1", "0x1F", "nan", "inf", "1e400", "1_000", "1/2", "",
    f"{ZEROS}7", f"-{ZEROS}7", f"0{ZEROS}0", "09223372036854775807", f"{ZEROS}9223372036854775807",
    "9223372036854775808", "2147483648", "1" * 310, "-" + "9" * 400, "9" * 40, "4" * 39 + ".5", "1" * 19,
]  # fmt: skip


shape_of = cache(csv_fast.shape)


def is_quick(rules, content):
    """Whether lines are taken for numbers; then they are what the exact rules make of them."""
    shape = shape_of(rules)
    assert shape.numbers is not None
    if not shape.numbers.may_be(content):
        return False
    try:
        rows = shape.rows(content)
    except ValueError:  # as Arrow's errors are
        return False
    if not shape.numbers.are(rows, content, content.count(b"\n")):
        return False
    judge = csv_exact.judge(rules)
    exact = [judge(line) for line in content.removesuffix(b"\n").split(b"\n")]
    assert repr([list(row.values()) for row in rows.to_pylist()]) == repr(in_columns(exact, rows.schema))
    return True


def in_columns(rows, schema):
    """The values as columns of these types hold them: a float of 32 bits is rounded."""
    columns = [
        pa.array(values, field.type).to_pylist()
        for values, field in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def line(kind, text):
    """A line whose field of the type `kind` is `text`, after one that is good in any case."""
    fields = {"bigint": "1", "int": "", "double": "0.5", "float": "", kind: text}
    return f"7,1,.25,-3.5\n{','.join(fields.values())}\n".encode()


@pytest.mark.parametrize("kind", ["bigint", "int", "double", "float"])
def test_a_number_is_quick_only_as_the_exact_rules_read_it(kind):
    texts = ["".join(signs) for size in (1, 2, 3) for signs in product("019.-+ \t'e", repeat=size)]
    quick = [text for text in texts + TROUBLE if is_quick(NUMBERS, line(kind, text))]
    never = {"1.", "9.", "-", " 1", "1 ", "1\t", "0x1F", "1" * 310}
    if kind in ("double", "float"):
        assert {"1", "-1", "90", "-09", ".9", "-.1", "0.0"} <= set(quick)
    else:
        assert {"1", "-1", "90", "-09"} <= set(quick)
        never |= {f"{ZEROS}7", "+1", "0.0"}
    assert not never & set(quick)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"\A-?[0-9]{1,40}(\.[0-9]{1,40})?\Z"))
def test_long_fractions_are_rounded_as_the_exact_rules_do(text):
    is_quick(NUMBERS, line("double", text))


@pytest.mark.parametrize(
    "trouble",
    [b"\n", b"1,2,3\n", b"1,2,3,4,5\n", b",1,1,1\n", b'"1",2,3,4\n', b"1,2,3,4\r\n", b"1,2,3,4\r5,6,7,8\n",
     b"1,2 ,3,4\n", b"\xef\xbb\xbf1,2,3,4\n", b"1,2,3\0,4\n", b"1,2,3,4\n\n", b"1;2;3;4\n", b"\x0b1,2,3,4\n"],
)  # fmt: skip
def test_what_is_more_than_numbers_is_not_taken_for_them(trouble):
    good = b"1,2,3,4\n" * 3
    assert is_quick(NUMBERS, good)
    assert not is_quick(NUMBERS, good + trouble)
    assert not is_quick(NUMBERS, trouble + good)


@pytest.mark.parametrize(("delimiter", "quick"), [(";", True), ("\t", True), ("/", True), ("|", False)])
def test_other_delimiters_are_as_quick_where_no_letter_lies_beyond_them(delimiter, quick):
    rules = contract(*COLUMNS, delimiter=delimiter)
    content = b"1,2,3,4\n-5,,.5,\n".replace(b",", delimiter.encode())
    assert (csv_fast.shape(rules).numbers is not None) == quick
    assert csv_fast.shape(rules).promised(content, 2)().num_rows == 2
    assert not quick or is_quick(rules, content)


def test_one_odd_number_in_a_block_has_the_fate_that_the_judge_gives_it():
    rules = contract(*COLUMNS, maxBadRatio=1)
    names = [column.name for column in rules.columns]
    random = Random(20240506)
    blocks = []
    for kind, odd in product(range(4), [*TROUBLE, "x", " 1", "1\r", '"1"', '"', "1,2"]):
        lines = []
        for number in range(40):
            fields = [str(number), str(random.randrange(2**31)), repr(random.uniform(1, 9)), "-.5"]
            if number == 30:
                fields[kind] = odd
            lines.append(",".join(fields).encode())
        blocks.append(lines)
    header = ",".join(names).encode() + b"\n"
    parts = [header, *(b"".join(line + b"\n" for line in lines) for lines in blocks)]
    raw = b"".join(map(gzip.compress, parts))  # a block ends with a member that is large enough
    found = parsed(raw, rules, "csv", limits=blocks_of(1))
    rows, refused = judged_csv(rules, [line for lines in blocks for line in lines], 2)
    assert [(row["_line"], repr([row[name] for name in names])) for row in found.rows] == [
        (at, repr([row[name] for name in names])) for at, _, row in rows
    ]
    assert found.reasons == [(at, reason) for at, _, reason in refused]
    assert len(refused) > 60


def test_texts_and_times_are_not_taken_for_numbers():
    for column in ("name string", "at timestamp", "day date", "price decimal(5,2)", "sold boolean"):
        assert csv_fast.shape(contract("id bigint key", column)).numbers is None
