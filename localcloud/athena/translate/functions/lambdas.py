"""Functions that take a lambda: its parameters become DuckDB's, or fields of DuckDB's one parameter."""

# ruff: noqa: ARG001  (handlers share one signature)

from collections.abc import Callable

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import common_type
from localcloud.athena.translate.functions.overloads import apply
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import (
    BOOLEAN,
    INTEGER,
    Term,
    array,
    duckdb_type,
    fails_when,
    ident,
    map_,
)
from localcloud.athena.types import Type


def body(node: exp.Expression, given: list[Term], scope: Scope) -> Term:
    """Translate a lambda's body with `given` as its arguments. Raises if it takes another number of them."""
    if not isinstance(node, exp.Lambda) or len(node.expressions) != len(given):
        line, column = place(node)
        raise AthenaError(
            "SYNTAX_ERROR", f"line {line}:{column}: Expected a lambda that takes {len(given)} argument(s)"
        )
    parameters = {part.name.lower(): term for part, term in zip(node.expressions, given, strict=True)}
    return Scope(scope.statement, scope.database, parent=scope, parameters=parameters).term(node.this)


def _fresh(scope: Scope, name: str) -> str:
    """Return a parameter name unlike any column's; equal calls get equal names, so that GROUP BY matches."""
    return ident(f"${name}{sum(bool(level.parameters) for level in scope.up())}")


