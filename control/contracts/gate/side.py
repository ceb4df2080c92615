"""One version of a contract as the gate compares it.

A column whose text is the same in both versions is not parsed, and a plainly written column needs no YAML
parser. This is why 500 contracts of 200 columns take only seconds.
"""

import bisect
import functools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import yaml

from control.contracts import fast_check, load, odcs, source
from control.contracts.gate import plain
from control.contracts.gate.plain import Block
from control.contracts.model import Finding
from control.contracts.source import Document, Mark, Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COLUMNS: Path = ("schema", 0, "properties")
_FIRST = re.compile(r"^ *properties:[ \t]*\n( *)(?=- )", re.MULTILINE)
_ITEM = re.compile(r""" *- name: *["']?([A-Za-z_]\w*)["']? *(?:#.*)?$""", re.MULTILINE)
_ANCHOR = re.compile(r"[:\-\[,] +[&*]\w")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its entry as written, and its index in the side's list of columns."""

    name: str
    written: Mapping[str, Any]
    index: int

    @property
    def place(self) -> Path:
        """The column's place; see `Side.mark`."""
        return (*_COLUMNS, self.index)

    @property
    def custom(self) -> Mapping[str, object]:
        """The column's custom properties."""
        return load.custom(self.written)


@dataclass(frozen=True, slots=True)
class Side:
    """A version of a contract, apart from the columns whose text both versions share.

    `names` are all its columns in order. `shared` has the text of the shared ones, `own` holds the others.
    The last of `own` are the `plain` ones, which `document` leaves out.
    """

    document: Document
    names: tuple[str, ...]
    shared: Mapping[str, str]
    own: Mapping[str, Column]
    plain: Sequence[Block]

    @property
    def data(self) -> Mapping[str, Any]:
        """The contract as written, apart from shared and plain columns."""
        return self.document.mapping

    @property
    def table(self) -> Mapping[str, Any]:
        """The contract's table as written; empty when there is none."""
        return self.document.table

    @property
    def custom(self) -> Mapping[str, object]:
        """The custom properties of the table."""
        return load.custom(self.table)

    def having(self, key: str) -> dict[str, Mapping[str, Any]]:
        """Return every column, shared or not, that has `key`."""
        found = {name: _parsed(text) for name, text in self.shared.items() if key in text}
        found |= {name: column.written for name, column in self.own.items()}
        return {name: found[name] for name in self.names if found.get(name, {}).get(key) is not None}

    def mark(self, place: Path) -> Mark:
        """Return the line and column of `place` in the file."""
        if self.plain and len(place) > len(_COLUMNS) and place[: len(_COLUMNS)] == _COLUMNS:
            index, *keys = place[len(_COLUMNS) :]
            number = int(index) - (len(self.own) - len(self.plain))
            if number >= 0:
                return self.plain[number].mark(tuple(keys))
        return self.document.mark(place)


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, Any]:
    [column] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    found: Mapping[str, Any] = column
    return found


def read(files: tuple[str, str], contents: tuple[bytes, bytes]) -> tuple[list[Side], list[Finding]]:
    """Read both versions of a contract, the old one first; return findings when one cannot be used.

    The old version was accepted once, so only what differs in the new one is checked against the standard.
    See `explain` for an old version that cannot be compared.
    """
    sides, findings = _both(files, contents, patient=False)
    return _both(files, contents, patient=True) if findings else (sides, findings)


def explain(file: str, content: bytes) -> list[Finding]:
    """Return everything in a contract that the standard does not allow."""
    document, findings = source.read(file, content)
    return [*findings, *(odcs.findings(document) if document else ())]


def _both(
    files: tuple[str, str], contents: tuple[bytes, bytes], *, patient: bool
) -> tuple[list[Side], list[Finding]]:
    """Read both versions; `patient` parses every differing column as YAML, which finds what is wrong."""
    blocks = [_cut(content) for content in contents]
    same = {b.text for b in blocks[0]} & {b.text for b in blocks[1]}
    sides: list[Side] = []
    findings: list[Finding] = []
    for file, content, cut in zip(files, contents, blocks, strict=True):
        side, found = _read(file, content, cut, {} if patient else _quickly(cut, same), same)
        findings += found
        if side is not None:
            sides.append(side)
    if not findings:
        said_otherwise = _otherwise(sides[0].data, sides[1].document)
        findings = [*odcs.findings(said_otherwise), *(f for side in sides for f in _duplicates(side))]
    return sides, findings


