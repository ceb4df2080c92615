"""Expressions: one handler per node class; a node without a handler is refused, not passed through."""

# ruff: noqa: ARG001, ARG005  (handlers share one signature)

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import arithmetic, correlation, once, predicates, zones
from localcloud.athena.translate.cases import case, unified
from localcloud.athena.translate.casts import cast, coerce, try_cast
from localcloud.athena.translate.coercion import common_type
from localcloud.athena.translate.extracting import extract
from localcloud.athena.translate.functions import calls
from localcloud.athena.translate.functions.strings import joined
from localcloud.athena.translate.literals import hexadecimal, interval, number, typed_literal, unicode
from localcloud.athena.translate.places import place, placed
from localcloud.athena.translate.scope import Scope, check_parts, resolve
from localcloud.athena.translate.terms import (
    BOOLEAN,
    DATE,
    UNKNOWN,
    VARCHAR,
    Term,
    array,
    fail,
    field_names,
    ident,
    raw_cast,
    row,
    text,
    varchar,
)
from localcloud.athena.translate.typing import data_type
from localcloud.athena.types import Type

Handler = Callable[[exp.Expression, Scope], Term]
_ARITHMETIC: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_CHAINED = {*_ARITHMETIC, exp.DPipe}


def translate(node: exp.Expression, scope: Scope) -> Term:
    """Translate an expression to typed DuckDB text. Raises AthenaError if it does not resolve or fit."""
    check_parts(node, *_PARTS.get(type(node), ()))
    if type(node) in _CHAINED:
        with scope.statement.parted():
            return _chain(node, scope)
    handler = _HANDLERS.get(type(node))
    if handler is None:
        line, column = place(node)
        raise not_supported(
            f"line {line}:{column}: The local cloud does not know {type(node).__name__.upper()}"
        )
    with scope.statement.parted() as parts:
        translated = handler(node, scope)
    if not calls.evaluates_its_parts(node):
        return translated
    arguments = {id(part): term for level, part, term in parts if level is scope}

    def of_others(terms: Sequence[Term]) -> Term:
        """Translate the node again, with other terms for its arguments."""
        with scope.statement.parted(dict(zip(arguments, terms, strict=True))):
            return handler(node, scope)

    return once.bound(translated, list(arguments.values()), of_others)


def _chain(node: exp.Expression, scope: Scope) -> Term:
    """Translate `a || b || c …` or `a + b - c …` without recursion: generated SQL chains hundreds."""
    links = []
    while type(node) in _CHAINED:
        links.append(node)
        node = node.this
    found = scope.term(node)
    for link in reversed(links):
        check_parts(link, *_PARTS.get(type(link), ()))
        sides = [found, scope.term(link.expression)]
        operator = _ARITHMETIC.get(type(link))

        def linked(
            terms: Sequence[Term], link: exp.Expression = link, operator: str | None = operator
        ) -> Term:
            if operator is None:
                return joined(list(terms), link)
            return arithmetic.binary(operator, terms[0], terms[1], link)

        found = once.bound(linked(sides), sides, linked)
    return found


def _column(node: exp.Expression, scope: Scope) -> Term:
    parts = [part.name.lower() for part in _dotted(node)]
    term, left = resolve(scope, parts, node)
    for name in left:
        term = dereference(term, name, node)
    return term


def _dotted(node: exp.Expression) -> list[exp.Expression]:
    names = (node.args.get(part) for part in ("catalog", "db", "table", "this"))
    return [name for name in names if name is not None]


def dereference(term: Term, name: str, node: exp.Expression) -> Term:
    """`term.name`, a field of a row. Raises when the term is not a row or has no such field."""
    line, column = place(node)
    if term.type.name != "row":
        raise AthenaError("TYPE_MISMATCH", f"line {line}:{column}: Expression is not of type ROW")
    for at, (field, type_) in enumerate(term.type.parts, 1):
        if field.lower() == name.lower() and field:
            return Term(f"struct_extract_at({term.sql}, {at})", type_)
    raise AthenaError(
        "INVALID_COLUMN_REFERENCE", f"line {line}:{column}: Field '{name}' is not in {term.type.athena}"
    )


def _identifier(node: exp.Expression, scope: Scope) -> Term:
    term, _ = resolve(scope, [node.name.lower()], node)
    return term


def _dot(node: exp.Expression, scope: Scope) -> Term:
    return dereference(scope.term(node.this), node.expression.name, node)


def _literal(node: exp.Expression, scope: Scope) -> Term:
    if node.is_string:
        return Term(text(node.this), varchar(len(node.this)), value=node.this)
    return number(node.this, node)


def _cast(node: exp.Expression, scope: Scope) -> Term:
    target = data_type(node.args["to"])
    if node.meta.get("literal"):
        return typed_literal(node.this.name, target, node)
    return _cast_at(node, cast, _to_cast(node.this, scope), target)


