"""Read plainly written columns without a YAML parser: in 1 µs a line instead of 9.

Only YAML that every parser reads the same way is read here: `key: value`, lists, plain and quoted words on
one line. Everything else is left to `control.contracts.source`. A property test checks that both agree.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from control.contracts import source
from control.contracts.source import Mark, Path

_WORD = r"-?[A-Za-z0-9](?:[ -~¡-ɏ]*[!-~¡-ɏ])?"
_QUOTED = r"""'[ -&(-~¡-ɏ]*'|"[ !#-\[\]-~¡-ɏ]*\""""
_ITEM = rf"{_QUOTED}|-?[A-Za-z0-9](?:[A-Za-z0-9_ ./()-]*[A-Za-z0-9_./()-])?"
_LIST = rf"\[(?:(?:{_ITEM})(?:, (?:{_ITEM}))*)?\]"
_VALUE = f"{_WORD}|{_QUOTED}|{_LIST}"
_LINE = re.compile(rf"^( *)(- )?(?:([A-Za-z][A-Za-z0-9_]*):(?: ({_VALUE}))?|({_VALUE}))\n", re.MULTILINE)
_ITEMS = re.compile(rf"(?:^|, )({_ITEM})(?=, |$)")
_DASH = "-"
_CACHED = 65_536
_SCALARS = yaml.SafeLoader("")

# Indentation, key (a dash for an item of a list, empty for a bare value), value.
_Line = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """The text of one column in a file, where it starts, and how far its list is indented."""

    name: str
    text: str
    start: int
    line: int
    indent: int

    def mark(self, path: Path) -> Mark:
        """Return the place of `path` in the column, or of the column itself if `path` is absent."""
        if len(path) > 1:
            document, _ = source.read("", self.text.encode())
            inner = document.mark((0, *path)) if document else Mark(1, self.indent + 3)
            return Mark(self.line + inner.line - 1, inner.column)
        begin = f"{' ' * (self.indent + 2)}{path[0]}:" if path else _DASH
        lines = enumerate(self.text.splitlines(), self.line)
        return Mark(next((n for n, text in lines if text.startswith(begin)), self.line), self.indent + 3)


class _UnclearError(ValueError):
    """Something that only a YAML parser can decide."""


def read(block: Block) -> dict[str, Any] | None:
    """Return the column as written; None when a YAML parser has to decide."""
    text = f"{block.text.rstrip()}\n"
    found = _LINE.findall(text)
    if len(found) != text.count("\n"):
        return None
    try:
        lines = _lines(found)
        [column], end = _list(lines, 0)
    except ValueError:
        return None
    return column if isinstance(column, dict) and end == len(lines) else None


def _lines(found: Sequence[tuple[str, str, str, str, str]]) -> list[_Line]:
    lines: list[_Line] = []
    for indent, dash, key, value, item in found:
        depth = len(indent)
        if dash:
            lines.append((depth, _DASH, ""))
            depth += len(dash)
        elif item:
            raise _UnclearError("a value that continues the line before")
        lines.append((depth, key, value or item))
    return lines


def _list(lines: Sequence[_Line], at: int) -> tuple[list[Any], int]:
    depth, items = lines[at][0], []
    while at < len(lines) and lines[at][:2] == (depth, _DASH):
        item, at = _value(lines, at + 1)
        items.append(item)
    return items, at


def _value(lines: Sequence[_Line], at: int) -> tuple[Any, int]:
    _, key, value = lines[at]
    if key == _DASH:
        return _list(lines, at)
    return _mapping(lines, at) if key else (_flow_value(value), at + 1)


def _mapping(lines: Sequence[_Line], at: int) -> tuple[dict[str, Any], int]:
    depth, found = lines[at][0], dict[str, Any]()
    while at < len(lines) and lines[at][0] == depth and lines[at][1] != _DASH:
        _, key, value = lines[at]
        if key in found or not isinstance(_scalar(key), str):
            raise _UnclearError(key)
        at += 1
        if value:
            found[key] = _flow_value(value)
        elif at < len(lines) and lines[at][0] > depth:
            found[key], at = _value(lines, at)
        else:
            found[key] = None
    return found, at


def _flow_value(value: str) -> Any:
    if value[0] in "'\"":
        return value[1:-1]
    if value[0] == "[":
        return [_flow_value(item) for item in _ITEMS.findall(value[1:-1])]
    if ": " in value or " #" in value or value[-1] == ":":
        raise _UnclearError(value)
    return _scalar(value)


@functools.lru_cache(_CACHED)
def _scalar(text: str) -> object:
    """Return a plain word as YAML reads it: text, number, boolean, date or null."""
    tag = _SCALARS.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    value: object = _SCALARS.construct_object(yaml.ScalarNode(tag, text))
    return value
