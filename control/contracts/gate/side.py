"""One version of a contract as the gate compares it.

A column whose text is the same in both versions is the same column, so it is not even parsed: that is what
lets 500 contracts of 200 columns pass in seconds.
"""

import bisect
import functools
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import yaml

from control.contracts import load, odcs, source
from control.contracts.model import Finding
from control.contracts.source import Document, Mark, Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FIRST = re.compile(r"^ *properties:[ \t]*\n( *)(?=- )", re.MULTILINE)
_ITEM = re.compile(r""" *- name: *["']?([A-Za-z_]\w*)["']? *(?:#.*)?$""", re.MULTILINE)
_ANCHOR = re.compile(r"[:\-\[,] +[&*]\w")


@dataclass(frozen=True, slots=True)
class Block:
    """The text of one column in a file, and where it starts there."""

    name: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what is written about it, and its place in the list of the side's document."""

    name: str
    written: Mapping[str, Any]
    index: int

    @property
    def place(self) -> Path:
        """Where the column stands in the side's document."""
        return ("schema", 0, "properties", self.index)

    @property
    def custom(self) -> Mapping[str, object]:
        """The column's custom properties."""
        return load.custom(self.written)


@dataclass(frozen=True, slots=True)
class Side:
    """A version of a contract without the columns that both versions share word by word.

    `names` are all its columns in order; `shared` gives the text of those that are left out of `document`.
    """

    document: Document
    names: tuple[str, ...]
    shared: Mapping[str, str]

    @property
    def data(self) -> Mapping[str, Any]:
        """The contract as written, apart from the shared columns."""
        return self.document.mapping

    @property
    def table(self) -> Mapping[str, Any]:
        """The contract's table as written; empty when there is none."""
        return self.document.table

    @property
    def custom(self) -> Mapping[str, object]:
        """The custom properties of the table."""
        return load.custom(self.table)

    @property
    def listed(self) -> list[tuple[str, Column]]:
        """The columns that the other side does not have word by word, as listed."""
        written = self.table.get("properties") or []
        return [(str(c.get("name")), Column(str(c.get("name")), c, i)) for i, c in enumerate(written)]

    @property
    def own(self) -> dict[str, Column]:
        """The same by name."""
        return dict(self.listed)

    def having(self, key: str) -> dict[str, Mapping[str, Any]]:
        """Every column, shared or not, that has `key`."""
        found = {name: _parsed(text) for name, text in self.shared.items() if key in text}
        found |= {name: column.written for name, column in self.own.items()}
        return {name: found[name] for name in self.names if found.get(name, {}).get(key) is not None}


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, Any]:
    [column] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    found: Mapping[str, Any] = column
    return found


def read(files: tuple[str, str], contents: tuple[bytes, bytes]) -> tuple[list[Side], list[Finding]]:
    """Read both versions of a contract, the old one first; findings instead when one cannot be used.

    The old version was accepted once, so only what the new one says otherwise is held against the standard:
    its JSON Schema takes 0.2 s for 200 columns. See `explain` for an old version that cannot be compared.
    """
    blocks = [_cut(_text(content)) for content in contents]
    same = {b.text for b in blocks[0] or ()} & {b.text for b in blocks[1] or ()}
    sides: list[Side] = []
    findings: list[Finding] = []
    for file, content, cut in zip(files, contents, blocks, strict=True):
        side, found = _read(file, content, cut or [], same)
        findings += found
        if side is not None:
            sides.append(side)
    if not findings:
        said_otherwise = _otherwise(sides[0].data, sides[1].document)
        findings = [*odcs.findings(said_otherwise), *(f for side in sides for f in _duplicates(side))]
    return sides, findings


def explain(file: str, content: bytes) -> list[Finding]:
    """Everything that the standard has against a contract."""
    document, findings = source.read(file, content)
    return [*findings, *(odcs.findings(document) if document else ())]


def _read(
    file: str, content: bytes, blocks: Sequence[Block], same: Set[str]
) -> tuple[Side | None, list[Finding]]:
    left_out = [block for block in blocks if block.text in same]
    if len(left_out) == len(blocks):
        left_out = left_out[1:]  # a table without columns would be a finding
    if not left_out:
        document, found = source.read(file, content)
        names = [name for name, _ in Side(document, (), {}).listed] if document and not found else []
        return Side(document, tuple(names), {}) if document else None, list(found)
    kept = _Kept.without(left_out, _text(content))
    document, found = source.read(file, kept.text.encode())
    moved = [replace(f, line=kept.line(f.line)) for f in found]
    if document is None:
        return None, moved
    marks = {path: Mark(kept.line(mark.line), mark.column) for path, mark in document.marks.items()}
    names = [block.name for block in blocks]
    shared = {block.name: block.text for block in left_out}
    return Side(replace(document, marks=marks), tuple(names), shared), moved


def _otherwise(before: Mapping[str, Any], head: Document) -> Document:
    """What the new version says otherwise, and what every contract must say."""
    if not isinstance(head.data, dict):
        return head
    kept = {
        key: value
        for key, value in head.data.items()
        if not isinstance(value, dict | list) or before.get(key) != value
    }
    return replace(head, data=kept)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _cut(text: str) -> list[Block] | None:
    """The columns as blocks of text; None when the text is not laid out one column after the other."""
    first = _FIRST.search(text)
    if first is None or _ANCHOR.search(text) or not text.endswith("\n"):
        return None
    indent, begin = len(first[1]), first.start(1)
    found: list[Block] = []
    for line in _at_most(indent).finditer(text, begin + 1):
        name = _ITEM.match(text, begin)
        if name is None:
            return None
        found.append(Block(name[1], text[begin : line.start()], begin))
        begin = line.start()
        if line.end() - begin < indent or not text.startswith("- ", line.end()):
            return found
    return None  # nothing after the columns, not even the consumers


@functools.cache
def _at_most(indent: int) -> re.Pattern[str]:
    """The start of a line that is not deeper than `indent`, blank lines and comments apart."""
    return re.compile(rf"^ {{0,{indent}}}(?=[^ #\r\n])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text without some blocks; `starts` pairs lines in it with the lines where they come from, from 1."""

    text: str
    starts: tuple[tuple[int, int], ...]

    @classmethod
    def without(cls, blocks: Sequence[Block], text: str) -> "_Kept":
        pieces, starts = [], [(1, 1)]
        at, reduced, line = 0, 1, 1
        for block in blocks:
            pieces.append(text[at : block.start])
            lines = pieces[-1].count("\n")
            reduced, line = reduced + lines, line + lines + block.text.count("\n")
            starts.append((reduced, line))
            at = block.start + len(block.text)
        return cls("".join([*pieces, text[at:]]), tuple(starts))

    def line(self, reduced: int) -> int:
        """Where a line of the text comes from."""
        begin, line = self.starts[bisect.bisect_right(self.starts, (reduced, sys.maxsize)) - 1]
        return line + reduced - begin


def _duplicates(side: Side) -> list[Finding]:
    found = []
    for name in [name for name, count in Counter(side.names).items() if count > 1]:
        place: Path = next(
            (c.place for n, c in reversed(side.listed) if n == name), ("schema", 0, "properties")
        )
        message = f"column {name!r} is there {side.names.count(name)} times: remove all but one"
        found.append(side.document.finding("column-duplicate", (*place, "name"), message))
    return found