def _array(node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(node)
    if term.type.name != "array":
        raise mismatch(node, f"Unexpected parameters ({term.type.athena}): an array is needed")
    return term


def _map(node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(node)
    if term.type.name != "map":
        raise mismatch(node, f"Unexpected parameters ({term.type.athena}): a map is needed")
    return term


@special("transform")
def _transform(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base, x = _array(arguments[0], scope), _fresh(scope, "x")
    each = body(arguments[1], [Term(x, base.type.element)], scope)
    return Term(f"list_transform({base.sql}, lambda {x}: {each.sql})", array(each.type))


@special("filter")
def _filter(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base, x = _array(arguments[0], scope), _fresh(scope, "x")
    test = coerce(body(arguments[1], [Term(x, base.type.element)], scope), BOOLEAN)
    return Term(f"list_filter({base.sql}, lambda {x}: {test.sql})", base.type)


@special("array_sort")
def _array_sort(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    """With a comparator, compare every pair of elements: DuckDB's own sort accepts none."""
    if len(arguments) == 1:
        return apply("array_sort", [scope.term(arguments[0])], node)
    base = _array(arguments[0], scope)
    a, i, j, m, s = (_fresh(scope, name) for name in ("a", "i", "j", "m", "s"))
    pair = [Term(f"{a}[{place}]", base.type.element) for place in (i, j)]
    answer = body(arguments[1], pair, scope)
    if answer.type != INTEGER:
        line, column = place(node)
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"line {line}:{column}: Unexpected parameters ({base.type.athena}, <function>) for function "
            "array_sort: the function must return an integer",
        )
    places = f"range(1, len({a}) + 1)"
    answers = (
        f"list_transform({places}, lambda {i}: list_transform({places}, lambda {j}:"
        f" CASE WHEN {i} = {j} THEN 0 ELSE {answer.sql} END))"
    )
    wrong = fails_when(
        f"athena_no_answers({m}) = len({m}) * (len({m}) - 1) AND len({m}) > 1",
        "INVALID_FUNCTION_ARGUMENT",
        "'Lambda comparator must return either -1, 0, or 1'",
    )
    refused = fails_when(
        f"athena_no_answers({m}) > 0 OR athena_disordered({m})",
        "NOT_SUPPORTED",
        "'A comparator that does not define an order in the local cloud'",
    )
    made = (
        f"list_transform([athena_ranks({m})], lambda {s}:"
        f" CASE WHEN {wrong} THEN NULL WHEN {refused} THEN NULL ELSE athena_by_rank({a}, {s}) END)[1]"
    )
    ordered = f"list_transform([{answers}], lambda {m}: {made})[1]"
    return Term(f"list_transform([{base.sql}], lambda {a}: {ordered})[1]", base.type)


# The test result that decides, the answer it decides on, and the answer if nothing decides.
_MATCHES = {
    "any_match": ("TRUE", "TRUE", "FALSE"),
    "all_match": ("FALSE", "FALSE", "TRUE"),
    "none_match": ("TRUE", "FALSE", "TRUE"),
}


@special(*_MATCHES)
def _match(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base, x, t = _array(arguments[0], scope), _fresh(scope, "x"), _fresh(scope, "t")
    test = coerce(body(arguments[1], [Term(x, base.type.element)], scope), BOOLEAN)
    tests = f"list_transform({base.sql}, lambda {x}: {test.sql})"
    answers = _fresh(scope, "s")
    deciding, hit, miss = _MATCHES[node.name.lower()]
    # A one-element list keeps the tests of all elements from being repeated.
    decided = (
        f"CASE WHEN {answers} IS NULL THEN NULL WHEN list_contains({answers}, {deciding}) THEN {hit} "
        f"WHEN len(list_filter({answers}, lambda {t}: {t} IS NULL)) > 0 THEN NULL ELSE {miss} END"
    )
    return Term(f"list_transform([{tests}], lambda {answers}: {decided})[1]", BOOLEAN)


@special("reduce")
def _reduce(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    folded = _folded(_array(arguments[0], scope), arguments, node, scope)
    x = _fresh(scope, "x")
    end = body(arguments[3], [Term(x, folded.type)], scope)
    return Term(f"list_transform([{folded.sql}], lambda {x}: {end.sql})[1]", end.type)


@special("reduce_agg")
def _reduce_agg(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.term(arguments[0])
    listed = Term(f"list({value.sql}) FILTER (WHERE {value.sql} IS NOT NULL)", array(value.type))
    return _folded(listed, arguments, node, scope)


def _folded(base: Term, arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    """Fold an array. DuckDB's state has the type of the elements, so a struct holds both state and element.

    The start value is also an element: after a row with an empty list, DuckDB 1.5 gives a lambda of
    list_reduce the columns of other rows.
    """
    start = scope.term(arguments[1])
    element = base.type.element
    a, e, x = (_fresh(scope, name) for name in ("a", "e", "x"))

    def stepped(state: Type) -> Term:
        return body(arguments[2], [Term(f"{a}.s", state), Term(f"{e}.x", element)], scope)

    step = stepped(start.type)
    state = common_type(start.type, step.type)
    if state is None:
        raise mismatch(node, "The states of reduce have no common type")
    step = coerce(step if state == start.type else stepped(state), state)
    no_state, no_element = (f"CAST(NULL AS {duckdb_type(type_)})" for type_ in (state, element))
    elements = f"list_transform({base.sql}, lambda {x}: struct_pack(s := {no_state}, x := {x}))"
    begun = f"list_prepend(struct_pack(s := {coerce(start, state).sql}, x := {no_element}), {elements})"
    folded = f"list_reduce({begun}, lambda {a}, {e}: struct_pack(s := {step.sql}, x := {no_element}))"
    return Term(f"CASE WHEN {base.sql} IS NOT NULL THEN struct_extract({folded}, 's') END", state)


@special("zip_with")
def _zip_with(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    a, b = _array(arguments[0], scope), _array(arguments[1], scope)
    i = _fresh(scope, "i")
    pair = [Term(f"{side.sql}[{i}]", side.type.element) for side in (a, b)]
    each = body(arguments[2], pair, scope)
    longest = f"greatest(len({a.sql}), len({b.sql}))"
    made = f"list_transform(range(1, {longest} + 1), lambda {i}: {each.sql})"
    return Term(f"CASE WHEN {a.sql} IS NULL OR {b.sql} IS NULL THEN NULL ELSE {made} END", array(each.type))


def _entries(base: Term, e: str) -> list[Term]:
    (_, key), (_, value) = base.type.parts
    return [Term(f"{e}.key", key), Term(f"{e}.value", value)]


def _over_entries(build: Callable[[Term, str, Term], Term]) -> Callable[..., Term]:
    def rule(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
        base, e = _map(arguments[0], scope), _fresh(scope, "e")
        return build(base, e, body(arguments[1], _entries(base, e), scope))

    return rule


def _filtered(base: Term, e: str, test: Term) -> Term:
    kept = f"list_filter(map_entries({base.sql}), lambda {e}: {coerce(test, BOOLEAN).sql})"
    return Term(f"map_from_entries({kept})", base.type)


def _new_values(base: Term, e: str, value: Term) -> Term:
    values = f"list_transform(map_entries({base.sql}), lambda {e}: {value.sql})"
    return Term(f"map(map_keys({base.sql}), {values})", map_(base.type.parts[0][1], value.type))


def _new_keys(base: Term, e: str, key: Term) -> Term:
    keys = f"list_transform(map_entries({base.sql}), lambda {e}: {key.sql})"
    return Term(f"map({keys}, map_values({base.sql}))", map_(key.type, base.type.element))


special("map_filter")(_over_entries(_filtered))
special("transform_values")(_over_entries(_new_values))
special("transform_keys")(_over_entries(_new_keys))


@special("map_zip_with")
def _map_zip_with(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    a, b, k = _map(arguments[0], scope), _map(arguments[1], scope), _fresh(scope, "k")
    key: Type = a.type.parts[0][1]
    given = [Term(k, key), Term(f"{a.sql}[{k}]", a.type.element), Term(f"{b.sql}[{k}]", b.type.element)]
    each = body(arguments[2], given, scope)
    extra = f"list_filter(map_keys({b.sql}), lambda {k}: NOT list_contains(map_keys({a.sql}), {k}))"
    keys = f"(map_keys({a.sql}) || {extra})"
    return Term(f"map({keys}, list_transform({keys}, lambda {k}: {each.sql}))", map_(key, each.type))
