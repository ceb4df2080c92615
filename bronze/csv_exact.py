"""Read one CSV line by the exact rules: the contract's dialect and the type of each column."""

import re
from collections.abc import Callable

from bronze.contract import BronzeContract
from bronze.dialect import Dialect
from bronze.errors import RefusedError
from bronze.nested import from_text


def splitter(dialect: Dialect) -> Callable[[bytes], list[str]]:
    """Return a function that splits one record, given without its newline, into its fields.

    An empty field, quoted or not, is an empty text. The function raises RefusedError: `encoding`, or
    `unbalanced_quote` for misplaced quotes.
    """
    delimiter, quote = dialect.delimiter, dialect.quote
    quoted_fields = None if quote is None else _quoted_fields(dialect, quote)

    def fields(line: bytes) -> list[str]:
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise RefusedError("encoding") from None
        if quoted_fields is None or quote is None or quote not in text:
            return text.split(delimiter)
        return quoted_fields(text)

    return fields


def _quoted_fields(dialect: Dialect, quote: str) -> Callable[[str], list[str]]:
    sign, delimiter = re.escape(quote), re.escape(dialect.delimiter)
    escape = re.escape(quote if dialect.escape is None else dialect.escape)
    escaped = re.compile(f"{escape}([{sign}{escape}])")
    # An escape before any other character is text. Possessive: no backtracking may end the field early.
    pair = f"{escape}{sign}" if dialect.escape is None else f"{escape}[{sign}{escape}]?+"
    inside = f"(?:[^{sign}{escape}]|{pair})*+"
    field = re.compile(f"(?:{sign}({inside}){sign}|([^{sign}{delimiter}]*))({delimiter}|\\Z)")

    def fields(text: str) -> list[str]:
        found: list[str] = []
        position, more = 0, True
        while more:
            match = field.match(text, position)
            if match is None:
                raise RefusedError("unbalanced_quote")
            quoted, bare, separator = match.groups()
            found.append(bare if quoted is None else escaped.sub(r"\1", quoted))
            position, more = match.end(), separator != ""
        return found

    return fields


def judge(contract: BronzeContract) -> Callable[[bytes], list[object]]:
    """Return a function that reads one line to the values of the contract's columns, or raises RefusedError.

    The first bad column gives the reason: `null:<column>`, `type:<column>` or `range:<column>`.
    """
    absent_is_null = contract.absent == "null"
    readers = [
        (column.name, column.required, from_text(column.type, absent_is_null=absent_is_null))
        for column in contract.columns
    ]
    fields = splitter(contract.csv)

    def values(line: bytes) -> list[object]:
        texts = fields(line)
        if len(texts) != len(readers):
            raise RefusedError("field_count")
        found: list[object] = []
        for text, (name, required, read) in zip(texts, readers, strict=True):
            if text:
                try:
                    found.append(read(text))
                except RefusedError as refusal:
                    raise refusal.of(name) from None
            elif required:
                raise RefusedError(f"null:{name}")
            else:
                found.append(None)
        return found

    return values
