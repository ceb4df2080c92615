"""MERGE, UPDATE and DELETE on Iceberg tables: find the rows, rewrite only their files, commit once.

Every statement fills a temporary table `hits` with one row per change of a target row: its file, its
position in the file, the clause that applies (`action`), and the new values of the assigned columns.
"""

# ruff: noqa: ARG001, S608  (the SQL text holds only quoted names and translated terms; handlers share one signature)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pyiceberg.table import Table
from sqlglot import exp

from localcloud.athena.engines import assigned
from localcloud.athena.engines.failures import as_athena
from localcloud.athena.engines.lake import IcebergTable, Lake
from localcloud.athena.errors import (
    AthenaError,
    not_supported,
    syntax_error,
    table_not_found,
)
from localcloud.athena.iceberg import chunks, files, scans
from localcloud.athena.iceberg.schemas import columns as iceberg_columns
from localcloud.athena.iceberg.tables import overwrite
from localcloud.athena.model import Answer, Context
from localcloud.athena.translate import pruning
from localcloud.athena.translate.casts import store
from localcloud.athena.translate.queries import source_text
from localcloud.athena.translate.reads import Filter, Read, Scan
from localcloud.athena.translate.relations import source as relation_source
from localcloud.athena.translate.scope import Field, Scope, check_parts
from localcloud.athena.translate.terms import BOOLEAN, UNKNOWN, Term, ident
from localcloud.athena.translate.translator import new_scope
from localcloud.athena.types import Type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Two source rows for one target row fail if the same clause takes both, or none does: as in Trino 476, even
# with only WHEN NOT MATCHED. Trino allows two different clauses for one row, and then duplicates the row or
# brings a deleted one back; we refuse that with the same code.
_MANY_MATCHES = (
    "SELECT 1 FROM hits GROUP BY path, pos"
    " HAVING count(*) > count(DISTINCT action) OR count(*) FILTER (action >= 0) > 1 LIMIT 1"
)
_TARGET = '"target"'
_SOURCE = '"source"'


@dataclass(frozen=True, slots=True)
class Target:
    """The table to change, as of the start of the statement."""

    table: Table
    columns: tuple[tuple[str, Type], ...]
    fields: tuple[Field, ...]
    scan: Scan

    def plan(self, filters: Sequence[Filter]) -> list[scans.Planned]:
        """Return the files that may hold rows to change."""
        version = scans.current(self.table)
        planned = scans.plan(version, filters)
        self.scan.size = partial(chunks.size, version, planned)
        return planned

    def unchanged(self, clauses: Sequence["Clause"]) -> Iterator[Read]:
        """Yield reads of the unchanged columns: Athena writes whole rows, so it has to read those too."""
        for clause in clauses:
            if not clause.deletes:
                yield from (Read(self.scan, (name,)) for name, _ in self.columns if name not in clause.values)


@dataclass(frozen=True, slots=True)
class Clause:
    """One WHEN of a MERGE, or the whole of an UPDATE or DELETE: a condition and the assignments."""

    condition: str
    deletes: bool
    values: dict[str, str]


