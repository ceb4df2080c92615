"""Find the relations that use a column: those that hold its value, over any hops, or filter by it."""

from collections.abc import Mapping, Sequence

from control.contracts.gate.registry import Use
from control.lineage.ask import Graph
from control.lineage.model import split_column


class Users:
    """Implements what the contract gate needs of lineage."""

    def __init__(self, graph: Graph) -> None:
        self._down = graph.down
        self._columns: dict[str, set[str]] = {}
        for name in graph.columns():
            relation, column = split_column(name)
            self._columns.setdefault(relation, set()).add(column)

    def users(self, relation: str, columns: Sequence[str]) -> Mapping[str, Use]:
        """Return every other relation that uses one of `columns`, or any column if `columns` is empty.

        Relations that depend on these only by the rows that a filter or a join leaves are not included: they
        keep working, with other rows. `dm lineage impact` names them, too.
        """
        known = self._columns.get(relation, set())
        wanted = known.intersection(columns) if columns else known
        starts = sorted(f"{relation}.{name}" for name in wanted)
        held: dict[str, list[str]] = {}
        by: dict[str, str] = {}
        seen, ahead = set(starts), list(starts)
        for column in ahead:  # grows while it is read: the nearest come first
            for hop in self._down.get(column, ()):
                target, name = split_column(hop.target)
                if target != relation:
                    by.setdefault(target, column)
                if hop.kind == "direct" and hop.target not in seen:
                    seen.add(hop.target)
                    held.setdefault(target, []).append(name)
                    ahead.append(hop.target)
        return {target: Use(by[target], tuple(held.get(target, ()))) for target in by}
