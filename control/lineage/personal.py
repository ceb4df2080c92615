"""Find columns that show personal values of bronze although their contract does not say so."""

from collections.abc import Container, Iterable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from control.contracts import technical
from control.contracts.model import Column, Contract
from control.lineage.ask import Graph, Hop
from control.lineage.check import Hole

# These show how many, how long or whether, but not the value.
_HIDES = (exp.Count, exp.ApproxDistinct, exp.Length, exp.Predicate)


def shown(graph: Graph, contracts: Iterable[Contract]) -> Iterator[Hole]:
    """Yield a finding for each column of silver and gold that a personal value of bronze reaches.

    State tables have no contract of their own and may hold such values. The search stops at a finding.
    """
    listed = list(contracts)
    known = {
        f"{contract.layer}.{contract.table}.{column.name}": (contract, column)
        for contract in listed
        if contract.layer != "bronze"
        for column in contract.columns
    }
    for bronze in listed:
        for column in (*bronze.columns, *technical.exact_columns(bronze)) if bronze.layer == "bronze" else ():
            if column.classification == "personal":
                yield from _reached(f"bronze.{bronze.table}.{column.name}", column, graph, known)


def _reached(
    start: str, column: Column, graph: Graph, known: dict[str, tuple[Contract, Column]]
) -> Iterator[Hole]:
    seen, ahead = {start}, [start]
    while ahead:
        for hop in graph.down.get(ahead.pop(), ()):
            if hop.kind != "direct" or hop.target in seen or not passes(hop, _beside(hop, graph)):
                continue
            seen.add(hop.target)
            if hop.target not in known:
                ahead.append(hop.target)
                continue
            contract, found = known[hop.target]
            instead = f"show {column.name}_token" if column.token else "leave it out"
            message = (
                f"{hop.target} is {found.classification} by its contract, but holds {start}, which is"
                f" personal: {instead} in the model"
            )
            yield Hole("lineage-personal", contract.file, hop.target, message)


def _beside(hop: Hop, graph: Graph) -> set[str]:
    """Return the names of the other columns whose values are in the target."""
    names = {one.source.rpartition(".")[2] for one in graph.up.get(hop.target, ()) if one.kind == "direct"}
    return names - {hop.source.rpartition(".")[2]}


def passes(hop: Hop, others: Container[str]) -> bool:
    """Whether the target shows something of the source's value, by the expression between them.

    `others` are names of columns that stand for themselves in it; any other name may be the source's in a
    subquery.
    """
    try:
        tree = sqlglot.parse_one(hop.expression, dialect="athena")
    except SqlglotError:
        return True
    columns = [column for column in tree.find_all(exp.Column) if column.name not in others]
    return not columns or any(column.find_ancestor(*_HIDES) is None for column in columns)