def _quickly(blocks: Iterable[Block], same: Set[str]) -> dict[Block, Mapping[str, Any]]:
    """Return the columns that are not shared, and need neither a YAML parser nor the standard's schema."""
    read = ((block, plain.read(block)) for block in blocks if block.text not in same)
    return {block: written for block, written in read if written and fast_check.allowed(written)}


def _read(
    file: str,
    content: bytes,
    blocks: Sequence[Block],
    quick: Mapping[Block, Mapping[str, Any]],
    same: Set[str],
) -> tuple[Side | None, list[Finding]]:
    left_out = [block for block in blocks if block.text in same or block in quick]
    if len(left_out) == len(blocks):
        left_out = left_out[1:]  # a table without columns would be a finding
    kept = _Kept.without(left_out, content)
    document, found = source.read(file, kept.content)
    if document is None:
        return None, [replace(f, line=kept.line(f.line)) for f in found]
    marks = {path: Mark(kept.line(mark.line), mark.column) for path, mark in document.marks.items()}
    document = replace(document, marks=marks)
    fresh = [block for block in left_out if block in quick]
    written = [*document.columns, *(quick[block] for block in fresh)]
    own = {str(c.get("name")): Column(str(c.get("name")), c, i) for i, c in enumerate(written)}
    names = tuple(block.name for block in blocks) or tuple(str(c.get("name")) for c in written)
    shared = {block.name: block.text for block in left_out if block not in quick}
    return Side(document, names, shared, own, fresh), [replace(f, line=kept.line(f.line)) for f in found]


def _otherwise(before: Mapping[str, Any], head: Document) -> Document:
    """Return what differs in the new version, and all its scalar values, some of which are mandatory."""
    if not isinstance(head.data, dict):
        return head
    kept = {
        key: value
        for key, value in head.data.items()
        if not isinstance(value, dict | list) or before.get(key) != value
    }
    return replace(head, data=kept)


def _cut(content: bytes) -> list[Block]:
    """Cut the columns out as blocks of text; empty when they are not laid out one after the other."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return []
    first = _FIRST.search(text)
    if first is None or _ANCHOR.search(text) or not text.endswith("\n"):
        return []
    indent, begin = len(first[1]), first.start(1)
    number = text.count("\n", 0, begin) + 1
    found: list[Block] = []
    for line in _at_most(indent).finditer(text, begin + 1):
        name = _ITEM.match(text, begin)
        if name is None:
            return []
        block = Block(name[1], text[begin : line.start()], begin, number, indent)
        found.append(block)
        begin, number = line.start(), number + block.text.count("\n")
        if line.end() - begin < indent or not text.startswith("- ", line.end()):
            return found
    return []  # nothing after the columns, not even the consumers


@functools.cache
def _at_most(indent: int) -> re.Pattern[str]:
    """Match the start of a line indented by at most `indent`, except for blank lines and comments."""
    return re.compile(rf"^ {{0,{indent}}}(?=[^ #\r\n])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text without some blocks; `starts` pairs its lines with their original lines, counted from 1."""

    content: bytes
    starts: tuple[tuple[int, int], ...]

    @classmethod
    def without(cls, blocks: Sequence[Block], content: bytes) -> "_Kept":
        if not blocks:
            return cls(content, ((1, 1),))
        text = content.decode()
        pieces, starts = [], [(1, 1)]
        at, reduced = 0, 1
        for block in blocks:
            pieces.append(text[at : block.start])
            reduced += pieces[-1].count("\n")
            starts.append((reduced, block.line + block.text.count("\n")))
            at = block.start + len(block.text)
        return cls("".join([*pieces, text[at:]]).encode(), tuple(starts))

    def line(self, reduced: int) -> int:
        """Return the original number of a line of the text."""
        begin, line = self.starts[bisect.bisect_right(self.starts, (reduced, sys.maxsize)) - 1]
        return line + reduced - begin


def _duplicates(side: Side) -> list[Finding]:
    found = []
    for name in [name for name, count in Counter(side.names).items() if count > 1]:
        listed = [i for i, column in enumerate(side.document.columns) if column.get("name") == name]
        place: Path = (*_COLUMNS, listed[-1]) if listed else _COLUMNS
        message = f"column {name!r} occurs {side.names.count(name)} times: remove all but one"
        found.append(side.document.finding("column-duplicate", (*place, "name"), message))
    return found
