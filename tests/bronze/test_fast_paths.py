"""What the fast paths take, and that one odd line does not take its neighbours from them."""

import json

from raw_files import contract, record

from bronze import change_fast, csv_fast
from bronze.blocks import block_of

THING = contract("id bigint key", "name string?", "at timestamp?", "score double?")
GOOD = record({"id": 1, "name": "é", "at": "2024-05-06T07:08:09Z", "score": 1.5}, transaction_record_id=3)


def line_of(value):
    return json.dumps(value, ensure_ascii=False).encode()


def left(*records, rules=THING):
    """The indices of the lines that are left to the exact rules."""
    lines = [it if isinstance(it, bytes) else line_of(it) for it in records]
    block = block_of(b"".join(line + b"\n" for line in lines), 1, 0)
    taken = change_fast.read(rules, block, lines, epoch=1, extract=1)
    assert taken.rows.num_rows == len(lines) - len(taken.left)
    assert taken.rows.column("_line").to_pylist() == [n + 1 for n in range(len(lines)) if n not in taken.left]
    return taken.left


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


def test_loads_are_read_fast():
    load = record(GOOD["data"], "load", stream_position=None)
    assert left(load, load) == []
    assert left(load, GOOD) == [1]


def test_an_odd_line_leaves_its_neighbours_on_the_fast_path():
    odd = [
        b"",
        b"{",
        line_of(GOOD) * 2,
        line_of(GOOD) + b"\xff",
        with_data(name='a"b'),
        with_data(name="a\\"),
        with_data(colour="red"),
        with_data(id="1"),
        with_data(at="2024-05-06 07:08:09"),
        with_data(at="2024-02-29T00:00:00Z"),
        with_data(score="1.5"),
        GOOD | {"before-image": {"id": 2}},
        with_metadata(operation="load"),
        with_metadata(**{"record-type": "control"}),
        with_metadata(**{"stream-position": "?"}),
        with_metadata(**{"transaction-record-id": -1}),
        with_metadata(timestamp="soon"),
        with_metadata(more=1),
    ]
    for line in odd:
        assert left(GOOD, GOOD, line, GOOD) == [2], line


def test_a_key_given_twice_sends_its_block_to_the_exact_rules():
    twice = line_of(GOOD).replace(b'"id": 1', b'"id": 1, "id": 1')
    assert left(GOOD, twice, GOOD) == [0, 1, 2]


def test_a_decimal_column_is_left_to_the_exact_rules():
    rules = contract("id bigint key", "m decimal(5,2)")
    assert left(record({"id": 1, "m": 1.5}), rules=rules) == [0]


def test_updates_that_need_a_before_image_are_left_to_the_exact_rules():
    rules = contract("id bigint key", beforeImage="required")
    records = [record({"id": 1}, operation) for operation in ("insert", "update", "delete")]
    assert left(*records, rules=rules) == [1]


def test_a_certain_block_of_an_extract_is_read_at_once():
    shape = csv_fast.shape(THING)
    good = b'1,a,,1.5\n"-2","b""c,",2024-12-31T23:59:59.5Z,\r\n 3 ,\xc3\xa9,2024-05-06T07:08:09Z,.5\n'
    assert csv_fast.is_certain(shape, good)
    assert csv_fast.rows(shape, good).num_rows == 3
    for bad in (
        b"\n",
        b"1,a,,\n\n",
        b"x,a,,\n",
        b",a,,\n",
        b"1,a,\n",
        b'1,a"b,,\n',
        b'1,"a,,\n',
        b"1,a\r,,\n",
        b"1,a,,1.\n",
    ):
        assert not csv_fast.is_certain(shape, good + bad), bad
        assert csv_fast.certain_lines(shape, [good.split(b"\n")[0], bad.split(b"\n")[0]])[0]
