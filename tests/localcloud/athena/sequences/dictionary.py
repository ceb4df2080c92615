"""The effect of every statement, on tables that are lists of dictionaries. Imports nothing of localcloud."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from expressions import text_of
from statements import (
    Alter,
    Create,
    Delete,
    Drop,
    Insert,
    Merge,
    Optimize,
    Read,
    Rename,
    Statement,
    Travel,
    Update,
)

Line = tuple[str | None, ...]
AMBIGUOUS = "one row, two clauses"
"""Trino makes two rows of one here, DuckDB refuses it: sequences have no such statement."""


@dataclass(frozen=True)
class Outcome:
    """The rows that a statement returns (sorted), or how many it changed, or its error's code."""

    rows: tuple[Line, ...] | None = None
    count: int | None = None
    error: str = ""


@dataclass
class Table:
    columns: dict[str, str]
    rows: list[dict[str, Any]]
    partitioned: set[str] = field(default_factory=set)
    versions: dict[int, tuple[Line, ...]] = field(default_factory=dict)

    def lines(self) -> tuple[Line, ...]:
        return shown(tuple(text_of(row[name]) for name in self.columns) for row in self.rows)


def shown(rows: Iterator[Line]) -> tuple[Line, ...]:
    """Return the rows in an order that does not depend on the engine."""
    return tuple(sorted(rows, key=lambda row: [(value is None, value or "") for value in row]))


class Lake:
    """All tables, by name."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.at = -1

    def apply(self, statement: Statement) -> Outcome:
        """Apply the next statement."""
        self.at += 1
        outcome = self._apply(statement)
        if outcome.count and statement.table in self.tables:
            table = self.tables[statement.table]
            table.versions[self.at] = table.lines()
        return outcome

    def _apply(self, statement: Statement) -> Outcome:
        match statement:
            case Create():
                return self._create(statement)
            case Insert():
                return self._insert(statement)
            case Update(name, sets, where):
                hit = [row for row in self.tables[name].rows if where.value_of(row)]
                for row in hit:
                    row.update({column: value.value_of(dict(row)) for column, value in sets})
                return Outcome(count=len(hit))
            case Delete(name, where):
                table = self.tables[name]
                kept = [row for row in table.rows if not where.value_of(row)]
                gone, table.rows = len(table.rows) - len(kept), kept
                return Outcome(count=gone)
            case Merge():
                return self._merge(statement)
            case Rename(name, to):
                self.tables[to] = self.tables.pop(name)
            case Drop(name):
                del self.tables[name]
            case Alter():
                self._alter(statement)
            case Read(name, where):
                table = self.tables[name]
                found = [row for row in table.rows if where.value_of(row)]
                return Outcome(rows=Table(table.columns, found).lines())
            case Travel(name, after, _):
                return Outcome(rows=self.tables[name].versions[after])
            case Optimize():
                pass
        return Outcome()

    def _create(self, statement: Create) -> Outcome:
        names = [name for name, _ in statement.columns]
        rows: list[dict[str, Any]] = []
        if statement.source:
            source = self.tables[statement.source].rows
            rows = [{name: row[name] for name in names} for row in source if statement.where.value_of(row)]
        elif statement.rows is not None:
            rows = [dict(zip(names, row, strict=True)) for row in statement.rows]
        partitioned = {column for _, column, _ in statement.partitioning}
        self.tables[statement.table] = Table(dict(statement.columns), rows, partitioned)
        return Outcome() if statement.rows is None and not statement.source else Outcome(count=len(rows))

    def _insert(self, statement: Insert) -> Outcome:
        table = self.tables[statement.table]
        names = [name for name, _ in statement.columns]
        if statement.source:
            source = [row for row in self.tables[statement.source].rows if statement.where.value_of(row)]
            given = [tuple(item.value_of(row) for item in statement.items) for row in source]
        else:
            given = list(statement.rows)
        for values in given:
            table.rows.append(dict.fromkeys(table.columns) | dict(zip(names, values, strict=True)))
        return Outcome(count=len(given))

    def _merge(self, statement: Merge) -> Outcome:
        table = self.tables[statement.table]
        names = [name for name, _ in statement.columns]
        source = [dict(zip(names, row, strict=True)) for row in statement.rows]
        matched: set[int] = set()
        kept: list[dict[str, Any]] = []
        count, error, ambiguous = 0, "", False
        for row in table.rows:
            pairs = [
                (at, one)
                for at, one in enumerate(source)
                if row[statement.key] is not None and one[statement.key] == row[statement.key]
            ]
            matched.update(at for at, _ in pairs)
            cases = [_case(statement, row, one) for _, one in pairs]
            changes = [change for case, change in cases if case]
            if len({case for case, _ in cases}) < len(cases):
                error = "MERGE_TARGET_ROW_MULTIPLE_MATCHES"
            if len(changes) > 1:
                ambiguous = True
            count += len(changes)
            kept += changes[0] if changes else [row]
        if error or ambiguous:
            return Outcome(error=error or AMBIGUOUS)
        if statement.inserts:
            for at, one in enumerate(source):
                both = {f"s.{name}": value for name, value in one.items()}
                if at not in matched and (statement.insert_if is None or statement.insert_if.value_of(both)):
                    kept.append(dict.fromkeys(table.columns) | one)
                    count += 1
        table.rows = kept
        return Outcome(count=count)

    def _alter(self, statement: Alter) -> None:
        table = self.tables[statement.table]
        if not statement.column:
            table.columns[statement.to] = statement.type
            for row in table.rows:
                row[statement.to] = None
        elif not statement.to:
            del table.columns[statement.column]
            for row in table.rows:
                del row[statement.column]
        else:
            renamed = {statement.column: statement.to}
            table.columns = {renamed.get(name, name): type_ for name, type_ in table.columns.items()}
            table.columns[statement.to] = statement.type
            table.partitioned = {renamed.get(name, name) for name in table.partitioned}
            table.rows = [
                {renamed.get(name, name): value for name, value in row.items()} for row in table.rows
            ]


def _case(statement: Merge, row: dict[str, Any], one: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return the clause, if any, that applies to a matched target row, and the rows that replace it."""
    both = {f"t.{name}": value for name, value in row.items()} | {f"s.{k}": v for k, v in one.items()}
    if statement.delete_if is not None and statement.delete_if.value_of(both):
        return "delete", []
    if statement.sets and (statement.update_if is None or statement.update_if.value_of(both)):
        return "update", [row | {name: value.value_of(both) for name, value in statement.sets}]
    return "", [row]
