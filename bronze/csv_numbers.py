"""Tell that lines of nothing but numbers are certainly good in half the time that a pattern of lines takes.

Written without letters, three kinds of numbers are taken by Arrow's reader and refused by the rules: `1.`,
an integer of more than 19 digits of which the first are zeros, and what is too large for a float. The reader
also drops empty lines, and reads quotes, white space and carriage returns in its own way. Each of these is
looked for where it shows at the least cost, in the bytes or in the values. All else that is wrong Arrow
refuses.
"""

import sys
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bronze.contract import BronzeContract, Column

_INTEGERS, _FLOATS = ("int", "bigint"), ("float", "double")
_MOST_DIGITS = 19
_POINT_WITHOUT_DIGIT = pc.MatchSubstringOptions(r"\.[^0-9]")


@dataclass(frozen=True, slots=True)
class NumberLines:
    """What lines of a contract's numbers are made of: bytes up to `highest`, but none of `odd`."""

    columns: tuple[Column, ...]
    highest: int
    odd: tuple[bytes, ...]

    def may_be(self, data: bytes) -> bool:
        """Whether Arrow's reader refuses `data`, or gives rows for `are` to look at."""
        numbers = pa.UInt8Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
        if pc.max(numbers).as_py() > self.highest or any(byte in data for byte in self.odd):
            return False
        return not matches(data, _POINT_WITHOUT_DIGIT)

    def are(self, rows: Any, data: bytes, lines: int) -> bool:
        """Whether `rows`, which Arrow's reader made of `data`, are those of all its `lines` by the rules."""
        if rows.num_rows != lines or any(c.required and rows.column(c.name).null_count for c in self.columns):
            return False
        # A sum, which costs a fifth of bounds, is finite only where all of it is.
        if not all(isfinite(pc.sum(column).as_py() or 0) for column in self._of(rows, _FLOATS)):
            return False
        bounds = [pc.min_max(column).as_py().values() for column in self._of(rows, _INTEGERS)]
        longest = max((len(str(abs(it))) for pair in bounds for it in pair if it is not None), default=0)
        # An integer with more digits than are allowed would begin with so many zeros.
        return not longest or b"0" * (_MOST_DIGITS + 1 - longest) not in data

    def _of(self, rows: Any, types: tuple[str, ...]) -> list[Any]:
        return [rows.column(column.name) for column in self.columns if column.type in types]


def matches(data: bytes, pattern: Any) -> bool:
    """Whether the pattern of the options `pattern` is found in `data`, which is not copied."""
    ends = (0).to_bytes(8, sys.byteorder) + len(data).to_bytes(8, sys.byteorder)
    text = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(data)]
    )
    return bool(pc.match_substring_regex(text, options=pattern)[0].as_py())


def number_lines(contract: BronzeContract) -> NumberLines | None:
    """What the lines of `contract` are made of; None when letters may be among them."""
    delimiter = contract.csv.delimiter
    highest = max("9", delimiter)
    if highest >= "A" or any(column.type not in _INTEGERS + _FLOATS for column in contract.columns):
        return None  # 0x1, nan and 1e400 are numbers for Arrow, too
    odd = {"\r", " ", "\t", contract.csv.quote or "\r"} - {delimiter}
    return NumberLines(contract.columns, ord(highest), tuple(byte.encode() for byte in sorted(odd)))
