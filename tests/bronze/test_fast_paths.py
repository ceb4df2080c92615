"""What the fast path takes, and that one odd line does not send its neighbours to the exact rules."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_files import contract, record

from bronze import change_fast, csv_lines, sequence
from bronze.blocks import block_of

THING = contract("id bigint key", "name string?", "at timestamp?", "score double?")
GOOD = record({"id": 1, "name": "é", "at": "2024-05-06T07:08:09Z", "score": 1.5}, transaction_record_id=3)


def line_of(value):
    return json.dumps(value, ensure_ascii=False).encode()


def left(*records, rules=THING):
    """Return the indexes of the lines that are left to the exact rules."""
    lines = [it if isinstance(it, bytes) else line_of(it) for it in records]
    block = block_of(b"".join(line + b"\n" for line in lines), 1, 0)
    taken = change_fast.reader(rules, epoch=1, loaded="")(block)
    indices = [number - 1 for number, _, _ in taken.left]
    assert [block.data[offset:].split(b"\n")[0] for _, offset, _ in taken.left] == [lines[n] for n in indices]
    assert [line for _, _, line in taken.left] == [lines[n] for n in indices]
    assert taken.rows.num_rows == len(lines) - len(indices)
    assert taken.rows.column("_line").to_pylist() == [n + 1 for n in range(len(lines)) if n not in indices]
    return indices


def with_data(**data):
    return GOOD | {"data": {**GOOD["data"], **data}}


def with_metadata(**metadata):
    return GOOD | {"metadata": {**GOOD["metadata"], **metadata}}


def test_records_that_look_alike_are_read_fast():
    assert (
        left(GOOD, with_data(name=None, at=None, score=-0.5), with_metadata(operation="delete"), GOOD) == []
    )
    reordered = {"metadata": GOOD["metadata"], "data": dict(reversed(GOOD["data"].items()))}
    assert left(GOOD, reordered) == []


def test_loads_are_read_fast_even_among_changes():
    load = record(GOOD["data"], "load", stream_position=None)
    assert left(load, load, GOOD, load) == []


def test_an_odd_line_leaves_its_neighbours_on_the_fast_path():
    odd = [
        b"",
        b"{",
        line_of(GOOD) * 2,
        line_of(GOOD) + b"\r" + line_of(GOOD),
        line_of(GOOD) + b"\xff",
        line_of(GOOD).replace(b"\xc3\xa9", b"\xc3"),
        line_of(GOOD).replace(b'"id": 1', b'"id": 1, "id": 1'),
        line_of(GOOD).replace(b'"id": 1', b'"id": 01'),
        line_of(GOOD).replace(b'"id": 1', b'"id": 0x1'),
        line_of(GOOD).replace(b'"id"', b'"name"'),
        line_of(GOOD).replace("é".encode(), b"\0"),
        line_of(GOOD).replace("é".encode(), b"\x1f"),
        b"\xef\xbb\xbf" + line_of(GOOD),
        line_of(GOOD).replace("é".encode(), b"\\u00e9"),
        line_of(GOOD).replace("é".encode(), b"\\ud800"),
        line_of(GOOD).replace("é".encode(), b"\\x"),
        line_of(GOOD).replace("é".encode(), b"\\"),
        with_data(colour="red"),
        with_data(id="1"),
        with_data(id=None),
        with_data(id=2**63),
        with_data(at="2024-05-06 07:08:09"),
        with_data(at="2023-02-29T00:00:00Z"),
        with_data(at="2024-05-06T07:08Z"),
        with_data(at="2024-05-06T07:08:09+02:00"),
        with_data(score="1.5"),
        with_data(score=float("nan")),
        GOOD | {"before-image": {"id": 2}},
        GOOD | {"before-image": {"id": "1"}},
        with_metadata(operation="load", **{"stream-position": 1}) | {"data": {}},
        with_metadata(operation="upsert"),
        with_metadata(**{"record-type": "control"}),
        with_metadata(**{"stream-position": "?"}),
        with_metadata(**{"stream-position": None}),
        with_metadata(**{"transaction-record-id": -1}),
        with_metadata(timestamp="soon"),
        with_metadata(more={}),
    ]
    for line in odd:
        assert left(GOOD, GOOD, line, GOOD) == [2], line
        assert left(line, GOOD) == [0], line


def test_records_of_several_layouts_are_read_fast_in_the_order_of_their_lines():
    moved = with_data(name=None) | {"before-image": {"id": 1, "name": "a"}}
    spaced = line_of(GOOD).replace(b" ", b"")
    load = record(GOOD["data"], "load", stream_position=None)
    assert left(GOOD, moved, spaced, b"x", load, with_metadata(more=1), moved, GOOD) == [3]


def test_a_layout_is_learned_from_one_line_in_256():
    rare = with_metadata(more=1)
    assert left(*[GOOD] * 509, rare, rare, GOOD) == []
    assert left(*[GOOD] * 300, rare, *[GOOD] * 300) == [300]


def test_a_metadata_key_that_is_null_in_one_record_is_checked_in_the_next():
    for key in ("commit-timestamp", "transaction-record-id"):
        null = with_metadata(**{key: None})
        for other in (-1, 1.5, "x", True):
            assert left(null, null, with_metadata(**{key: other}), null) == [2], (key, other)


def test_a_file_may_end_its_lines_with_carriage_returns():
    assert left(line_of(GOOD) + b"\r", line_of(with_data(id=2)) + b"\r") == []


def test_texts_may_hold_commas_and_text_like_a_key():
    assert left(with_data(name="a, 'b"), with_data(name=":,{}null"), GOOD) == []


def test_texts_may_hold_quotes_and_newlines_and_backslashes():
    odd = [
        with_data(name=name) for name in ('{"a": "é"}', "a\nb\r\n\t", "a\\", "\\", '"', "\b\f", 'é"日', "/")
    ]
    assert left(*odd, GOOD) == []
    assert left(line_of(GOOD).replace("é".encode(), b"\\/"), GOOD) == []
    assert left(*(it | {"before-image": {"id": 1, "name": it["data"]["name"] * 9}} for it in odd)) == []


def test_nulls_of_every_type_are_read_fast():
    rules = contract(
        "id bigint key", "n int?", "d double?", "f float?", "m decimal(5,2)?", "b boolean?", "t date?",
        "at timestamp?", "s string?",
    )  # fmt: skip
    values = {
        "n": 1,
        "d": 1.5,
        "f": 0.5,
        "m": 1.25,
        "b": True,
        "t": "2024-01-01",
        "at": "2024-05-06T07:08:09Z",
    }
    full = record({"id": 1, **values, "s": "x"})
    empty = record({"id": 1, **dict.fromkeys(values), "s": None})
    assert left(full, empty, full, rules=rules) == []
    assert left(empty, full, empty, rules=rules) == []


def test_decimals_are_read_fast_as_numbers_and_as_texts():
    rules = contract("id bigint key", "m decimal(5,2)")
    number, text = record({"id": 1, "m": 1.5}), record({"id": 1, "m": "1.5"})
    assert left(number, text, number, text, rules=rules) == []
    assert left(number, record({"id": 1, "m": 1.255}), rules=rules) == [1]


def test_updates_that_need_a_before_image_are_left_to_the_exact_rules():
    rules = contract("id bigint key", beforeImage="required")
    records = [record({"id": 1}, operation) for operation in ("insert", "update", "delete")]
    assert left(*records, rules=rules) == [1]
    assert left(*(record({"id": 1}, "update", before={"id": 1}) for _ in range(2)), rules=rules) == []


def test_deletes_of_only_the_key_are_read_fast():
    deleted = record({"id": 1}, "delete")
    assert left(GOOD, deleted, GOOD) == []
    assert left(GOOD, record({"id": 1}, "update"), deleted) == [1]


def test_missing_columns_are_read_fast_when_they_are_null():
    rules = contract("id bigint key", "name string?", absent="null")
    assert left(record({"id": 1}), record({"id": 2}), rules=rules) == []


def left_of_extract(content, rules=THING):
    """Return the lines that are left to the exact rules; all others must keep their place."""
    block = block_of(content, 1, 0)
    taken = csv_lines.reader(rules, None, quick_bytes=0).look(block)
    numbers, lines = [number for number, _, _ in taken.left], content.removesuffix(b"\n").split(b"\n")
    assert taken.rows.column("_line").to_pylist() == [n for n in range(1, len(lines) + 1) if n not in numbers]
    assert [line for _, _, line in taken.left] == [lines[number - 1] for number in numbers]
    assert all(content[offset:].startswith(line) for _, offset, line in taken.left)
    return numbers


def test_a_good_line_of_an_extract_is_read_fast_whatever_its_neighbours_are():
    good = (
        b"1,%s,,1.5\n" % (b"a" * 99),
        b'"-2","b""c,",2024-12-31T23:59:59.5Z,\r\n',
        " 3 ,é,2024-02-29T07:08:09,-0.5e3\n".encode(),
        b"4,,1969-12-31T23:59:59.999999Z,007\n",
    )
    content = b"".join(good) * 8
    assert left_of_extract(content) == []
    assert left_of_extract(content.removesuffix(b"\n")) == []
    for bad in (
        b"\n",
        b"\r\n",
        b"x,a,,\n",
        b",a,,\n",
        b"1,a,\n",
        b"1,a,,,\n",
        b'1,a"b,,\n',
        b'1,"a,,\n',
        b"1,a\r,,\n",
        b"1,a,,1.\n",
        b"1,a,2023-02-29T07:08:09Z,\n",
        b"1,a\xff,,\n",
    ):
        assert left_of_extract(content + bad + content) == [33], bad
        assert left_of_extract(bad + content) == [1], bad
        assert left_of_extract(content + bad.removesuffix(b"\n")) == ([33] if bad != b"\n" else []), bad


def test_multiline_records_are_left_whole_and_end_at_their_closing_quote():
    rules = contract("id bigint key", "name string?", "score double?", multiline=True)
    content = b'1,a,.5\n2,"b\nc",5\n"3","d,""",7\n4,%s,8\n5,"f\n\n",\n6,g,9\n' % (b"e" * 300)
    block = block_of(content * 9, 1, 0)
    taken = csv_lines.reader(rules, None, quick_bytes=0).look(block)
    found = [(number, line) for number, _, line in taken.left][:3]
    assert found == [(1, b"1,a,.5"), (2, b'2,"b\nc",5'), (6, b'5,"f\n\n",')]
    assert taken.rows.column("_line").to_pylist()[:4] == [4, 5, 9, 13]


