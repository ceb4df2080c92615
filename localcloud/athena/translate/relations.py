"""FROM: tables, views, subqueries, joins and VALUES as DuckDB text, and the fields that they provide."""

# ruff: noqa: ARG001, S608  (the SQL text holds only quoted names and translated terms; handlers share one signature)

from dataclasses import dataclass, replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, schema_not_found, table_not_found
from localcloud.athena.translate import correlation, zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import common_type
from localcloud.athena.translate.places import place
from localcloud.athena.translate.reads import Read, Scan, used_by
from localcloud.athena.translate.scope import Field, Query, Scope, View, as_term, check_parts, mismatch
from localcloud.athena.translate.terms import BIGINT, BOOLEAN, ident
from localcloud.athena.translate.unnesting import unnested

MAX_VIEW_DEPTH = 30
_PARTS: dict[type[exp.Expression], tuple[str, ...]] = {
    exp.Table: ("db", "catalog", "alias", "version", "joins", "sample"),
    exp.Subquery: ("alias", "joins", "with_", "order", "limit", "offset", "sample"),
    exp.Values: ("alias", "joins", "order", "limit", "offset"),
    exp.Unnest: ("alias", "offset"),
    exp.Join: ("side", "kind", "on", "using", "method"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A relation of a FROM clause: pieces of DuckDB text (a Scan stands for a table), and its fields.

    `prunable` are the scans whose rows can be left out when they fail a condition of the WHERE clause.
    """

    pieces: tuple[str | Scan, ...]
    fields: tuple[Field, ...]
    prunable: tuple[Scan, ...] = ()


def source(node: exp.Expression, scope: Scope) -> Source:
    """Translate one relation of a FROM clause and the joins nested in it."""
    found = sampled(_source(node, scope), node.args.get("sample"))
    for join in node.args.get("joins") or []:
        found = joined(found, join, scope)
    return found


def sampled(found: Source, sample: exp.Expression | None) -> Source:
    """Apply `TABLESAMPLE BERNOULLI (percent)`; SYSTEM, which samples splits, is refused."""
    if sample is None:
        return found
    line, column = place(sample)
    if sample.args["method"].name.upper() != "BERNOULLI":
        raise not_supported(f"line {line}:{column}: TABLESAMPLE SYSTEM in the local cloud: use BERNOULLI")
    share = sample.args["percent"]
    if not isinstance(share, exp.Literal) or not 0 <= float(share.name) <= 100:
        raise AthenaError(
            "NUMERIC_VALUE_OUT_OF_RANGE",
            f"line {line}:{column}: Sample percentage must be between 0 and 100 inclusive",
        )
    return replace(found, pieces=(*found.pieces, f" TABLESAMPLE BERNOULLI ({share.name}%)"))


def _source(node: exp.Expression, scope: Scope) -> Source:
    check_parts(node, *_PARTS.get(type(node), ()))
    match node:
        case exp.Table():
            return _table(node, scope)
        case exp.Subquery():
            if isinstance(node.this, (exp.Table, exp.Subquery)) and not _is_query(node.this):
                return _renamed_source(source(node.this, scope), node, scope)
            return _derived(scope.query(node), node.args.get("alias"), scope)
        case exp.Values():
            return _derived(scope.query(node), node.args.get("alias"), scope)
        case exp.Unnest():
            raise _wrong_place(node)
        case exp.Paren():
            return source(node.this, scope)
    raise not_supported(f"The local cloud does not know {type(node).__name__.upper()} in FROM")


def _wrong_place(node: exp.Expression) -> AthenaError:
    line, column = place(node)
    return not_supported(f"line {line}:{column}: UNNEST must be the right side of a join")


def _is_query(node: exp.Expression) -> bool:
    return isinstance(node, (exp.Select, exp.SetOperation, exp.Values)) or (
        isinstance(node, exp.Subquery) and _is_query(node.this)
    )


def _renamed_source(found: Source, node: exp.Expression, scope: Scope) -> Source:
    # DuckDB accepts parentheses around joins, but not around a single table.
    pieces = found.pieces if len(found.pieces) == 1 else ("(", *found.pieces, ")")
    alias = node.args.get("alias")
    if alias is None:
        return replace(found, pieces=pieces)
    columns = [part.name.lower() for part in alias.args.get("columns") or []]
    name = alias.name.lower()
    fields = tuple(
        replace(field, relation=name, database="", name=columns[at] if at < len(columns) else field.name)
        for at, field in enumerate(found.fields)
    )
    return Source(pieces, fields, found.prunable)


def _table_function(call: exp.Anonymous, node: exp.Table, scope: Scope) -> Source:
    """`TABLE(sequence(start, stop [, step]))`, with positional or named arguments; others are refused."""
    inner = call.expressions[0] if call.name.lower() == "table" and len(call.expressions) == 1 else None
    if not isinstance(inner, exp.Anonymous) or inner.name.lower() != "sequence":
        line, column = place(node)
        raise not_supported(f"line {line}:{column}: The local cloud has no table function except sequence")
    given = {"start": "CAST(0 AS BIGINT)", "step": "CAST(1 AS BIGINT)"}
    for name, argument in zip(("start", "stop", "step"), inner.expressions, strict=False):
        named = isinstance(argument, exp.Kwarg)
        value = scope.expect(argument.expression if named else argument, BIGINT, "sequence")
        given[argument.this.name.lower() if named else name] = value.sql
    if set(given) != {"start", "stop", "step"}:
        raise AthenaError("MISSING_ARGUMENT", "line 1:1: Missing argument: STOP")
    rows = f"generate_series({given['start']}, {given['stop']}, {given['step']})"
    query = Query(
        f"SELECT unnest({rows}) AS sequential_number",
        (Field("sequential_number", BIGINT, "sequential_number"),),
    )
    return _derived(query, node.args.get("alias"), scope)


def _table(node: exp.Table, scope: Scope) -> Source:
    if isinstance(node.this, exp.Anonymous):
        return _table_function(node.this, node, scope)
    if isinstance(node.this, exp.Values):  # in parentheses, with joins
        return _derived(scope.query(node.this), node.args.get("alias"), scope)
    name = node.name.lower()
    cte = scope.cte(name) if not node.db else None
    if cte is not None:
        return _derived(_named_again(cte, scope), node.args.get("alias"), scope, name)
    database = (node.db or scope.database).lower()
    _check_catalog(node)
    found = scope.statement.relations.find(database, name, node.args.get("version"))
    if found is None:
        line, column = place(node)
        if not scope.statement.relations.has_database(database):
            raise schema_not_found(database, line=line, column=column)
        raise table_not_found(database, name, line=line, column=column)
    if isinstance(found, View):
        return _view(found, database, name, node, scope)
    label = node.alias.lower() or name
    scan = Scan(found, ident(scope.statement.fresh(label)))
    fields = tuple(
        replace(
            field,
            sql=f"{scan.alias}.{field.sql}",
            relation=label,
            database="" if node.alias else node.db.lower(),  # as written: after `FROM t` there is no `db.t.a`
            reads=frozenset((Read(scan, (field.name,)),)),
        )
        for field in found.fields
    )
    scope.note(frozenset((Read(scan),)))
    return Source((scan,), _with_column_aliases(fields, node.args.get("alias"), node), (scan,))


def _named_again(cte: Query, scope: Scope) -> Query:
    """Return one use of a named query (CTE). Athena runs it anew for each use and reads what that needs."""
    use = scope.statement.fresh_use()
    fields = tuple(replace(field, reads=used_by(use, field.reads)) for field in cte.fields)
    items = ", ".join(field.sql for field in fields)
    return Query(f"SELECT {items} FROM {cte.sql}", fields, used_by(use, cte.reads))


def _check_catalog(node: exp.Table) -> None:
    catalog = node.catalog.lower()
    if catalog and catalog != "awsdatacatalog":
        line, column = place(node)
        raise AthenaError("CATALOG_NOT_FOUND", f"line {line}:{column}: Catalog '{catalog}' not found")


def _view(view: View, database: str, name: str, node: exp.Table, scope: Scope) -> Source:
    statement = scope.statement
    if (database, name) in statement.views or len(statement.views) >= MAX_VIEW_DEPTH:
        raise AthenaError("VIEW_IS_RECURSIVE", f"line 1:1: View '{database}.{name}' is recursive")
    outer = statement.views
    statement.views = (*outer, (database, name))
    try:
        query = statement.query(view.tree, Scope(statement, view.database))
    finally:
        statement.views = outer
    declared = _as_declared(query, view, f"{database}.{name}", node)
    found = _derived(declared, node.args.get("alias"), scope, name)
    written = "" if node.alias else node.db.lower()
    return replace(found, fields=tuple(replace(field, database=written) for field in found.fields))


def _as_declared(query: Query, view: View, label: str, node: exp.Table) -> Query:
    """Return a view's query with the columns declared at its creation; Athena calls any mismatch stale."""
    declared = view.columns
    if not declared:
        return query
    if len(declared) != len(query.fields):
        raise _stale(
            f"stored view column count ({len(declared)}) does not match column count derived from the "
            f"view query analysis ({len(query.fields)})",
            label,
            node,
        )
    items, fields = [], []
    for at, ((name, type_), field) in enumerate(zip(declared, query.fields, strict=True)):
        common = common_type(field.type, type_)
        if common != type_ and field.type.name != type_.name:
            raise _stale(
                f"column [{name}] of type {field.type.athena} projected from query view at position {at} "
                f"cannot be coerced to column [{name}] of type {type_.athena} stored in view definition",
                label,
                node,
            )
        value = coerce(as_term(field), type_)
        items.append(f"{value.sql} AS {ident(name)}")
        fields.append(Field(name, type_, ident(name), zone=field.zone, reads=field.reads))
    return Query(f"SELECT {', '.join(items)} FROM ({query.sql})", tuple(fields), query.reads)


def _stale(what: str, label: str, node: exp.Table) -> AthenaError:
    line, column = place(node)
    text = f"line {line}:{column}: View 'awsdatacatalog.{label}' is stale or in invalid state: {what}"
    return AthenaError("VIEW_IS_STALE", text)


def _derived(query: Query, alias: exp.Expression | None, scope: Scope, default: str = "") -> Source:
    label = alias.name.lower() if alias is not None and alias.name else default
    inner = ident(scope.statement.fresh(label or "q"))
    scope.note(query.reads)
    fields = tuple(
        replace(field, sql=f"{inner}.{field.sql}", relation=label, database="") for field in query.fields
    )
    return Source((f"({query.sql}) AS {inner}",), _with_column_aliases(fields, alias, alias))


def _with_column_aliases(
    fields: tuple[Field, ...], alias: exp.Expression | None, node: exp.Expression | None
) -> tuple[Field, ...]:
    names = [part.name for part in (alias.args.get("columns") or [])] if alias is not None else []
    if alias is None or not names:
        return fields
    shown = [field for field in fields if not field.hidden]
    if len(names) != len(shown):
        line, column = place(node) if node is not None else (1, 1)
        raise AthenaError(
            "MISMATCHED_COLUMN_ALIASES",
            f"line {line}:{column}: Column alias list has {len(names)} entries but "
            f"'{alias.name.lower()}' has {len(shown)} columns available",
        )
    return tuple(replace(field, name=name, unnamed=False) for field, name in zip(shown, names, strict=True))


def joined(left: Source, join: exp.Expression, scope: Scope) -> Source:
    """`left JOIN …`. Raises for kinds of joins that Athena lacks."""
    check_parts(join, *_PARTS[exp.Join])
    kind = (join.args.get("kind") or "").upper()
    side = (join.args.get("side") or "").upper()
    method = (join.args.get("method") or "").upper()
    right_node = join.this
    if kind not in ("", "INNER", "CROSS", "OUTER") or method not in ("", "NATURAL"):
        raise not_supported(f"{method or kind} JOIN")
    if isinstance(right_node, (exp.Unnest, exp.Lateral)):
        return _lateral(left, right_node, join, side, scope)
    right = source(right_node, scope)
    using = join.args.get("using") or []
    if method == "NATURAL":
        raise not_supported("Natural join not supported")
    if using:
        return _using(left, right, using, side, scope)
    fields = left.fields + right.fields
    on = join.args.get("on")
    prunable = _prunable(left, right, side)
    if on is None:
        if side:
            raise AthenaError("SYNTAX_ERROR", f"line 1:1: {side} JOIN must have a condition")
        return Source((*left.pieces, " CROSS JOIN ", *right.pieces), fields, prunable)
    inside = replace(scope, fields=fields)
    condition = inside.expect(on, BOOLEAN, "JOIN ON clause")
    words = f" {side} JOIN " if side else " JOIN "
    return Source((*left.pieces, words, *right.pieces, f" ON {condition.sql}"), fields, prunable)


def _prunable(left: Source, right: Source, side: str) -> tuple[Scan, ...]:
    kept = {"": left.prunable + right.prunable, "LEFT": left.prunable, "RIGHT": right.prunable}
    return kept.get(side, ())


def _using(left: Source, right: Source, parts: list[exp.Expression], side: str, scope: Scope) -> Source:
    conditions, merged = [], []
    names = [part.name.lower() for part in parts]
    for name, node in zip(names, parts, strict=True):
        a, b = _only(left.fields, name, node), _only(right.fields, name, node)
        common = common_type(a.type, b.type)
        if common is None:
            raise mismatch(node, f"Cannot apply operator: {a.type.athena} = {b.type.athena}")
        first, second = coerce(as_term(a), common), coerce(as_term(b), common)
        conditions.append(f"({first.sql} = {second.sql})")
        sql = {"": first.sql, "LEFT": first.sql, "RIGHT": second.sql}.get(
            side, f"coalesce({first.sql}, {second.sql})"
        )
        scope.note(a.reads | b.reads)
        zone = zones.shared((as_term(a), as_term(b)))
        merged.append(Field(name, common, sql, zone=zone))
    rest = [field for field in (*left.fields, *right.fields) if field.name.lower() not in names]
    words = f" {side} JOIN " if side else " JOIN "
    pieces = (*left.pieces, words, *right.pieces, f" ON {' AND '.join(conditions)}")
    return Source(pieces, (*merged, *rest), _prunable(left, right, side))


def _only(fields: tuple[Field, ...], name: str, node: exp.Expression) -> Field:
    found = [field for field in fields if field.name.lower() == name]
    if len(found) == 1:
        return found[0]
    line, column = place(node)
    if found:
        raise AthenaError("AMBIGUOUS_NAME", f"line {line}:{column}: Column '{name}' is ambiguous")
    raise AthenaError(
        "COLUMN_NOT_FOUND", f"line {line}:{column}: Column '{name}' is missing from one side of join"
    )


def _lateral(left: Source, node: exp.Expression, join: exp.Expression, side: str, scope: Scope) -> Source:
    inside = Scope(scope.statement, scope.database, left.fields, scope)
    if not isinstance(node, exp.Unnest):
        with correlation.checked("lateral", node.this, inside):
            query = inside.query(node.this)
        found = _derived(query, node.args.get("alias"), scope)
        text_, fields = str(found.pieces[0]), found.fields
    else:
        text_, fields = unnested(node, inside)
    if side not in ("", "LEFT"):
        raise not_supported(f"{side} JOIN involving UNNEST is only supported with condition ON TRUE")
    words = " LEFT JOIN LATERAL " if side else " CROSS JOIN LATERAL "
    tail = " ON TRUE" if side else ""
    if (on := join.args.get("on")) is not None and not (isinstance(on, exp.Boolean) and on.this):
        raise not_supported("JOIN involving UNNEST is only supported with condition ON TRUE")
    return Source((*left.pieces, words, text_, tail), left.fields + fields, left.prunable)