def _cast_at(node: exp.Expression, how: Callable[[Term, Type], Term], term: Term, target: Type) -> Term:
    try:
        return how(term, target)
    except AthenaError as error:
        raise placed(error, node) from None


def _to_cast(node: exp.Expression, scope: Scope) -> Term:
    """Translate the operand of a cast. A json_parse directly inside keeps the order of object keys.

    A JSON value has no such order. For a literal argument the order is lost: Trino evaluates it before the
    cast.
    """
    parsed = isinstance(node, exp.Anonymous) and node.name.lower() == "json_parse"
    if parsed and not all(isinstance(part, exp.Literal) for part in node.expressions):
        return calls.call("$json_parse", node.expressions, node, scope)
    return scope.term(node)


def _try_cast(node: exp.Expression, scope: Scope) -> Term:
    return _cast_at(node, try_cast, _to_cast(node.this, scope), data_type(node.args["to"]))


def _negative(node: exp.Expression, scope: Scope) -> Term:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return number("-" + node.this.this, node)
    return arithmetic.negate(scope.term(node.this), node)


def _array(node: exp.Expression, scope: Scope) -> Term:
    terms = [scope.term(item) for item in node.expressions]
    if not terms:
        return Term("CAST([] AS INTEGER[])", array(UNKNOWN))
    zones.check_inside(terms)
    terms = unified("All ARRAY elements", terms, node.expressions)
    return Term(f"[{', '.join(term.sql for term in terms)}]", array(terms[0].type))


def _tuple(node: exp.Expression, scope: Scope) -> Term:
    return row_of([scope.term(item) for item in node.expressions])


def row_of(terms: list[Term]) -> Term:
    """A row without field names."""
    zones.check_inside(terms)
    type_ = row(*(("", term.type) for term in terms))
    fields = (f"{ident(name)} := {term.sql}" for name, term in zip(field_names(type_), terms, strict=True))
    return Term(f"struct_pack({', '.join(fields)})", type_)


def _bracket(node: exp.Expression, scope: Scope) -> Term:
    base, index = scope.term(node.this), scope.term(node.expressions[0])
    line, column = place(node)
    if base.type.name == "array" and index.type.name in ("tinyint", "smallint", "integer", "bigint"):
        bounds = "'Array subscript must be less than or equal to array length: ' || " + (
            f"{index.sql} || ' > ' || len({base.sql})"
        )
        failure = fail("INVALID_FUNCTION_ARGUMENT", bounds, base.type.element)
        low = fail("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'", base.type.element)
        sql = (
            f"CASE WHEN {index.sql} > len({base.sql}) THEN {failure} WHEN {index.sql} < 1 THEN {low} "
            f"ELSE {base.sql}[{index.sql}] END"
        )
        return Term(sql, base.type.element)
    if base.type.name == "map" and common_type(index.type, base.type.parts[0][1]) is not None:
        key = coerce(index, base.type.parts[0][1])
        missing = fail(
            "INVALID_FUNCTION_ARGUMENT",
            f"'Key not present in map: ' || CAST({key.sql} AS VARCHAR)",
            base.type.element,
        )
        sql = (
            f"CASE WHEN NOT map_contains({base.sql}, {key.sql}) THEN {missing} ELSE {base.sql}[{key.sql}] END"
        )
        return Term(sql, base.type.element)
    if base.type.name == "row" and isinstance(index.value, int) and 1 <= index.value <= len(base.type.parts):
        return Term(f"struct_extract_at({base.sql}, {index.value})", base.type.parts[index.value - 1][1])
    raise AthenaError(
        "TYPE_MISMATCH",
        f"line {line}:{column}: Cannot use {index.type.athena} for subscript of {base.type.athena}",
    )


def _subquery(node: exp.Expression, scope: Scope) -> Term:
    with correlation.checked("scalar", node, scope):
        query = scope.value(node)
    if len(query.fields) != 1:
        line, column = place(node)
        raise AthenaError(
            "SYNTAX_ERROR",
            f"line {line}:{column}: Multiple columns returned by subquery are not yet supported",
        )
    return Term(f"({query.sql})", query.fields[0].type, query.fields[0].zone)


def _at_time_zone(node: exp.Expression, scope: Scope) -> Term:
    return calls.call("at_timezone", [node.this, node.args["zone"]], node, scope)


def _trim(node: exp.Expression, scope: Scope) -> Term:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get((node.args.get("position") or "").upper(), "trim")
    characters = node.args.get("expression")
    return calls.call(name, [node.this] + ([characters] if characters is not None else []), node, scope)


def _position(node: exp.Expression, scope: Scope) -> Term:
    return calls.call("strpos", [node.this, node.args["substr"]], node, scope)


