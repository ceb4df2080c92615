"""Query a lineage: what a column comes from, and what a change of it would reach."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from control.errors import NotFoundError, UsageError
from control.lineage.model import VERSION, Kind, split_column
from control.serialization import NOT_JSON

Direction = Literal["up", "down"]
DIRECT: frozenset[Kind] = frozenset({"direct"})
EVERY: frozenset[Kind] = frozenset({"direct", "indirect"})


class Hop(msgspec.Struct, frozen=True):
    """An edge as written in lineage.json."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    kind: Kind
    expression: str


class _File(msgspec.Struct):
    version: int
    edges: list[Hop]
    unresolved: list[Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """The edges of a lineage by target column (`up`) and by source column (`down`)."""

    up: Mapping[str, Sequence[Hop]]
    down: Mapping[str, Sequence[Hop]]

    def columns(self) -> set[str]:
        """Return every column that an edge names."""
        return {*self.up, *self.down}


@dataclass(frozen=True, slots=True)
class Branch:
    """A column in a tree: its edge to the column before, and its own branches.

    `repeated` says that its branches are shown elsewhere in the tree.
    """

    column: str
    kind: str = ""
    expression: str = ""
    repeated: bool = False
    branches: tuple["Branch", ...] = field(default=())


def read(path: Path) -> Graph:
    """Read a lineage.json. Raises NotFoundError when it is missing and UsageError when it is not valid."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist", hint="run `dm lineage build --compile`") from None
    except NOT_JSON as error:
        raise UsageError(f"{path} is not a lineage: {error}", hint="run `dm lineage build` again") from None
    if found.version != VERSION:
        raise UsageError(
            f"{path} has version {found.version}, not {VERSION}", hint="run `dm lineage build` again"
        )
    return graph(found.edges)


def graph(edges: Iterable[Hop]) -> Graph:
    """Index edges in both directions."""
    up: dict[str, list[Hop]] = {}
    down: dict[str, list[Hop]] = {}
    for edge in edges:
        up.setdefault(edge.target, []).append(edge)
        down.setdefault(edge.source, []).append(edge)
    return Graph(up, down)


def tree(graph: Graph, column: str, direction: Direction, *, kinds: frozenset[Kind]) -> Branch:
    """Return all that `column` comes from, or all that it reaches, along edges of `kinds`.

    Raises NotFoundError for a column that no edge names.
    """
    known = graph.columns()
    if column not in known:
        raise NotFoundError(f"no column {column} in the lineage", hint=nearest(column, known))
    return _grown(graph, Branch(column), direction, kinds, set())


def reached(graph: Graph, column: str, kinds: frozenset[Kind]) -> set[str]:
    """Return every column that depends on `column` over any number of hops of these kinds."""
    found: set[str] = set()
    ahead = [column]
    while ahead:
        for hop in graph.down.get(ahead.pop(), ()):
            if hop.kind in kinds and hop.target not in found:
                found.add(hop.target)
                ahead.append(hop.target)
    return found


def normalized(column: str) -> str:
    """Return a column as lineage.json writes it: in lower case, except for raw fields and source columns."""
    return column if column.startswith(("raw.", "source.")) else column.lower()


def lines(branch: Branch, indent: str = "") -> Iterator[str]:
    """Yield a tree as text, one column a line."""
    yield f"{indent}{_label(branch)}"
    for child in branch.branches:
        yield from lines(child, indent + "  ")


def _label(branch: Branch) -> str:
    if not branch.kind:
        return branch.column
    name = split_column(branch.column)[1]
    names = (branch.expression.strip('"'), branch.expression.rpartition(".")[2])
    how = "" if name in names else f"  {branch.expression[:100]}"
    more = "  (shown above)" if branch.repeated else ""
    mark = "" if branch.kind == "direct" else f"  [{branch.kind}]"
    return f"{branch.column}{mark}{how}{more}"


def _grown(
    graph: Graph, branch: Branch, direction: Direction, kinds: frozenset[Kind], seen: set[str]
) -> Branch:
    hops = [
        h for h in (graph.up if direction == "up" else graph.down).get(branch.column, ()) if h.kind in kinds
    ]
    if branch.column in seen:
        return Branch(branch.column, branch.kind, branch.expression, repeated=bool(hops))
    seen.add(branch.column)
    children = [
        Branch(hop.source if direction == "up" else hop.target, hop.kind, hop.expression) for hop in hops
    ]
    grown = tuple(_grown(graph, child, direction, kinds, seen) for child in children)
    return Branch(branch.column, branch.kind, branch.expression, branches=grown)


def nearest(column: str, known: set[str]) -> str:
    """Suggest what an unknown column may mean: the columns of that table, or similar names."""
    import difflib

    if of_table := sorted(name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == column):
        return f"name one of its columns: {', '.join(of_table)}"
    near = difflib.get_close_matches(column, known, n=3)
    return f"did you mean {' or '.join(near)}?" if near else "names are schema.table.column"
