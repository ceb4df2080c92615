"""Parse a statement and return the edges into its columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema

from control.lineage.model import Column, Edge, Kind
from control.lineage.origins import Leaves, Part, UntraceableError, trace

DIALECT = "athena"


@dataclass(frozen=True, slots=True)
class Relations:
    """The relations that a query may read: their names, and their columns in sqlglot's form."""

    names: frozenset[str]
    schema: MappingSchema
    catalog: str


def relations(columns: Mapping[str, Iterable[str]], catalog: str) -> Relations:
    """Make relations from their columns; lineage needs only names, so every type is text."""
    tree: dict[str, dict[str, dict[str, str]]] = {}
    for relation, names in columns.items():
        database, _, table = relation.partition(".")
        tree.setdefault(database, {})[table] = dict.fromkeys(names, "varchar")
    schema = MappingSchema({catalog: tree}, dialect=DIALECT, normalize=False)
    return Relations(frozenset(columns), schema, catalog)


def edges(sql: str, target: str, known: Relations) -> list[Edge]:
    """Return the edges into every column of the relation `target` that the statement makes.

    Edges from the target to itself are left out: a table's old rows are not an origin of its columns.
    Raises UntraceableError with the reason.
    """
    try:
        query = _query(sqlglot.parse_one(sql, dialect=DIALECT), known)
        qualified = qualify(
            query,
            dialect=DIALECT,
            catalog=known.catalog,
            schema=known.schema,
            quote_identifiers=False,
            identify=False,
        )
        scope = build_scope(qualified)
    except SqlglotError as error:
        raise UntraceableError(_first_line(error)) from error
    if scope is None:
        raise UntraceableError("the statement is not a query")
    traced = trace(scope, known.names)
    texts = _Texts()
    return [
        edge
        for name, origins in traced.columns.items()
        for kind, leaves in _kinds(origins.direct, {**traced.rows, **origins.indirect})
        for edge in _edges(leaves, Column(target, name), kind, texts)
    ]


def _kinds(direct: Leaves, indirect: Leaves) -> list[tuple[Kind, Leaves]]:
    return [("direct", direct), ("indirect", indirect)]


def _edges(leaves: Leaves, target: Column, kind: Kind, texts: "_Texts") -> list[Edge]:
    return [
        Edge(column, target, kind, texts.of(part))
        for column, part in leaves.items()
        if column.relation != target.relation
    ]


class _Texts:
    """The SQL of each part, generated once: one WHERE concerns every column of a table."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, part: Part) -> str:
        key = (part.clause, id(part.tree))
        if key not in self._known:
            text = part.tree.sql(dialect=DIALECT, comments=False)
            self._known[key] = f"{part.clause} {text}".strip()
        return self._known[key]


def _query(statement: exp.Expr, known: Relations) -> exp.Expr:
    """Return the query whose columns a statement writes."""
    if found := statement.find(exp.MatchRecognize):
        raise UntraceableError(f"no rule for MATCH_RECOGNIZE: {found.sql(DIALECT)[:60]}")
    match statement:
        case exp.Query():
            return statement
        case exp.Merge():
            target = exp.table_(statement.this.name, statement.this.db, known.catalog)
            return _merged(statement, known.schema.column_names(target))
        case exp.Create() | exp.Insert() if isinstance(statement.expression, exp.Query):
            return _renamed(statement.expression, statement.this)
    raise UntraceableError(f"no rule for the statement {type(statement).__name__.upper()}")


def _renamed(query: exp.Query, target: exp.Expr) -> exp.Query:
    """Give the columns of a query the names that the statement lists after its `target`, if it lists any."""
    if not isinstance(target, exp.Schema):
        return query
    alias = exp.TableAlias(this=exp.to_identifier("made"), columns=[one.copy() for one in target.expressions])
    return exp.select("*").from_(exp.Subquery(this=query.copy(), alias=alias))


def _merged(merge: exp.Merge, columns: Iterable[str]) -> exp.Select:
    """Turn a MERGE into a query: each column is what the branches write into it, conditions become WHERE.

    A branch that inserts or deletes rows decides about all `columns` of the table.
    """
    written: dict[str, list[exp.Expr]] = {}
    if any(not isinstance(branch.args["then"], exp.Update) for branch in merge.args["whens"].expressions):
        written = {name: [] for name in columns}
    conditions = [merge.args["on"]]
    for branch in merge.args["whens"].expressions:
        if condition := branch.args.get("condition"):
            conditions.append(condition)
        match branch.args["then"]:
            case exp.Update() as update:
                for assignment in update.expressions:
                    written.setdefault(assignment.this.name, []).append(assignment.expression)
            case exp.Insert() as insert:
                if not isinstance(insert.this, exp.Tuple) or not isinstance(insert.expression, exp.Tuple):
                    raise UntraceableError("no rule for a MERGE whose INSERT names no columns")
                for column, value in zip(insert.this.expressions, insert.expression.expressions, strict=True):
                    written.setdefault(column.name, []).append(value)
    select = exp.select(*(exp.alias_(_either(values), name) for name, values in written.items()))
    joined = select.from_(merge.this.copy()).join(merge.args["using"].copy(), join_type="cross")
    return joined.where(*(condition.copy() for condition in conditions))


def _either(values: list[exp.Expr]) -> exp.Expr:
    copies = [value.copy() for value in values] or [exp.null()]
    return copies[0] if len(copies) == 1 else exp.Coalesce(this=copies[0], expressions=copies[1:])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].strip() if str(error).strip() else type(error).__name__