def _substring(node: exp.Expression, scope: Scope) -> Term:
    arguments = [node.this, node.args.get("start"), node.args.get("length")]
    return calls.call("substring", [part for part in arguments if part is not None], node, scope)


def _digits(node: exp.Expression) -> int:
    """The fractional digits of a second in `current_timestamp(6)`; 3 by default."""
    if not isinstance(node.this, exp.Literal):
        return 3
    if not node.this.name.isdigit() or node.this.is_string:
        line, column = place(node)
        raise syntax_error(
            f"mismatched input '{node.this.name}'. Expecting: <integer>", line=line, column=column
        )
    return int(node.this.name)


def _now(name: str) -> Handler:
    """Return a handler for the statement's time, with three fractional digits unless specified."""

    def handler(node: exp.Expression, scope: Scope) -> Term:
        type_ = Type(name, (_digits(node),))
        shown = scope.statement.now.strftime("%Y-%m-%d %H:%M:%S.%f" if "stamp" in name else "%H:%M:%S.%f")
        kept = shown[: len(shown) - 6 + type_.numbers[0]].rstrip(".")
        return Term(raw_cast(text(kept + ("+00:00" if "zone" in name else "")), type_), type_)

    return handler


def _session(node: exp.Expression, scope: Scope) -> Term:
    match node:
        case exp.CurrentCatalog():
            value = "awsdatacatalog"
        case exp.CurrentSchema():
            value = scope.database
        case _:
            value = "athena"
    return Term(text(value), VARCHAR)


def _today(node: exp.Expression, scope: Scope) -> Term:
    return Term(f"CAST({text(scope.statement.now.date().isoformat())} AS DATE)", DATE)


def _paren(node: exp.Expression, scope: Scope) -> Term:
    inner = scope.term(node.this)
    return replace(inner, sql=f"({inner.sql})")


def _call(node: exp.Expression, scope: Scope) -> Term:
    return calls.call(node.name.lower(), node.expressions, node, scope)


# Per node class: parts besides this, expression and expressions that its handler reads or may ignore.
_PARTS: dict[type[exp.Expression], tuple[str, ...]] = {
    exp.Literal: ("is_string",),
    exp.Column: ("table", "db", "catalog"),
    exp.Identifier: ("quoted",),
    exp.Cast: ("to", "_type"),
    exp.TryCast: ("to", "safe", "_type"),
    exp.Div: ("typed",),
    exp.Case: ("ifs", "default"),
    exp.In: ("query",),
    exp.Between: ("low", "high"),
    exp.Like: ("negate",),
    exp.Interval: ("unit",),
    exp.Window: ("partition_by", "order", "spec", "alias", "over"),
    exp.Trim: ("position",),
    exp.Substring: ("start", "length"),
    exp.StrPosition: ("substr",),
    exp.AtTimeZone: ("zone",),
    exp.GroupConcat: ("separator", "on_overflow"),
    exp.Subquery: ("with_",),
}
_HANDLERS: dict[type[exp.Expression], Handler] = {
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Dot: _dot,
    exp.Literal: _literal,
    exp.HexString: lambda node, scope: hexadecimal(node),
    exp.UnicodeString: lambda node, scope: unicode(node),
    exp.Boolean: lambda node, scope: Term("TRUE" if node.this else "FALSE", BOOLEAN),
    exp.Null: lambda node, scope: Term("NULL", UNKNOWN),
    exp.Interval: lambda node, scope: interval(node),
    exp.Cast: _cast,
    exp.TryCast: _try_cast,
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.Case: case,
    exp.Array: _array,
    exp.Tuple: _tuple,
    exp.Bracket: _bracket,
    exp.Subquery: _subquery,
    exp.AtTimeZone: _at_time_zone,
    exp.Extract: extract,
    exp.Trim: _trim,
    exp.StrPosition: _position,
    exp.Substring: _substring,
    exp.CurrentDate: _today,
    exp.CurrentTimestamp: _now("timestamp with time zone"),
    exp.CurrentTime: _now("time with time zone"),
    exp.Localtime: _now("time"),
    exp.Localtimestamp: _now("timestamp"),
    exp.CurrentCatalog: _session,
    exp.CurrentSchema: _session,
    exp.CurrentUser: _session,
    exp.Anonymous: _call,
    exp.Window: lambda node, scope: calls.window_call(node, scope),
    exp.Filter: lambda node, scope: calls.filtered_call(node, scope),
    exp.IgnoreNulls: lambda node, scope: calls.filtered_call(node, scope),
    exp.RespectNulls: lambda node, scope: calls.filtered_call(node, scope),
    exp.GroupConcat: lambda node, scope: calls.listagg(node, scope),
    **predicates.HANDLERS,
}
