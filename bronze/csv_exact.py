"""Read one CSV line exactly, by the rules of RFC 4180 and of each column's type."""

import re
from collections.abc import Callable, Sequence

from bronze.contract import Column
from bronze.errors import RefusedError
from bronze.lexical import reading

_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)')


def fields(line: bytes) -> list[str]:
    """Split one record, without its newline. An empty field, quoted or not, is an empty text.

    Raises RefusedError: `encoding`, or `unbalanced_quote` for quotes that RFC 4180 does not allow.
    """
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise RefusedError("encoding") from None
    if '"' not in text:
        return text.split(",")
    found: list[str] = []
    position, more = 0, True
    while more:
        match = _FIELD.match(text, position)
        if match is None:
            raise RefusedError("unbalanced_quote")
        quoted, bare, separator = match.groups()
        found.append(bare if quoted is None else quoted.replace('""', '"'))
        position, more = match.end(), separator == ","
    return found


def judge(columns: Sequence[Column]) -> Callable[[bytes], list[object]]:
    """A function that reads one line to the values of `columns`, or raises RefusedError.

    The first column that is wrong gives the reason: `null:<column>`, `type:<column>` or `range:<column>`.
    """
    readers = [(column.name, column.required, reading(column.type).text) for column in columns]

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
                    raise RefusedError(f"{refusal.reason}:{name}") from None
            elif required:
                raise RefusedError(f"null:{name}")
            else:
                found.append(None)
        return found

    return values
