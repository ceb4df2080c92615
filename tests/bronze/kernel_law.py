"""The kernel's law: the exact rules accept what it takes, with the same values; all else is left to them.

Each function returns the numbers, from 0, of the lines that were taken, and fails if the law is broken.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from bronze import change_fast, change_records, columns, csv_exact, csv_lines
from bronze.blocks import block_of
from bronze.contract import BronzeContract
from bronze.dialect import Dialect
from bronze.errors import RefusedError
from bronze.json_objects import objects
from bronze.outcome import BlockReader, Taken
from bronze.schema import arrow_schema

EPOCH = 7
LOADED = "0000000007.00000000016B3748.0.00000000000000000001"


def extract_lines_taken(rules: BronzeContract, text: bytes, shift: int = 0) -> list[int]:
    """Check an extract, whose lines begin `shift` bytes later in memory."""
    # A long first line that is left over: blocks of short lines do not take the fast path.
    before = b"x" * (32 * (text.count(b"\n") + 2) + shift) + b"\n"
    block = block_of(before + text, 1, 0)
    reader, judge = _of_extracts(rules)
    taken = reader.look(block)
    assert taken is not None
    records = list(_records(before + text, rules.csv))
    numbers = _parted(taken, records)
    good = [(number, line) for number, _, line in records if number in numbers]
    assert not any(line in (b"", b"\r") for _, line in good), "a blank line was taken for a row"
    exact = [[*_judged(judge, line), number] for number, line in good]
    _require_same(taken.rows, columns.table_of(exact, taken.rows.schema), [line for _, line in good])
    return [number - 2 for number in sorted(numbers - {1})]


def change_lines_taken(rules: BronzeContract, lines: Sequence[bytes], shift: int = 0) -> list[int]:
    """Check change records, by the layouts that the first of them show."""
    text = b"x" * shift + b"\n" + b"".join(line + b"\n" for line in lines)
    taken = change_fast.reader(rules, epoch=EPOCH, loaded=LOADED)(block_of(text, 1, 0))
    records = list(_records(text, None))
    numbers = _parted(taken, records)
    good = [(number, line) for number, _, line in records if number in numbers]
    judge = change_records.judge(rules, epoch=EPOCH, loaded=LOADED)
    exact = [[*_change(judge, line), number, 0] for number, line in good]
    schema = arrow_schema(change_records.row_columns(rules))
    _require_same(taken.rows, columns.table_of(exact, schema), [line for _, line in good])
    return [number - 2 for number in sorted(numbers)]


@cache
def _of_extracts(rules: BronzeContract) -> tuple[BlockReader, Any]:
    reads_nothing: Any = None  # the quarantine, which `look` does not touch
    return csv_lines.reader(rules, reads_nothing, quick_bytes=0), csv_exact.judge(rules)


def _judged(judge: Any, line: bytes) -> Sequence[object]:
    try:
        found: Sequence[object] = judge(line)
    except RefusedError as refusal:
        raise AssertionError(f"taken, and refused by the exact rules ({refusal.reason}): {line!r}") from None
    return found


def _change(judge: Any, line: bytes) -> Sequence[object]:
    found = list(objects(line))
    assert len(found) == 1, f"taken, and {len(found)} values by the exact rules: {line!r}"
    value = found[0].value
    assert not isinstance(value, RefusedError), f"taken, and refused by the exact rules: {line!r}"
    change = _judged(lambda _: [judge(value)], line)[0]
    assert isinstance(change, change_records.Change), f"taken, and an event by the exact rules: {line!r}"
    assert change.discarded == 0, f"taken, and a key dropped by the exact rules: {line!r}"
    return change.values


def _parted(taken: Taken, records: Sequence[tuple[int, int, bytes]]) -> set[int]:
    """Return the numbers of the taken records; all others must be left unchanged and in order."""
    numbers: list[int] = taken.rows.column("_line").to_pylist()
    assert numbers == sorted(set(numbers)), "duplicate rows, or not in the order of their lines"
    rows = set(numbers)
    assert list(taken.left) == [record for record in records if record[0] not in rows]
    assert rows <= {number for number, _, _ in records}, "a row without a line"
    return rows


def _require_same(rows: Any, exact: Any, lines: Sequence[bytes]) -> None:
    """Fail at the first different value; compares reprs, because -0.0 is not 0.0."""
    assert rows.schema.names == exact.schema.names
    for name in exact.schema.names:
        found, wanted = rows.column(name).to_pylist(), exact.column(name).to_pylist()
        if repr(found) == repr(wanted):
            continue
        at = next(
            n for n, pair in enumerate(zip(found, wanted, strict=True)) if repr(pair[0]) != repr(pair[1])
        )
        raise AssertionError(f"{name} is {found[at]!r} and not {wanted[at]!r}: {lines[at]!r}")
    rows.validate(full=True)


def _records(text: bytes, dialect: Dialect | None) -> Iterator[tuple[int, int, bytes]]:
    """Yield number of the first line, first byte and bytes of each record; quotes may hold newlines."""
    quote = (dialect.quote or "").encode() if dialect and dialect.multiline else b""
    held: list[bytes] = []
    number, start, quotes = 1, 0, 0
    for line in text.removesuffix(b"\n").split(b"\n"):
        held.append(line)
        quotes += line.count(quote) if quote else 0
        if quotes % 2 == 0:
            record = b"\n".join(held)
            yield number, start, record
            number, start, held = number + len(held), start + len(record) + 1, []
    if held:
        yield number, start, b"\n".join(held)
