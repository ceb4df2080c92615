"""Split a statement into tokens with their positions, leaving out comments and blanks.

There are two string syntaxes: in queries only a doubled quote is special, in Hive DDL also a backslash.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from localcloud.athena.errors import AthenaError, syntax_error

Sort = Literal["word", "quoted", "ticked", "string", "number", "mark"]

_PATTERN = r"""
    (?P<blank>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w$@]) | \.\d+(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W]+[\w$@]*)
  | (?P<string>{string})
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<ticked>`(?:[^`]|``)*`)
  | (?P<mark>->|<=|>=|<>|!=|\|\||.)
"""
_QUERY = re.compile(_PATTERN.format(string=r"'(?:[^']|'')*'"), re.VERBOSE | re.DOTALL)
_HIVE = re.compile(_PATTERN.format(string=r"'(?:[^'\\]|\\.|'')*'"), re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)|''", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token: `raw` as written, `value` without quotes, `start` and `stop` in the text."""

    sort: Sort
    raw: str
    value: str
    start: int
    stop: int

    @property
    def keyword(self) -> str:
        """The word or symbol in upper case; empty for anything quoted and for numbers."""
        return self.raw.upper() if self.sort in ("word", "mark") else ""


def tokenize(text: str, *, hive: bool = False) -> Iterator[Token]:
    """Yield the tokens of `text`. Raises AthenaError SYNTAX_ERROR for an unclosed quote or comment."""
    pattern = _HIVE if hive else _QUERY
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        if match is None or match.lastgroup is None:  # every character is at least a mark
            raise unexpected(text, at, text[at])
        at, raw, sort = match.end(), match.group(), match.lastgroup
        if sort == "blank":
            continue
        if raw in ("'", '"', "`") or (raw == "/" and text.startswith("/*", match.start())):
            raise unexpected(text, match.start(), raw)
        yield Token(sort, raw, _value(raw, sort, hive), match.start(), at)  # type: ignore[arg-type]


def _value(raw: str, sort: str, hive: bool) -> str:
    if sort == "string":
        inner = raw[1:-1]
        return _ESCAPE.sub(_unescape, inner) if hive else inner.replace("''", "'")
    if sort == "quoted":
        return raw[1:-1].replace('""', '"')
    return raw[1:-1].replace("``", "`") if sort == "ticked" else raw


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code is None:
        return "'"
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    return _ESCAPES.get(code, code)


def place(text: str, at: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def unexpected(text: str, at: int, found: str, expecting: str = "") -> AthenaError:
    """Return the syntax error for an unexpected token."""
    line, column = place(text, at)
    tail = f". Expecting: {expecting}" if expecting else ""
    return syntax_error(f"mismatched input '{found}'{tail}", line=line, column=column)
