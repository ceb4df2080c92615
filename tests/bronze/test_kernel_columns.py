"""What the kernel computes for whole columns, and writes into them, equals Python's result value by value."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bronze import kernel, sequence

NUMBERS = {"int32": pa.int32(), "int64": pa.int64(), "date": pa.date32(), "timestamp": pa.timestamp("us")}
EDGES = [-(2**63), -(2**31), -2, -1, 0, 1, 2, 2**31 - 1, 2**31, 2**63 - 1]


@pytest.mark.parametrize("name", NUMBERS)
@settings(max_examples=150)
@given(
    numbers=st.lists(st.one_of(st.sampled_from(EDGES), st.integers(-(2**63), 2**63 - 1)), max_size=80),
    most=st.integers(0, 40),
    before=st.integers(0, 9),
    is_sorted=st.booleans(),
)
def test_numbers_rise_and_differ_as_python_counts_them(name, numbers, most, before, is_sorted):
    kind = NUMBERS[name]
    values = [(n + 2**31) % 2**32 - 2**31 if kind.bit_width == 32 else n for n in numbers]
    values = sorted(values) if is_sorted else values
    plain = pa.array([7] * before + values + [7], pa.int32() if kind.bit_width == 32 else pa.int64())
    column = plain.cast(kind).slice(before, len(values))
    assert kernel.rises(column) == (values == sorted(values))
    for bound in (most, len(set(values)), max(0, len(set(values)) - 1)):
        assert kernel.differ(column, bound) == (len(set(values)) > bound)


@given(
    st.lists(st.sampled_from([b"", b"\n", b"\n\n", b"\x0b\r\xff", b"a" * 15, b"b" * 64])), st.integers(0, 70)
)
def test_newlines_are_counted_as_python_counts_them(pieces, before):
    text = b"x" * before + b"".join(pieces)
    assert kernel.newlines(text) == text.count(b"\n")


@given(
    orders=st.lists(
        st.one_of(st.sampled_from([0, 9, 10, 2**63 - 1]), st.integers(0, 2**63 - 1)), max_size=30
    ),
    epoch=st.integers(0, 10**10 - 1),
    before=st.integers(0, 3),
    random=st.randoms(use_true_random=False),
)
def test_sequences_equal_those_written_one_by_one(orders, epoch, before, random):
    moments = [random.choice([0, 1, 2**40, 253402300799999999, random.randrange(2**57)]) for _ in orders]
    texts = ["".join(random.choices("0123456789ABCDEF", k=16)) for _ in orders]
    start = datetime(1970, 1, 1)
    times = [(start + timedelta(microseconds=it)).isoformat() for it in moments]
    count = len(orders)

    def column(values, kind):
        return pa.array([values[0] if values else 0] * before + values, kind).slice(before, count)

    numbers = column(orders, pa.int64())
    fixed = pa.array([b"0" * 16] * before + [it.encode() for it in texts], pa.binary(16)).slice(before, count)
    places = [sequence.position("timestamp", it) for it in times]
    found = sequence.changes(epoch, column(moments, pa.timestamp("us")), numbers)
    assert found.to_pylist() == [sequence.change(epoch, *it) for it in zip(places, orders, strict=True)]
    found = sequence.changes(epoch, fixed, None)
    assert found.to_pylist() == [sequence.change(epoch, text, 0) for text in texts]
    found.validate(full=True)