def test_a_block_with_columns_only_the_exact_rules_read_is_left_to_them():
    for column in ("raw binary?", "tags array<string>?", "place struct<city:string>?"):
        look = csv_lines.reader(contract("id bigint key", column), None, quick_bytes=0).look
        assert look(block_of(b"1,\n" * 99, 1, 0)) is None


def test_a_small_block_of_an_extract_is_left_to_the_exact_rules():
    block = block_of(b"1,a,2024-05-06T07:08:09Z,1.5\n" * 99, 1, 0)
    size = len(block.data)
    assert csv_lines.reader(THING, None, quick_bytes=size).look(block) is None  # the lines are too short
    long = block_of(b"1,%s,2024-05-06T07:08:09Z,1.5\n" % (b"a" * 32) * 99, 1, 0)
    assert csv_lines.reader(THING, None, quick_bytes=len(long.data)).look(long).rows.num_rows == 99
    assert csv_lines.reader(THING, None, quick_bytes=len(long.data) + 1).look(long) is None


def test_plain_records_are_read_fast():
    rules = contract("id bigint key", "name string?", "at timestamp?", "score double?", records="plain")
    plain = GOOD["data"]
    reordered = dict(reversed(plain.items()))
    assert left(plain, plain | {"name": None, "score": -0.5}, reordered, rules=rules) == []
    odd = [b"", b"{}", plain | {"id": "1"}, plain | {"more": 1}, plain | {"name": {"a": 1}}, GOOD]
    assert left(plain, *odd, plain, rules=rules) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "odd",
    [
        "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z", "2023-01-00T00:00:00Z",
        "2023-04-31T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01T23:60:00Z", "2023-01-01T23:59:60Z",
        "1900-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_timestamps_of_the_usual_shape_are_checked_against_clock_and_calendar(odd):
    good = [with_data(at=f"2023-01-{day:02d}T00:00:{day:02d}Z") for day in range(1, 29)]
    assert left(*good) == []
    assert left(*good[:9], with_data(at=odd), *good[9:]) == [9]
    assert left(*good[:9], with_metadata(**{"commit-timestamp": odd}), *good[9:]) == [9]


@pytest.mark.parametrize(
    ("name", "is_left"), [("7\t", True), ("7\x00", True), ("7\\", True), ("7\x7f", False), ("é", False)]
)
def test_a_text_of_another_shape_is_judged_separately(name, is_left):
    lines = [line_of(with_data(name=f"{n:02d}")) for n in range(40)]
    assert left(*lines) == []
    lines[7] = lines[7].replace(b'"07"', f'"{name}"'.encode())
    assert left(*lines) == ([7] if is_left else [])


@pytest.mark.parametrize(
    "at",
    ["2024-02-29T00:00:00Z", "2000-02-29T23:59:59.999999Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00",
     "9999-12-31T23:59:59.5", "2024-05-06T07:08:09", "2024-05-06T07:08:09.1Z"],
)  # fmt: skip
def test_timestamps_of_any_year_are_read_fast_in_utc(at):
    assert left(GOOD, with_data(at=at), with_metadata(timestamp=at), GOOD) == []


@pytest.mark.parametrize("at", ["1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00"])
def test_a_position_before_1970_is_left_to_the_exact_rules(at):
    rules = contract("id bigint key", position="timestamp")
    good = record({"id": 1}, stream_position="2024-05-06T07:08:09.1Z")
    odd = record({"id": 1}, stream_position=at)
    assert left(good, good, odd, good, rules=rules) == [2]


def seqs(*positions, orders):
    """Return `_seq` by the fast path, which must leave no line, and by the exact rules."""
    records = [
        with_metadata(**{"stream-position": at, "transaction-record-id": order})
        for at, order in zip(positions, orders, strict=True)
    ]
    block = block_of(b"".join(line_of(it) + b"\n" for it in records), 1, 0)
    taken = change_fast.reader(THING, epoch=7, loaded="")(block)
    assert not taken.left
    exact = [
        sequence.change(7, sequence.position("lsn", at), order)
        for at, order in zip(positions, orders, strict=True)
    ]
    return taken.rows.column("_seq").to_pylist(), exact


@settings(max_examples=60)
@given(
    widths=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    rest=st.sampled_from(["", "", ".1", ".00/A"]),
    alike=st.booleans(),
    count=st.integers(1, 60),
    random=st.randoms(use_true_random=False),
)
def test_positions_of_one_width_equal_those_of_the_exact_rules(widths, rest, alike, count, random):
    def digits(width):
        return "".join(random.choices("0123456789abcdefABCDEF", k=width))

    positions = [f"{digits(widths[0])}/{digits(widths[1])}{rest}" for _ in range(count)]
    if not alike:
        positions.append(f"{digits(9 - widths[0])}/{digits(widths[1])}")
    orders = random.choices(range(3), k=len(positions)) if random.random() < 0.5 else [4] * len(positions)
    quick, exact = seqs(*positions, orders=orders)
    assert quick == exact