def merge(tree: exp.Merge, context: Context, lake: Lake, connection: "DuckDBPyConnection") -> Answer:
    """MERGE INTO. Raises MERGE_TARGET_ROW_MULTIPLE_MATCHES when two source rows match one target row."""
    check_parts(tree, "using", "on", "whens")
    for when in tree.args["whens"].expressions:
        check_parts(when, "matched", "condition", "then")
    scope = new_scope(lake, context.database)
    target = _target(tree.this, context, lake)
    fields = _materialised_source(tree.args["using"], scope, lake, connection)
    both, source_only = replace(scope, fields=target.fields + fields), replace(scope, fields=fields)
    on = both.expect(tree.args["on"], BOOLEAN, "MERGE ON condition")
    matched, inserts = list[Clause](), list[Clause]()
    for case, when in enumerate(tree.args["whens"].expressions):
        if when.args.get("matched"):
            matched.append(_matched(when, target, both, case))
        else:
            inserts.append(_insertion(when, target, source_only, case))
    filters = [*_filters(tree.args["on"], target), *_key_ranges(tree.args["on"], target, fields, connection)]
    planned = target.plan(filters)
    scanned = lake.scanned({*scope.statement.reads, *target.unchanged(matched)})
    rows = scans.relation(target.table.schema(), planned, lake.cache, positions=True)
    joined = f"{rows} AS {_TARGET} JOIN merge_source AS {_SOURCE} ON {on.sql}"
    with as_athena():
        connection.execute(_hits_sql(target, matched, joined, rid=f"{_SOURCE}.rid"))
        if connection.execute(_MANY_MATCHES).fetchone():
            raise AthenaError(
                "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
                "One MERGE target table row matched more than one source row",
            )
        new_rows = _inserted_rows(target, inserts)
    count = _apply(target, planned, matched, new_rows, lake, connection)
    return Answer("DML", "MERGE", count=count, scanned_bytes=scanned)


def update(tree: exp.Update, context: Context, lake: Lake, connection: "DuckDBPyConnection") -> Answer:
    """UPDATE … SET … WHERE."""
    check_parts(tree, "where")
    target = _target(tree.this, context, lake)
    scope = replace(new_scope(lake, context.database), fields=target.fields)
    values = assigned.by_set(tree.expressions, dict(target.columns), scope)
    return _change(tree, Clause("TRUE", deletes=False, values=values), target, scope, lake, connection)


def delete(tree: exp.Delete, context: Context, lake: Lake, connection: "DuckDBPyConnection") -> Answer:
    """DELETE FROM … WHERE."""
    check_parts(tree, "where")
    target = _target(tree.this, context, lake)
    scope = replace(new_scope(lake, context.database), fields=target.fields)
    return _change(tree, Clause("TRUE", deletes=True, values={}), target, scope, lake, connection)


def _change(
    tree: exp.Expression,
    clause: Clause,
    target: Target,
    scope: Scope,
    lake: Lake,
    connection: "DuckDBPyConnection",
) -> Answer:
    where = tree.args.get("where")
    condition = scope.expect(where.this, BOOLEAN, "WHERE clause").sql if where is not None else "TRUE"
    planned = target.plan(_filters(where.this, target) if where is not None else [])
    scanned = lake.scanned({*scope.statement.reads, *target.unchanged([clause])})
    rows = scans.relation(target.table.schema(), planned, lake.cache, positions=True)
    with as_athena():
        connection.execute(_hits_sql(target, [clause], f"{rows} AS {_TARGET} WHERE {condition}", rid="0"))
    count = _apply(target, planned, [clause], "", lake, connection)
    return Answer("DML", tree.key.upper(), count=count, scanned_bytes=scanned)


def _target(node: exp.Table, context: Context, lake: Lake) -> Target:
    database, name = (node.db or context.database).lower(), node.name.lower()
    found = lake.glue(database, name)
    if found is None:
        raise table_not_found(database, name)
    if not found.is_iceberg:
        raise not_supported("Modifying Hive table rows is only supported for transactional tables")
    table = lake.iceberg(database, name)
    columns = iceberg_columns(table.schema())
    rows = IcebergTable(lake, scans.current(table))
    scan = Scan(rows, _TARGET)
    fields = tuple(
        replace(
            field,
            sql=f"{_TARGET}.{field.sql}",
            relation=node.alias.lower() or name,
            database="" if node.alias else node.db.lower(),
            reads=frozenset((Read(scan, (field.name,)),)),
        )
        for field in rows.fields
    )
    return Target(table, columns, fields, scan)


def _materialised_source(
    node: exp.Expression, scope: Scope, lake: Lake, connection: "DuckDBPyConnection"
) -> tuple[Field, ...]:
    """Store the source in `merge_source` with a number per row; returns its fields there."""
    found = relation_source(node, scope)
    shown = [field for field in found.fields if not field.hidden]
    items = "".join(f", {field.sql} AS c{at}" for at, field in enumerate(shown))
    with as_athena():
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE merge_source AS "
            f"SELECT row_number() OVER () AS rid{items} FROM {source_text(found)}"
        )
    return tuple(replace(field, sql=f"{_SOURCE}.c{at}") for at, field in enumerate(shown))


