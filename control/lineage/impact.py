"""Find what a change of a column reaches, and whom to tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from control.contracts.model import Consumer, Contract
from control.errors import NotFoundError, UsageError
from control.lineage.ask import DIRECT, EVERY, Graph, nearest, normalized, reached
from control.lineage.model import split_column


@dataclass(frozen=True, slots=True)
class Reached:
    """A table that a change reaches.

    `values` are the columns whose values come from the changed one. For the columns in `rows` it only decides
    which rows there are, their order or rank. `consumers` read the table.
    """

    table: str
    values: tuple[str, ...]
    rows: tuple[str, ...]
    consumers: tuple[Consumer, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What depends on `column`, by table."""

    column: str
    tables: tuple[Reached, ...]


def column_named(text: str) -> str:
    """Return `schema.table.column`, also for `contracts/<layer>/<table>.yaml#<column>`. Raises UsageError."""
    path, mark, column = text.partition("#")
    if not mark:
        return normalized(text)
    file = PurePosixPath(path)
    if not column or file.suffix not in (".yaml", ".yml") or not file.parent.name:
        hint = "write schema.table.column or contracts/<layer>/<table>.yaml#<column>"
        raise UsageError(f"{text} names no column", hint=hint)
    return f"{file.parent.name}.{file.stem}.{column}".lower()


def of(graph: Graph, column: str, contracts: Iterable[Contract]) -> Impact:
    """Return what `column` reaches. Raises NotFoundError for a column that no edge names."""
    known = graph.columns()
    if column not in known:
        raise NotFoundError(f"no column {column} in the lineage", hint=nearest(column, known))
    values = _by_table(reached(graph, column, DIRECT))
    every = _by_table(reached(graph, column, EVERY))
    readers = {f"{c.layer}.{model}": c.consumers for c in contracts for model in c.models or (c.table,)}
    tables = [
        Reached(
            table,
            values=tuple(sorted(values.get(table, ()))),
            rows=tuple(sorted(names - values.get(table, set()))),
            consumers=readers.get(table, ()),
        )
        for table, names in sorted(every.items())
    ]
    return Impact(column, tuple(tables))


def _by_table(columns: Iterable[str]) -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for column in columns:
        table, name = split_column(column)
        tables.setdefault(table, set()).add(name)
    return tables
