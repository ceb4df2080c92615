"""Query blocks: SELECT, set operations, VALUES and WITH, as DuckDB text with a unique name per column."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import clauses, grouped, listing, predicates, pruning, zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import can_become, common_of, common_type
from localcloud.athena.translate.places import place
from localcloud.athena.translate.reads import NOTHING, Scan
from localcloud.athena.translate.relations import Source, joined, sampled, source
from localcloud.athena.translate.scope import (
    Field,
    Output,
    Query,
    Scope,
    as_output,
    as_term,
    check_parts,
    mismatch,
)
from localcloud.athena.translate.terms import BOOLEAN, Term, fail, ident
from localcloud.athena.translate.unnesting import unnested

_STEP, _STEPS = '"$step"', 10  # in a recursive query: the column that counts steps, and Athena's limit
_TAIL = ("with_", "order", "limit", "offset")
_CLAUSES: dict[type[exp.Expression], tuple[str, ...]] = {
    exp.Select: (*_TAIL, "distinct", "from_", "joins", "where", "group", "having", "windows", "sample"),
    exp.Union: (*_TAIL, "distinct"),
    exp.Except: (*_TAIL, "distinct"),
    exp.Intersect: (*_TAIL, "distinct"),
    exp.Values: (*_TAIL, "alias", "joins"),
    exp.Subquery: (*_TAIL, "alias"),
}


def query(node: exp.Expression, outer: Scope) -> Query:
    """Translate a query; `outer` is the scope around it. Raises AthenaError for what does not resolve."""
    scope = Scope(outer.statement, outer.database, parent=outer)
    check_parts(node, *_CLAUSES.get(type(node), ()))
    with scope.statement.noting() as reads:
        with_sql, scope = _with(node, scope)
        found = _body(node, scope)
    found = replace(found, sql=with_sql + found.sql, reads=frozenset(reads))
    return found.unread() if _is_empty(node) else found


def _is_empty(node: exp.Expression) -> bool:
    """Whether the query reads nothing by its text (WHERE FALSE, LIMIT 0), as when dbt asks for columns."""
    where, limit = node.args.get("where"), node.args.get("limit")
    never = where is not None and isinstance(where.this, exp.Boolean) and not where.this.this
    return never or (isinstance(limit, exp.Limit) and limit.expression == exp.Literal.number(0))


def _body(node: exp.Expression, scope: Scope) -> Query:
    match node:
        case exp.Select():
            return _select(node, scope)
        case exp.SetOperation():
            return _set_operation(node, scope)
        case exp.Values():
            return _values(node, scope)
        case exp.Subquery():
            return _parenthesised(node, scope)
    raise not_supported(f"The local cloud does not know {type(node).__name__.upper()} as a query")


def _with(node: exp.Expression, scope: Scope) -> tuple[str, Scope]:
    clause = node.args.get("with_")
    if clause is None:
        return "", scope
    recursive = bool(clause.args.get("recursive"))
    parts: list[str] = []
    named: set[str] = set()
    for cte in clause.expressions:
        name = cte.alias.lower()
        if name in named:
            line, column = place(cte.args["alias"])
            raise AthenaError(
                "DUPLICATE_NAMED_QUERY",
                f"line {line}:{column}: WITH query name '{name}' specified more than once",
            )
        named.add(name)
        columns = [part.name for part in cte.args["alias"].args.get("columns") or []]
        label = ident(scope.statement.fresh(name))
        if recursive and not columns:
            line, column = place(cte)
            raise AthenaError(
                "MISSING_COLUMN_ALIASES",
                f"line {line}:{column}: missing column aliases in recursive WITH query",
            )
        stepped = recursive and isinstance(cte.this, exp.SetOperation) and _names(cte.this.expression, name)
        if stepped:
            found = _recursive(cte, label, columns, scope)
        else:
            found = _renamed(scope.statement.query(cte.this, scope), columns, cte)
        inside = ", ".join([*(field.sql for field in found.fields), *([_STEP] if stepped else [])])
        parts.append(f"{label}({inside}) AS ({found.sql})")
        scope = replace(scope, ctes={**scope.ctes, name: replace(found, sql=label)})
    return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} ", scope


def _names(node: exp.Expression, name: str) -> bool:
    """Whether a query reads a relation of this name."""
    return any(table.name.lower() == name and not table.db for table in node.find_all(exp.Table))


def _recursive(cte: exp.Expression, label: str, columns: list[str], scope: Scope) -> Query:
    """Translate a recursive query: the base determines names and types; the step sees the query's own name.

    Athena fails when an eleventh step has rows, so every row records its step.
    """
    base = _renamed(scope.statement.query(cte.this.this, scope), columns, cte)
    inside = replace(scope, ctes={**scope.ctes, cte.alias.lower(): replace(base, sql=label)})
    step = scope.statement.query(cte.this.expression, inside)
    operator = "UNION" if cte.this.args.get("distinct") else "UNION ALL"
    if len(step.fields) != len(base.fields):
        raise mismatch(cte, "base and step relations of recursion have different number of fields")
    for mine, field in zip(step.fields, base.fields, strict=True):
        if not can_become(mine.type, field.type):
            raise mismatch(
                cte,
                f"recursion step relation output type ({mine.type.athena}) is not coercible to "
                f"recursion base relation output type ({field.type.athena})",
            )
        zones.shared((as_term(mine), as_term(field)))
    items = ", ".join(
        coerce(as_term(mine), field.type).sql for mine, field in zip(step.fields, base.fields, strict=True)
    )
    at = f"(SELECT max({_STEP}) + 1 FROM {label}) AS {_STEP}"
    failure = fail("NOT_SUPPORTED", f"'Recursion depth limit exceeded ({_STEPS})'", BOOLEAN)
    within = f"CASE WHEN {_STEP} > {_STEPS} THEN {failure} ELSE TRUE END"
    sql = (
        f"(SELECT *, 0 FROM ({base.sql})) {operator} "
        f"(SELECT * FROM (SELECT {items}, {at} FROM ({step.sql})) WHERE {within})"
    )
    return Query(sql, base.fields, base.all_reads() | step.all_reads())


def _renamed(found: Query, names: list[str], node: exp.Expression) -> Query:
    if not names:
        return found
    if len(names) != len(found.fields):
        line, column = place(node)
        raise AthenaError(
            "MISMATCHED_COLUMN_ALIASES",
            f"line {line}:{column}: Column alias list has {len(names)} entries but relation has "
            f"{len(found.fields)} columns",
        )
    labels = listing.labelled(names)
    fields = tuple(
        replace(field, name=name, sql=label, unnamed=False)
        for field, name, label in zip(found.fields, names, labels, strict=True)
    )
    items = ", ".join(f"{old.sql} AS {new.sql}" for old, new in zip(found.fields, fields, strict=True))
    return Query(f"SELECT {items} FROM ({found.sql})", fields, found.reads)


def _select(node: exp.Select, scope: Scope) -> Query:
    if (distinct := node.args.get("distinct")) is not None and distinct.args.get("on"):
        raise not_supported("SELECT DISTINCT ON is not part of Athena")
    found = _from(node, scope)
    inside = replace(scope, fields=found.fields, windows=_windows(node))
    where = node.args.get("where")
    if where is not None:
        grouped.check_condition(where.this)
    condition = _condition(where.this, inside) if where is not None else ""
    filters = pruning.filters(where.this, found.fields) if where is not None else {}
    if not node.expressions:
        raise syntax_error("mismatched input 'from'. Expecting: a select item")
    outputs = listing.listed(node.expressions, inside)
    rest = ["FROM " + source_text(found, filters)] if found.pieces else []
    if condition:
        rest.append(f"WHERE {condition}")
    if group := node.args.get("group"):
        rest.append("GROUP BY " + clauses.grouping(group, outputs, inside))
    if having := node.args.get("having"):
        rest.append("HAVING " + inside.expect(having.this, BOOLEAN, "HAVING clause").sql)
    grouped.check(node, inside)
    if node.args.get("distinct"):
        inside.note(NOTHING.union(*(output.reads for output in outputs)))
    by_alias = inside.with_outputs(outputs)
    if clauses.has_ties(node):
        return _with_ties(node, outputs, rest, by_alias)
    rest.append(clauses.tail(node, outputs, by_alias))
    return Query(_selected(node, outputs, rest), listing.fields(outputs))


def _selected(node: exp.Select, outputs: list[Output], rest: list[str]) -> str:
    words = "SELECT DISTINCT" if node.args.get("distinct") else "SELECT"
    return " ".join(part for part in (words, listing.items(outputs), *rest) if part)


def _with_ties(node: exp.Select, outputs: list[Output], rest: list[str], scope: Scope) -> Query:
    """SELECT with FETCH … WITH TIES: the sort keys become columns of an inner query, which rank its rows."""
    keys = clauses.order_keys(node, outputs, scope)
    made = [*outputs, *(Output(f"$key{at}", term) for at, (term, _) in enumerate(keys))]
    fields = listing.fields(made)
    shown, columns = fields[: len(outputs)], fields[len(outputs) :]
    by_column = [(as_term(column), key) for column, (_, key) in zip(columns, keys, strict=True)]
    names = ", ".join(field.sql for field in shown)
    tail = clauses.ties(node, by_column, scope)
    return Query(f"SELECT {names} FROM ({_selected(node, made, rest)}) {tail}", shown)


def _condition(node: exp.Expression, scope: Scope) -> str:
    """Translate WHERE. `IN (SELECT …)` is a join in Trino: NaN and rows with a null do not match."""
    found = [scope.expect(node, BOOLEAN, "WHERE clause").sql]
    for part in pruning.conjuncts(node):
        if not isinstance(part, exp.In) or predicates.subquery_of(part) is None:
            continue
        if isinstance(part.this, exp.Tuple):
            found += (f"{scope.term(side).sql} IS NOT NULL" for side in part.this.expressions)
        elif (value := scope.term(part.this)).type.name in ("real", "double"):
            found.append(f"NOT isnan({value.sql})")
    return " AND ".join(found)


def _windows(node: exp.Select) -> dict[str, exp.Expression]:
    return {window.this.name.lower(): window for window in node.args.get("windows") or []}


def _from(node: exp.Select, scope: Scope) -> Source:
    clause = node.args.get("from_")
    if clause is None:
        return Source((), ())
    first = clause.this
    if isinstance(first, exp.Unnest):
        sql, fields = unnested(first, scope)
        found = Source((sql,), fields)
    else:
        found = sampled(source(first, scope), node.args.get("sample"))
    for join in node.args.get("joins") or []:
        found = joined(found, join, scope)
    return found


def source_text(found: Source, filters: pruning.Filters | None = None) -> str:
    """Return the DuckDB text of a FROM clause; each scan gets the conditions that may prune it."""
    filters = filters or {}
    pieces = []
    for piece in found.pieces:
        if isinstance(piece, Scan):
            wanted = filters.get(piece.alias, ()) if piece in found.prunable else ()
            pieces.append(f"{piece.text(tuple(wanted))} AS {piece.alias}")
        else:
            pieces.append(piece)
    return "".join(pieces)


def _set_operation(node: exp.SetOperation, scope: Scope) -> Query:
    left, right = (scope.statement.query(side, scope) for side in (node.this, node.expression))
    operator = type(node).__name__.upper()
    if len(left.fields) != len(right.fields):
        raise mismatch(
            node, f"{operator} query has different number of fields: {len(left.fields)}, {len(right.fields)}"
        )
    fields = []
    for at, (a, b) in enumerate(zip(left.fields, right.fields, strict=True), 1):
        common = common_type(a.type, b.type)
        if common is None:
            raise mismatch(
                node,
                f"column {at} in {operator} query has incompatible types: {a.type.athena}, {b.type.athena}",
            )
        zone = zones.shared((as_term(a), as_term(b)))
        fields.append(replace(a, type=common, zone=zone, reads=a.reads | b.reads))
    scope.note(left.reads | right.reads)
    if operator != "UNION" or node.args.get("distinct"):
        scope.note(left.all_reads() | right.all_reads())
    words = operator if node.args.get("distinct") else f"{operator} ALL"
    sides = (_as(side, fields) for side in (left, right))
    sql = f" {words} ".join(f"({side})" for side in sides)
    tail = clauses.tail_of(node, fields, scope)
    return Query(f"SELECT * FROM ({sql}) {tail}" if tail else sql, tuple(fields))


def _as(found: Query, fields: Sequence[Field]) -> str:
    """Return the query with its columns cast to the types of `fields`, by position."""
    if all(mine.type == field.type for mine, field in zip(found.fields, fields, strict=True)):
        return found.sql
    items = ", ".join(
        f"{coerce(as_term(mine), field.type).sql} AS {field.sql}"
        for mine, field in zip(found.fields, fields, strict=True)
    )
    return f"SELECT {items} FROM ({found.sql})"


def _columns_of(row: exp.Expression) -> list[exp.Expression]:
    """Return the values of a row of VALUES, written `(1, 2)`, `ROW(1, 2)` or `1`."""
    columns = row.expressions if isinstance(row, exp.Tuple) else [row]
    if len(columns) == 1 and isinstance(columns[0], exp.Anonymous) and columns[0].name.lower() == "row":
        return list(columns[0].expressions)
    return list(columns)


def _row_of_values(row: exp.Expression, scope: Scope) -> list[Term]:
    """Translate a row of VALUES; a single value of a row type provides the columns."""
    terms = [scope.term(item) for item in _columns_of(row)]
    inner = row.expressions[0] if isinstance(row, exp.Tuple) and len(row.expressions) == 1 else row
    written = isinstance(inner, exp.Anonymous) and inner.name.lower() == "row"
    if len(terms) != 1 or terms[0].type.name != "row" or written:
        return terms
    return [
        Term(f"struct_extract_at({terms[0].sql}, {at})", type_)
        for at, (_, type_) in enumerate(terms[0].type.parts, 1)
    ]


def _values(node: exp.Values, scope: Scope) -> Query:
    rows = [_row_of_values(row, scope) for row in node.expressions]
    if any(len(row) != len(rows[0]) for row in rows):
        raise mismatch(node, "Values rows have mismatched sizes")
    types = []
    for column in zip(*rows, strict=True):
        common = common_of([term.type for term in column])
        if common is None:
            raise mismatch(node, "Values rows have mismatched types")
        types.append(common)
    body = ", ".join(
        "(" + ", ".join(coerce(term, type_).sql for term, type_ in zip(row, types, strict=True)) + ")"
        for row in rows
    )
    names = [f"_col{at}" for at in range(len(types))]
    fields = tuple(
        Field(name, type_, ident(name), zone=zones.shared(column), unnamed=True)
        for name, type_, column in zip(names, types, zip(*rows, strict=True), strict=True)
    )
    outputs = [as_output(field) for field in fields]
    sql = f"SELECT * FROM (VALUES {body}) AS v({', '.join(map(ident, names))})"
    tail = clauses.tail(node, outputs, scope)
    return Query(f"{sql} {tail}".rstrip(), fields)


def _parenthesised(node: exp.Subquery, scope: Scope) -> Query:
    inner = scope.statement.query(node.this, scope)
    scope.note(inner.reads)
    tail = clauses.tail_of(node, inner.fields, scope)
    return Query(f"SELECT * FROM ({inner.sql}) {tail}", inner.fields) if tail else inner