def _matched(when: exp.Expression, target: Target, scope: Scope, case: int) -> Clause:
    condition = _condition(when, scope)
    then = when.args["then"]
    if isinstance(then, exp.Update):
        values = assigned.by_set(then.expressions, dict(target.columns), scope, case=case)
        return Clause(condition, deletes=False, values=values)
    if str(then.name if isinstance(then, exp.Expression) else then).upper() == "DELETE":
        return Clause(condition, deletes=True, values={})
    raise syntax_error("mismatched input 'insert'. Expecting: 'DELETE', 'UPDATE'")


def _condition(when: exp.Expression, scope: Scope) -> str:
    condition = when.args.get("condition")
    return scope.expect(condition, BOOLEAN, "MERGE WHEN condition").sql if condition is not None else "TRUE"


def _insertion(when: exp.Expression, target: Target, scope: Scope, case: int) -> Clause:
    condition = _condition(when, scope)
    then = when.args["then"]
    if not isinstance(then, exp.Insert) or not isinstance(then.expression, exp.Tuple):
        raise syntax_error(f"mismatched input '{then}'. Expecting: 'INSERT'")
    listed = [part.name.lower() for part in then.this.expressions] if then.this is not None else []
    names = listed or [name for name, _ in target.columns]
    values = assigned.by_row(names, then.expression.expressions, dict(target.columns), scope, case=case)
    return Clause(condition, deletes=False, values=values)


def _first_clause(clauses: Sequence[Clause]) -> str:
    """Return SQL for the number of the first clause whose condition holds, -1 if none does."""
    branches = " ".join(f"WHEN {clause.condition} THEN {at}" for at, clause in enumerate(clauses))
    return f"CASE {branches} ELSE -1 END" if clauses else "-1"


def _assigned_columns(target: Target, clauses: Sequence[Clause]) -> list[str]:
    """Return the columns that a clause assigns; the new value of the first is column `n0` of `hits` …"""
    return [name for name, _ in target.columns if any(name in clause.values for clause in clauses)]


def _hits_sql(target: Target, clauses: Sequence[Clause], source: str, *, rid: str) -> str:
    """Return SQL that creates `hits`: a row per matching pair of target and source row, with new values."""
    return (
        f"CREATE OR REPLACE TEMP TABLE hits AS SELECT {_TARGET}.{ident(scans.PATH)} AS path, "
        f"{_TARGET}.{scans.POSITION} AS pos, {rid} AS rid, {_first_clause(clauses)} AS action"
        f"{_new_values(target, clauses)} FROM {source}"
    )


def _new_values(target: Target, clauses: Sequence[Clause]) -> str:
    """Return SQL of the values that the applying clause assigns; it repeats the CASE, cheaply, per column."""
    items = ""
    for at, name in enumerate(_assigned_columns(target, clauses)):
        branches = " ".join(
            f"WHEN {clause.condition} THEN "
            + ("NULL" if clause.deletes else clause.values.get(name, f"{_TARGET}.{ident(name)}"))
            for clause in clauses
        )
        items += f", CASE {branches} END AS n{at}"
    return items


def _inserted_rows(target: Target, clauses: Sequence[Clause]) -> str:
    """Return SQL of the rows to insert: source rows without a target row, by the first clause that holds."""
    if not clauses:
        return ""
    chosen = (
        f"(SELECT *, {_first_clause(clauses)} AS action FROM merge_source AS {_SOURCE} "
        f"WHERE NOT EXISTS (SELECT 1 FROM hits WHERE hits.rid = {_SOURCE}.rid)) AS {_SOURCE}"
    )
    items = []
    for name, type_ in target.columns:
        nothing = store(Term("NULL", UNKNOWN), type_, name).sql
        branches = " ".join(
            f"WHEN {number} THEN {clause.values.get(name, nothing)}" for number, clause in enumerate(clauses)
        )
        items.append(f"CASE {_SOURCE}.action {branches} END AS {ident(name)}")
    return f"SELECT {', '.join(items)} FROM {chosen} WHERE {_SOURCE}.action >= 0"


