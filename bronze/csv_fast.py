"""Read CSV lines that are certainly good with Arrow's typed reader.

One regular expression, made from the contract, states what is certain: lines whose every field is surely
good and is read by Arrow to the value that the exact rules give. Arrow's own laxity (hexadecimal numbers,
`1.`, `nan`, stray quotes, a lone carriage return …) never shows, because such a line does not match.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bronze.blocks import is_utf8
from bronze.contract import BronzeContract, Column
from bronze.csv_numbers import NumberLines, matches, number_lines
from bronze.dialect import Dialect
from bronze.lexical import NEVER
from bronze.nested import certain
from bronze.schema import arrow_schema, arrow_type

# Read as another type than the column's: Arrow rounds text to a 32-bit float at once, the exact rules and
# JSON by way of a double; and it takes the `Z` of a time only into a type that has a zone.
_READ_AS: dict[str, Any] = {"float": pa.float64(), "timestamp": pa.timestamp("us", "UTC")}


@dataclass(frozen=True, slots=True)
class CsvShape:
    """A contract, made ready for Arrow's reader."""

    schema: Any
    numbers: NumberLines | None
    whole_block: Any
    one_line: Any
    read_options: Any
    parse_options: Any
    convert_options: Any

    def promised(self, data: bytes, lines: int) -> Callable[[], Any] | None:
        """What reads `data`, so many lines, each with its newline, to rows; None where not all can be good.

        It gives None where the values show that not all are certainly good. UTF-8 is not looked at.
        """
        if self.numbers is not None and self.numbers.may_be(data):
            return partial(self._number_rows, data, lines)
        return partial(self.rows, data) if self.is_certain(data) else None

    def _number_rows(self, data: bytes, lines: int) -> Any:
        try:
            rows = self.rows(data)
        except pa.ArrowInvalid:
            return None
        certain = self.numbers is not None and self.numbers.are(rows, data, lines)
        return rows if certain or self.is_certain(data) else None

    def is_certain(self, data: bytes) -> bool:
        """Whether every line of `data`, each with its newline, is certainly good; UTF-8 is not looked at."""
        return matches(data, self.whole_block)

    def certain_parts(self, parts: list[bytes]) -> list[bool]:
        """Which of `parts`, whole lines that end with a newline, are certain in all their lines and UTF-8.

        Together, since to prepare the pattern takes half a millisecond.
        """
        matches = pc.match_substring_regex(pa.array(parts, pa.large_binary()), options=self.whole_block)
        return [good and is_utf8(part) for part, good in zip(parts, matches.to_pylist(), strict=True)]

    def certain(self, lines: list[bytes]) -> list[bool]:
        """Which of `lines`, without their newlines, are certainly good; UTF-8 is not looked at."""
        matches = pc.match_substring_regex(pa.array(lines, pa.binary()), options=self.one_line)
        answer: list[bool] = matches.to_pylist()
        return answer

    def rows(self, data: bytes) -> Any:
        """The rows of lines that are certainly good, as a table of the contract's columns."""
        if not data:
            return self.schema.empty_table()
        table = pa.csv.read_csv(
            pa.BufferReader(data), self.read_options, self.parse_options, self.convert_options
        )
        return table.cast(self.schema)


def shape(contract: BronzeContract) -> CsvShape:
    """Prepare `contract`."""
    names = [column.name for column in contract.columns]
    dialect = contract.csv
    line = _literal(dialect.delimiter).join(_field(column, dialect) for column in contract.columns)
    return CsvShape(
        schema=arrow_schema(tuple((column.name, column.type) for column in contract.columns)),
        numbers=number_lines(contract),
        whole_block=pc.MatchSubstringOptions(rf"\A(?:{line}\r?\n)*\z"),
        one_line=pc.MatchSubstringOptions(rf"\A{line}\r?\z"),
        read_options=pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 30),
        parse_options=pa.csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            double_quote=dialect.escape is None,
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types={c.name: _READ_AS.get(c.type, arrow_type(c.type)) for c in contract.columns},
            null_values=[""],
            true_values=["true"],
            false_values=["false"],
            strings_can_be_null=True,
        ),
    )


def _field(column: Column, dialect: Dialect) -> str:
    """What is certain of one field: its value bare or in quotes, or nothing where null is allowed."""
    delimiter, quote = _literal(dialect.delimiter), _literal(dialect.quote)
    if column.type == "string":
        bare = rf"[^{quote}{delimiter}\r\n]+"
        pair = "" if dialect.escape else f"|{quote}{quote}"
        quoted = rf"(?:[^{quote}{_literal(dialect.escape)}\r\n]{pair})+"
    else:
        value = certain(column.type)
        if value == NEVER:
            return NEVER
        if dialect.delimiter == "\t":
            value = value.replace(r"[ \t]", "[ ]")  # a tab may not stand around a number
        bare = quoted = f"(?:{value})"
    written = bare if dialect.quote is None else f"(?:{bare}|{quote}{quoted}{quote})"
    return f"(?:{written})" + ("" if column.required else "?")


def _literal(character: str | None) -> str:
    """The character in a regular expression, also inside brackets."""
    return "" if character is None else f"\\x{ord(character):02x}"
