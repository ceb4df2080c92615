"""Conditions: comparisons, IN, BETWEEN, LIKE, EXISTS, quantified comparisons, boolean logic."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate import correlation, zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import common_type, is_orderable
from localcloud.athena.translate.scope import Field, Query, Scope, as_term, mismatch
from localcloud.athena.translate.terms import BOOLEAN, UNKNOWN, Term, array, field_names, ident, row
from localcloud.athena.types import Type


def compare(operator: str, left: Term, right: Term, node: exp.Expression) -> Term:
    """`left operator right`, both as their common type. Raises TYPE_MISMATCH when there is none."""
    left, right = zones.unshown(left), zones.unshown(right)
    common = common_type(left.type, right.type)
    if common is None or (operator in ("<", "<=", ">", ">=") and not is_orderable(common)):
        sides = (left.type.athena, right.type.athena)
        identical = f"Cannot check if {sides[0]} is identical to {sides[1]}"
        plain = f"Cannot apply operator: {sides[0]} {operator} {sides[1]}"
        raise mismatch(node, identical if "IS" in operator else plain)
    if common.name == "time with time zone":
        raise not_supported("Comparing times with time zones in the local cloud")
    a, b = coerce(left, common), coerce(right, common)
    if common.name == "map" and UNKNOWN in (left.type, right.type):
        given = left if right.type == UNKNOWN else right  # DuckDB's map_entries(NULL) is not a list
        nothing = f"CASE WHEN {given.sql} IS NULL THEN NULL ELSE NULL::BOOLEAN END"
        return Term(f"({given.sql} {operator} NULL)" if "IS" in operator else nothing, BOOLEAN)
    if common.name == "map" and operator not in ("=", "<>"):
        a, b = (replace(side, sql=_entries(side.sql)) for side in (a, b))
    if operator in ("=", "<>") and common.parts:
        equal = _equal(a.sql, b.sql, common)
        return Term(equal if operator == "=" else f"(NOT {equal})", BOOLEAN)
    if "char" in (left.type.name, right.type.name):
        return Term(f"(rtrim({a.sql}, ' ') {operator} rtrim({b.sql}, ' '))", BOOLEAN)
    plain = f"({a.sql} {operator} {b.sql})"
    if common.name in ("real", "double"):
        return Term(_without_nan(operator, plain, a, b, left, right), BOOLEAN)
    return Term(plain, BOOLEAN)


def _without_nan(operator: str, plain: str, a: Term, b: Term, left: Term, right: Term) -> str:
    """Exclude NaN: in DuckDB it equals itself and is the largest number; in Athena no comparison holds.

    Beside a null the result is unknown: `b <> b` is null for a null, and false for everything else.
    """
    literal_left, literal_right = (isinstance(side.value, int) for side in (left, right))
    match operator:
        case "=" if not literal_left and not literal_right:
            return f"({plain} AND {_no_nan(a.sql, b.sql)})"
        case "<>" if not literal_left and not literal_right:
            return f"({plain} OR (isnan({a.sql}) AND {b.sql} = {b.sql}))"
        case "<" | "<=" if not literal_right:
            return f"({plain} AND {_no_nan(b.sql, *([] if literal_left else [a.sql]))})"
        case ">" | ">=" if not literal_left:
            return f"({plain} AND {_no_nan(a.sql, *([] if literal_right else [b.sql]))})"
    return plain


def _no_nan(value: str, *beside: str) -> str:
    """Return SQL that is true unless the value is NaN; null if it is NaN beside a null."""
    unknown = "".join(f" OR {other} <> {other}" for other in beside)
    return f"(NOT isnan({value}){unknown})" if unknown else f"NOT isnan({value})"


def _entries(value: str) -> str:
    """Return the sorted entries of a map, for comparing maps: the order of entries does not matter."""
    return f"list_sort(map_entries({value}))"


def _equal(a: str, b: str, type_: Type, depth: int = 0) -> str:
    """Return equality of nested values: null if a null inside leaves it open, which DuckDB decides."""
    if type_.name == "map":
        return _equal(_entries(a), _entries(b), array(row(*type_.parts)), depth)
    if type_.name == "row":
        parts = (
            _equal(f"struct_extract_at({a}, {at})", f"struct_extract_at({b}, {at})", part, depth)
            for at, (_, part) in enumerate(type_.parts, 1)
        )
        return f"({' AND '.join(parts)})"
    if type_.name == "array":
        i, t, found = f"i{depth}", f"t{depth}", f"equal{depth}"
        inner = _equal(f"{a}[{i}]", f"{b}[{i}]", type_.element, depth + 1)
        tests = f"list_transform(range(1, len({a}) + 1), lambda {i}: {inner})"
        decided = (
            f"CASE WHEN list_contains({found}, FALSE) THEN FALSE "
            f"WHEN len(list_filter({found}, lambda {t}: {t} IS NULL)) > 0 THEN NULL ELSE TRUE END"
        )
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN len({a}) <> len({b}) THEN FALSE "
            f"ELSE list_transform([{tests}], lambda {found}: {decided})[1] END"
        )
    number = f" AND {_no_nan(a, b)}" if type_.name in ("real", "double") else ""
    return f"({a} = {b}{number})"


def shared_type(what: str, terms: Sequence[Term], nodes: Sequence[exp.Expression]) -> Type:
    """Return the common type of all terms. Raises TYPE_MISMATCH at the first node without one."""
    common = UNKNOWN
    for term, node in zip(terms, nodes, strict=True):
        both = common_type(common, term.type)
        if both is None:
            found = ", ".join(dict.fromkeys(term.type.athena for term in terms))
            raise mismatch(
                node,
                f"{what} must be the same type or coercible to a common type. Cannot find common type "
                f"between {common.athena} and {term.type.athena}, all types (without duplicates): [{found}]",
            )
        common = both
    return common


def _comparison(operator: str) -> Callable[[exp.Expression, Scope], Term]:
    def handler(node: exp.Expression, scope: Scope) -> Term:
        quantified = node.expression
        if isinstance(quantified, exp.Any | exp.All):
            return _quantified(operator, node, scope)
        return compare(operator, scope.term(node.this), scope.term(node.expression), node)

    return handler


def _quantified(operator: str, node: exp.Expression, scope: Scope) -> Term:
    right = node.expression
    word = "ALL" if isinstance(right, exp.All) else "ANY"
    inner = right.this
    left = scope.term(node.this)
    query = scope.value(inner)
    common = _common(left.type, query.fields[0].type, node)
    rows = _retyped(query, common)
    if common.name in ("real", "double") and operator not in ("=", "<>"):
        return _beside_extreme(operator, word, coerce(left, common), rows, node)
    found = f"({coerce(left, common).sql} {operator} {word} ({rows}))"
    if (operator, word) in (("=", "ALL"), ("<>", "ANY")) and is_orderable(common):
        # Trino checks whether all rows are equal before it considers a null on the left.
        several = f"(SELECT min(c) <> max(c) FROM ({rows}) AS several(c))"
        found = f"coalesce({found}, CASE WHEN {several} THEN {'FALSE' if word == 'ALL' else 'TRUE'} END)"
    return Term(found, BOOLEAN)


def _beside_extreme(operator: str, word: str, left: Term, rows: str, node: exp.Expression) -> Term:
    """`x > ALL (…)` of floats, as in Trino: compare with the largest value; min and max there ignore NaN."""
    name = "max" if (operator[0] == ">") == (word == "ALL") else "min"
    number = "c" if name == "min" else "CASE WHEN NOT isnan(c) THEN c END"
    extreme = Term(f"coalesce({name}({number}), max(c))", left.type)
    compared = compare(operator, left, extreme, node).sql
    decided, otherwise = ("NOT ", "FALSE") if word == "ALL" else ("", "TRUE")
    return Term(
        f"(SELECT CASE WHEN count(*) = 0 THEN NOT {otherwise} WHEN {decided}{compared} THEN {otherwise} "
        f"WHEN count(*) > count(c) THEN NULL ELSE {compared} END FROM ({rows}) AS several(c))",
        BOOLEAN,
    )


def _common(left: Type, right: Type, node: exp.Expression) -> Type:
    common = common_type(left, right)
    if common is None:
        raise mismatch(
            node,
            f"value and result of subquery must be of the same type: {left.athena} vs {right.athena}",
        )
    return common


def _retyped(query: Query, common: Type) -> str:
    field = query.fields[0]
    value = as_term(field)
    if value.type == common:
        return query.sql
    return f"SELECT {coerce(value, common).sql} FROM ({query.sql})"


def _of_one_column(query: Query) -> Query:
    """Return a query of one column, a row if there are several. As in Trino, nulls at one place are alike."""
    if len(query.fields) == 1:
        return query
    type_ = row(*(("", field.type) for field in query.fields))
    fields = zip(field_names(type_), query.fields, strict=True)
    packed = ", ".join(f"{ident(name)} := {field.sql}" for name, field in fields)
    sql = f'SELECT struct_pack({packed}) AS "row" FROM ({query.sql})'
    return Query(sql, (Field("row", type_, '"row"'),))


def _terms(node: exp.Expression) -> list[exp.Expression]:
    """Flatten a chain of one connective without recursion: generated SQL chains hundreds."""
    kind, found, todo = type(node), [], [node]
    while todo:
        part = todo.pop()
        if isinstance(part, kind):
            todo += [part.expression, part.this]
        else:
            found.append(part)
    return found


def _boolean(node: exp.Expression, scope: Scope) -> Term:
    word = "AND" if isinstance(node, exp.And) else "OR"
    sides = [scope.expect(part, BOOLEAN, "Logical expression term") for part in _terms(node)]
    return Term("(" + f" {word} ".join(side.sql for side in sides) + ")", BOOLEAN)


def _not(node: exp.Expression, scope: Scope) -> Term:
    return Term(f"(NOT {scope.expect(node.this, BOOLEAN, 'Value of logical NOT expression').sql})", BOOLEAN)


def _is(node: exp.Expression, scope: Scope) -> Term:
    right = node.expression
    negated = isinstance(right, exp.Not)
    right = right.this if negated else right
    value = zones.unshown(scope.term(node.this))
    word = "IS NOT" if negated else "IS"
    if isinstance(right, exp.Null):
        return Term(f"({value.sql} {word} NULL)", BOOLEAN)
    raise not_supported(f"IS {right.sql()} is not a predicate of Athena")


def _distinct_from(operator: str) -> Callable[[exp.Expression, Scope], Term]:
    def handler(node: exp.Expression, scope: Scope) -> Term:
        return compare(operator, scope.term(node.this), scope.term(node.expression), node)

    return handler


def _between(node: exp.Expression, scope: Scope) -> Term:
    value = scope.term(node.this)
    low = compare(">=", value, scope.term(node.args["low"]), node)
    high = compare("<=", value, scope.term(node.args["high"]), node)
    return Term(f"({low.sql} AND {high.sql})", BOOLEAN)


def subquery_of(node: exp.Expression) -> exp.Expression | None:
    """Return the query of `IN (SELECT …)` or `IN (VALUES …)`; None for a list."""
    listed = node.expressions
    query = listed[0] if listed and isinstance(listed[0], exp.Values) else node.args.get("query")
    return query if isinstance(query, exp.Expression) else None


def _in(node: exp.Expression, scope: Scope) -> Term:
    value = zones.unshown(scope.term(node.this))
    inner = subquery_of(node)
    if inner is not None:
        with correlation.checked("in", inner, scope):
            query = _of_one_column(scope.value(inner))
        common = _common(value.type, query.fields[0].type, node)
        return Term(f"({coerce(value, common).sql} IN ({_retyped(query, common)}))", BOOLEAN)
    items = [zones.unshown(scope.term(item)) for item in node.expressions]
    common = shared_type("IN value and list items", [value, *items], [node.this, *node.expressions])
    if common.parts:
        # As in single comparisons, a null inside a value leaves the answer open.
        tests = (compare("=", value, item, node).sql for item in items)
        return Term(f"({' OR '.join(tests)})", BOOLEAN)
    found = coerce(value, common).sql
    listed = ", ".join(coerce(item, common).sql for item in items)
    if common.name == "char":
        found, listed = (
            f"rtrim({found}, ' ')",
            ", ".join(f"rtrim({coerce(item, common).sql}, ' ')" for item in items),
        )
    if common.name in ("real", "double"):
        if isinstance(node.this.unnest(), exp.Column) and any(item.sql == value.sql for item in items):
            # Trino sees that the column is in its own list, and does not compare; NaN is in it, too.
            return Term(f"({found} IS NOT NULL OR NULL)", BOOLEAN)
        pairs = zip(items, node.expressions, strict=True)
        beside = (
            coerce(one, common).sql for one, part in pairs if not isinstance(part.unnest(), exp.Literal)
        )
        return Term(f"({found} IN ({listed}) AND {_no_nan(found, *beside)})", BOOLEAN)
    return Term(f"({found} IN ({listed}))", BOOLEAN)


def _check_escape(pattern: Term, escape: Term) -> None:
    """Refuse what DuckDB accepts: an empty escape, and an escape before any character."""
    code, mark = "INVALID_FUNCTION_ARGUMENT", escape.value
    if not isinstance(mark, str):
        return
    if len(mark) != 1:
        raise AthenaError(code, "Escape string must be a single character")
    followed = str(pattern.value or "").replace(mark * 2, "").split(mark)[1:]
    if any(part[:1] not in ("%", "_") for part in followed):
        text = "Escape character must be followed by '%', '_' or the escape character itself"
        raise AthenaError(code, text)


def _like(node: exp.Expression, scope: Scope, escape: exp.Expression | None = None) -> Term:
    value, pattern = scope.term(node.this), scope.term(node.expression)
    if value.type.name not in ("varchar", "char", "unknown"):
        text = "Left side of LIKE expression must evaluate to a varchar"
        raise mismatch(node.this, f"{text} (actual: {value.type.athena})")
    if pattern.type.name not in ("varchar", "unknown"):
        text = "Pattern for LIKE expression must evaluate to a varchar"
        raise mismatch(node.expression, f"{text} (actual: {pattern.type.athena})")
    if escape is not None:
        _check_escape(pattern, scope.term(escape))
    tail = f" ESCAPE {scope.term(escape).sql}" if escape is not None else ""
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return Term(f"({value.sql} {word} {pattern.sql}{tail})", BOOLEAN)


def _escape(node: exp.Expression, scope: Scope) -> Term:
    return _like(node.this, scope, node.expression)


def _exists(node: exp.Expression, scope: Scope) -> Term:
    inner = node.this
    with correlation.checked("exists", inner, scope):
        query = scope.query(inner)
    scope.note(query.reads)
    return Term(f"EXISTS ({query.sql})", BOOLEAN)


HANDLERS: dict[type[exp.Expression], Callable[[exp.Expression, Scope], Term]] = {
    exp.EQ: _comparison("="),
    exp.NEQ: _comparison("<>"),
    exp.LT: _comparison("<"),
    exp.LTE: _comparison("<="),
    exp.GT: _comparison(">"),
    exp.GTE: _comparison(">="),
    exp.NullSafeEQ: _distinct_from("IS NOT DISTINCT FROM"),
    exp.NullSafeNEQ: _distinct_from("IS DISTINCT FROM"),
    exp.And: _boolean,
    exp.Or: _boolean,
    exp.Not: _not,
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Exists: _exists,
}