def _apply(
    target: Target,
    planned: Sequence[scans.Planned],
    clauses: Sequence[Clause],
    new_rows: str,
    lake: Lake,
    connection: "DuckDBPyConnection",
) -> int:
    """Rewrite the affected files with the hits applied, add the new rows, commit; returns the row count."""
    with as_athena():
        paths = connection.execute(
            "SELECT path, count(*) FROM hits WHERE action >= 0 GROUP BY path"
        ).fetchall()
        count = sum(int(hits) for _, hits in paths)
        if new_rows:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE inserted AS {new_rows}")
            [inserted] = connection.execute("SELECT count(*) FROM inserted").fetchall()
            count += int(inserted[0])
        if not count:
            return 0
        touched = {path for path, _ in paths}
        removed = [part for part in planned if part.file.file_path in touched]
        parts = [_rewritten_rows(target, removed, clauses, lake), "FROM inserted" if new_rows else ""]
        rows = " UNION ALL ".join(part for part in parts if part)
        written = files.write(connection, rows, target.table, lake.cache)
    overwrite(target.table, [part.file for part in removed], written)
    return count


def _rewritten_rows(
    target: Target, removed: Sequence[scans.Planned], clauses: Sequence[Clause], lake: Lake
) -> str:
    """Return SQL of the rows that replace the removed files: all of theirs, with the hits applied."""
    if not removed:
        return ""
    rows = scans.relation(target.table.schema(), removed, lake.cache, positions=True)
    changed = _assigned_columns(target, clauses)
    items = []
    for name, _ in target.columns:
        column = f"{_TARGET}.{ident(name)}"
        if name in changed:
            column = f"CASE WHEN hits.action IS NULL THEN {column} ELSE hits.n{changed.index(name)} END"
        items.append(f"{column} AS {ident(name)}")
    deletes = ", ".join(str(at) for at, clause in enumerate(clauses) if clause.deletes)
    where = f" WHERE hits.action IS NULL OR hits.action NOT IN ({deletes})" if deletes else ""
    return (
        f"SELECT {', '.join(items)} FROM {rows} AS {_TARGET} "
        f"LEFT JOIN (SELECT * FROM hits WHERE action >= 0) AS hits "
        f"ON hits.path = {_TARGET}.{ident(scans.PATH)} AND hits.pos = {_TARGET}.{scans.POSITION}{where}"
    )


def _filters(condition: exp.Expression, target: Target) -> list[Filter]:
    found = pruning.filters(condition, target.fields)
    return list(found.get(_TARGET, ()))


def _key_ranges(
    on: exp.Expression, target: Target, fields: tuple[Field, ...], connection: "DuckDBPyConnection"
) -> list[Filter]:
    """For `target.key = source.key`, return the range of the source's keys: other rows cannot match."""
    pairs = []
    for mine, theirs in pruning.equalities(on, target.fields, fields):
        kinds = {mine.type.name, theirs.type.name}
        if kinds <= {"integer", "bigint"} or kinds in ({"varchar"}, {"date"}):
            pairs.append((mine, theirs))
    if not pairs:
        return []
    items = ", ".join(f"min({theirs.sql}), max({theirs.sql})" for _, theirs in pairs)
    ends = connection.execute(f"SELECT {items} FROM merge_source AS {_SOURCE}").fetchone() or ()
    found: list[Filter] = []
    for (mine, _), low, high in zip(pairs, ends[::2], ends[1::2], strict=True):
        if low is not None:
            found.append(Filter(mine.name, ">=", (low,)))
            found.append(Filter(mine.name, "<=", (high,)))
    return found
