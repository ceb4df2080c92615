"""Read YAML with the line of each value, so that a finding can point at its cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from control.contracts.model import Finding

Path = tuple[str | int, ...]
# libyaml reads this repository's contracts in 13 ms, the Python scanner in 190 ms.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# Not `on`, `yes`, `~` or a date, which YAML does not read as text.
_TEXT_KEYS = (":str", ":int", ":float")
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its text, its data, and the place of each value's key (or list item)."""

    file: str
    text: str
    data: object
    marks: Mapping[Path, Mark]

    @property
    def mapping(self) -> Mapping[str, Any]:
        """The contract as it is written; empty when the document is no mapping."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def table(self) -> Mapping[str, Any]:
        """The contract's first table as it is written; empty when there is none."""
        tables = self.mapping.get("schema")
        first = tables[0] if isinstance(tables, list) and tables else None
        return first if isinstance(first, dict) else {}

    @property
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """The first table's columns as they are written; none when they are no list of mappings."""
        listed = self.table.get("properties")
        if not isinstance(listed, list) or not all(isinstance(column, dict) for column in listed):
            return ()
        return listed

    def mark(self, path: Path) -> Mark:
        """Return the place of `path`, or of its nearest present parent if it is absent."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))

    def finding(self, code: str, path: Path, message: str) -> Finding:
        """Return an error at the place of `path`."""
        mark = self.mark(path)
        return Finding(code, "error", self.file, mark.line, mark.column, message)


def read(file: str, content: bytes) -> tuple[Document | None, tuple[Finding, ...]]:
    """Read `content` as one YAML document; the document is None when it cannot be read at all.

    Duplicate keys, keys that are not text and aliases are findings; for a duplicate the first one counts.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8: save the file as UTF-8"
        return None, (Finding("yaml-encoding", "error", file, line, 1, message),)
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None, (_syntax(file, Mark(1, 1), "the file is empty: write a contract into it"),)
        walk = _Walk(file)
        data = walk.value(node, ())
    except yaml.MarkedYAMLError as error:
        problem = error.problem_mark or error.context_mark
        mark = Mark(problem.line + 1, problem.column + 1) if problem else Mark(1, 1)
        what = " ".join(part for part in (error.context, error.problem) if part)
        begin = error.context_mark.line + 1 if error.context_mark else mark.line
        start = "" if begin == mark.line else f" (it starts on line {begin})"
        return None, (_syntax(file, mark, f"not valid YAML: {what}{start}"),)
    except (yaml.YAMLError, RecursionError) as error:
        return None, (_syntax(file, Mark(1, 1), f"not valid YAML: {str(error).splitlines()[0]}"),)
    return Document(file, text, data, walk.marks), tuple(walk.findings)


def _syntax(file: str, mark: Mark, message: str) -> Finding:
    return Finding("yaml-syntax", "error", file, mark.line, mark.column, message)


class _Walk:
    """Turns nodes into plain data and records the place of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Path, Mark] = {}
        self.findings: list[Finding] = []
        self.seen: set[int] = set()
        self.scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: Path) -> object:
        self.marks.setdefault(path, _mark(node))
        if id(node) in self.seen:
            self._finding("yaml-alias", node, "an alias repeats another part of the file: write it out")
            return None
        self.seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self._finding("yaml-value", node, f"{node.tag} is not plain YAML: remove the tag")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return self.scalars.construct_object(node)
        except ValueError as error:
            self._finding("yaml-value", node, f"{node.value!r}: {error}, quote it to mean text")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(_TEXT_KEYS):
                shown = repr(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "here"
                self._finding("yaml-key", key_node, f"the key {shown} is not text for YAML: quote it")
                continue
            key = str(key_node.value)
            if key in data:
                first = self.marks[(*path, key)].line
                message = f"key {key!r} is already given on line {first}: remove one of the two"
                self._finding("yaml-duplicate-key", key_node, message)
                continue
            self.marks[(*path, key)] = _mark(key_node)
            data[key] = self.value(value_node, (*path, key))
        return data

    def _finding(self, code: str, node: yaml.Node, message: str) -> None:
        mark = _mark(node)
        self.findings.append(Finding(code, "error", self.file, mark.line, mark.column, message))


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)
