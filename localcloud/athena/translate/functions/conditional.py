"""Conditional expressions written as calls, and functions that accept any type."""

# ruff: noqa: ARG001  (handlers share one signature)

from collections.abc import Iterator

from sqlglot import exp

from localcloud.athena.errors import AthenaError, syntax_error
from localcloud.athena.translate import zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import common_of, is_orderable
from localcloud.athena.translate.functions.registry import FUNCTIONS, special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.predicates import compare, shared_type
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import BOOLEAN, INTEGER, UNKNOWN, VARCHAR, Term, ident, text

_BEFORE = (exp.Window, exp.Filter, exp.GroupConcat, exp.Subquery)
_VOLATILE = frozenset({"random", "rand", "shuffle", "uuid"})


def _alike(what: str, terms: list[Term], nodes: list[exp.Expression]) -> list[Term]:
    common = shared_type(f"All {what} operands", terms, nodes)
    return [coerce(term, common) for term in terms]


@special("if")
def _if(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    test = scope.expect(arguments[0], BOOLEAN, "IF condition")
    results = [scope.term(part) for part in arguments[1:]]
    if len(results) == 1:
        results.append(Term("NULL", UNKNOWN))
    zone = zones.shared(results)
    common = common_of([result.type for result in results])
    if common is None:
        types = " vs ".join(result.type.athena for result in results)
        raise mismatch(node, f"Result types for IF must be the same: {types}")
    then, otherwise = (coerce(result, common) for result in results)
    return Term(f"CASE WHEN {test.sql} THEN {then.sql} ELSE {otherwise.sql} END", then.type, zone)


@special("coalesce")
def _coalesce(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    if len(arguments) < 2:
        line, column = place(node)
        message = "The 'coalesce' function must have at least two arguments"
        raise syntax_error(message, line=line, column=column)
    given = [scope.term(part) for part in arguments]
    terms, zone = _alike("COALESCE", given, arguments), zones.shared(given)
    return Term(f"coalesce({', '.join(term.sql for term in terms)})", terms[0].type, zone)


@special("nullif")
def _nullif(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    first, second = (scope.term(part) for part in arguments)
    equal = compare("=", first, second, node)
    return Term(f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END", first.type, first.zone)


@special("try")
def _try(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    """Pass columns, and what Trino computes before TRY, into TRY as fields of a row.

    Inside TRY, DuckDB allows no aggregates or subqueries and does not find the columns of a grouped query.
    This costs 0.03 microseconds a row.
    """
    tree = arguments[0].copy()
    given: dict[str, Term] = {}
    for at, part in enumerate(list(_parts(tree))):
        if part is tree:
            return scope.term(part)
        given[f"${at}"] = scope.term(part)
        part.replace(exp.column(f"${at}"))
    inside = {name: Term(f"tried.{ident(name)}", term.type, term.zone) for name, term in given.items()}
    inner = Scope(scope.statement, scope.database, parent=scope, parameters=inside).term(tree)
    row = ", ".join(f"{text(name)}: {term.sql}" for name, term in given.items())
    tried = f"list_transform([{{{row}}}], lambda tried: TRY({inner.sql}))[1]" if row else f"TRY({inner.sql})"
    return Term(tried, inner.type, inner.zone)


def _parts(node: exp.Expression, own: frozenset[str] = frozenset()) -> Iterator[exp.Expression]:
    """Yield the outermost columns, aggregates, windows and subqueries, but no parameters of outer lambdas."""
    if isinstance(node, exp.Lambda):
        yield from _parts(node.this, own.union(parameter.name.lower() for parameter in node.expressions))
    elif isinstance(node, exp.Column):
        if node.parts[0].name.lower() not in own:
            yield node
    elif isinstance(node, _BEFORE) or (isinstance(node, exp.Anonymous) and _is_before(node.name.lower())):
        yield node
    else:
        for child in node.iter_expressions():
            yield from _parts(child, own)


def _is_before(name: str) -> bool:
    function = FUNCTIONS.get(name)
    return name in _VOLATILE or (function is not None and any(one.aggregate for one in function.overloads))


@special("greatest", "least")
def _extreme(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    name = node.name.lower()
    if not arguments:
        line, column = place(node)
        message = f"line {line}:{column}: Unexpected parameters () for function {name}"
        raise AthenaError("FUNCTION_NOT_FOUND", message)
    given = [scope.term(part) for part in arguments]
    common = common_of([term.type for term in given])
    if common is None or not is_orderable(common):
        types = ", ".join(term.type.athena for term in given)
        raise mismatch(node, f"Unexpected parameters ({types}) for function {name}. Expected: {name}(E)")
    terms, zone = [coerce(term, common) for term in given], zones.shared(given)
    # Null if any argument is null; DuckDB's functions skip nulls.
    nulls = " OR ".join(f"{term.sql} IS NULL" for term in terms)
    picked = f"{name}({', '.join(term.sql for term in terms)})"
    if name == "greatest" and terms[0].type.name in ("real", "double"):
        # In DuckDB NaN is the greatest; in Athena only if there is nothing else.
        numbers = ", ".join(f"CASE WHEN NOT isnan({term.sql}) THEN {term.sql} END" for term in terms)
        picked = f"coalesce(greatest({numbers}), {picked})"
    return Term(f"CASE WHEN {nulls} THEN NULL ELSE {picked} END", terms[0].type, zone)


@special("typeof")
def _typeof(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(arguments[0])
    # The argument is kept: if it contains an aggregate, the query has one row.
    name = text(term.type.athena)
    return Term(f"CASE WHEN {term.sql} IS NULL THEN {name} ELSE {name} END", VARCHAR)


@special("row")
def _row(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return scope.term(exp.Tuple(expressions=arguments))


@special("grouping")
def _grouping(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    if any(isinstance(part, exp.Column) and part.name.lower() in scope.outputs for part in arguments):
        text = "Invalid reference to output of SELECT clause from grouping() expression in ORDER BY"
        raise AthenaError("INVALID_ARGUMENTS", text)
    terms = [scope.term(part) for part in arguments]
    return Term(f"CAST(grouping({', '.join(term.sql for term in terms)}) AS INTEGER)", INTEGER)
