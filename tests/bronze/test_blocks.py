"""Content is cut into blocks of whole records: every byte once, in order, whatever the sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze.blocks import Block, LongRecord, block_of, cut, slices


def blocks(content, size=64, longest=1000, multiline=False, piece=16):
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    return list(cut(pieces, size=size, longest=longest, quote=b'"' if multiline else None))


def records(content, **options):
    """Return each record with its position: (bytes, line, offset), or a LongRecord."""
    multiline = options.get("multiline", False)
    found = []
    for block in blocks(content, **options):
        if isinstance(block, LongRecord):
            found.append(block)
            continue
        line, offset, open_record = block.line, block.offset, b""
        for part in block.data.splitlines(keepends=True):
            open_record += part
            if multiline and open_record.count(b'"') % 2 and part.endswith(b"\n"):
                continue
            found.append((open_record, line, offset))
            line, offset, open_record = line + open_record.count(b"\n"), offset + len(open_record), b""
        found += [(open_record, line, offset)] if open_record else []
    return found


CONTENT = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\n", b'"']), max_size=60).map(b"".join)
SIZES = st.sampled_from([1, 2, 5, 16, 1000])


@given(CONTENT, st.sampled_from([1, 3, 8, 1000]), st.booleans(), SIZES, SIZES)
def test_records_do_not_depend_on_where_blocks_and_pieces_end(content, longest, multiline, size, piece):
    options = {"longest": longest, "multiline": multiline}
    assert records(content, size=size, piece=piece, **options) == records(
        content, size=10**6, piece=10**6, **options
    )


@given(CONTENT, SIZES, st.booleans())
def test_every_byte_is_in_one_block_at_its_offset(content, size, multiline):
    found = blocks(content, size=size, multiline=multiline)
    assert b"".join(block.data for block in found) == content
    for block in found:
        assert content[block.offset :].startswith(block.data)
        assert block.line == content[: block.offset].count(b"\n") + 1
        assert block.lines == len(block.data.splitlines())


@given(CONTENT, SIZES)
def test_a_block_ends_with_a_newline_unless_it_is_the_last(content, size):
    found = blocks(content, size=size)
    assert all(block.data.endswith(b"\n") for block in found[:-1])


def test_a_quoted_newline_ends_no_record_when_multiline():
    content = b'1,"a\nb"\n2,c\n'
    assert records(content, size=1, multiline=True) == [(b'1,"a\nb"\n', 1, 0), (b"2,c\n", 3, 8)]
    assert len(records(content, size=1)) == 3


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_record_above_the_cap_keeps_only_its_start_and_ends_at_its_newline(size):
    content = b"12345\n123456\n" + b"x" * 200_000 + b"\n1\n"
    first, second, third, fourth = records(content, size=size, longest=5, piece=7)
    assert first == (b"12345\n", 1, 0)
    assert second == LongRecord(b"123456", length=6, lines=1, line=2, offset=6)
    assert third == LongRecord(b"x" * (64 << 10), length=200_000, lines=1, line=3, offset=13)
    assert fourth == (b"1\n", 4, 200_014)


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_an_open_quote_takes_lines_up_to_the_cap_when_multiline(size):
    content = b'1,"' + b"a\n" * 20 + b"2,b\n"
    first, second, *_, last = records(content, size=size, longest=10, multiline=True)
    assert first == LongRecord(b'1,"a\na\na\na', length=10, lines=4, line=1, offset=0)
    assert second == (b"a\n", 5, 11)
    assert last == (b"2,b\n", 21, 43)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_slices_of_a_block_are_its_lines_in_order(data, line):
    block = block_of((data or b"x") * 3000, line, 100)
    parts = list(slices(block))
    assert b"".join(part.data for part in parts) == block.data
    places = [(part.line, part.offset) for part in parts]
    ends = [(part.line + part.lines, part.offset + len(part.data)) for part in parts]
    assert places == [(line, 100), *ends[:-1]]
    longest_line = max(map(len, block.data.split(b"\n"))) + 1
    assert all(isinstance(part, Block) and len(part.data) <= (256 << 10) + longest_line for part in parts)
