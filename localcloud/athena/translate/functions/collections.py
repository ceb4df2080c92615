"""Arrays, maps, and the functions that take a lambda."""

from collections.abc import Callable

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import common_type
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope, mismatch, place
from localcloud.athena.translate.terms import (
    BIGINT,
    BOOLEAN,
    INTEGERS,
    UNKNOWN,
    Term,
    array,
    field_names,
    ident,
    map_,
    row,
)
from localcloud.athena.types import Type

scalar("cardinality(array(T)) -> bigint", "CAST(len({0}) AS BIGINT)")
scalar("cardinality(map(K, V)) -> bigint", "CAST(cardinality({0}) AS BIGINT)")
scalar(
    "element_at(array(T), bigint) -> T",
    "{0}[CASE WHEN {1} = 0 THEN CAST('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' AS INTEGER) ELSE {1} END]",
)
scalar("element_at(map(K, V), K) -> V", "{0}[{1}]")
scalar(
    "contains(array(T), T) -> boolean",
    "CASE WHEN list_contains({0}, {1}) THEN TRUE WHEN {1} IS NULL OR {0} IS NULL THEN NULL"
    " WHEN len(list_filter({0}, lambda x: x IS NULL)) > 0 THEN NULL ELSE FALSE END",
)
# The first of equal elements stays where it is, which DuckDB's list_distinct does not promise.
scalar(
    "array_distinct(array(T)) -> array(T)",
    "list_filter({0}, lambda x, i: len(list_filter({0}[1:i - 1], lambda y: y IS NOT DISTINCT FROM x)) = 0)",
)
scalar("array_join(array(T), varchar) -> varchar", "array_to_string({0}, {1})")
scalar(
    "array_join(array(T), varchar, varchar) -> varchar",
    "array_to_string(list_transform({0}, lambda x: coalesce(CAST(x AS VARCHAR), {2})), {1})",
)
for _name in ("max", "min"):
    scalar(
        f"array_{_name}(array(T)) -> T",
        f"CASE WHEN len(list_filter({{0}}, lambda x: x IS NULL)) > 0 THEN NULL ELSE list_{_name}({{0}}) END",
    )
scalar(
    "array_position(array(T), T) -> bigint",
    "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE CAST(coalesce(list_position({0}, {1}), 0) AS BIGINT) END",
)
scalar("array_remove(array(T), T) -> array(T)", "list_filter({0}, lambda x: x IS DISTINCT FROM {1})")
scalar("array_sort(array(T)) -> array(T)", "list_sort({0}, 'ASC', 'NULLS LAST')")
scalar(
    "arrays_overlap(array(T), array(T)) -> boolean",
    "CASE WHEN list_has_any({0}, {1}) THEN TRUE"
    " WHEN len(list_filter({0} || {1}, lambda x: x IS NULL)) > 0 AND len({0}) > 0 AND len({1}) > 0 THEN NULL ELSE FALSE END",
)
scalar("flatten(array(array(T))) -> array(T)", "flatten({0})")
scalar("reverse(array(T)) -> array(T)", "list_reverse({0})")
scalar(
    "array_intersect(array(T), array(T)) -> array(T)",
    "list_filter({0}, lambda x, i: len(list_filter({0}[1:i - 1], lambda y: y IS NOT DISTINCT FROM x)) = 0"
    " AND len(list_filter({1}, lambda y: y IS NOT DISTINCT FROM x)) > 0)",
)
scalar(
    "array_except(array(T), array(T)) -> array(T)",
    "list_filter({0}, lambda x, i: len(list_filter({0}[1:i - 1], lambda y: y IS NOT DISTINCT FROM x)) = 0"
    " AND len(list_filter({1}, lambda y: y IS NOT DISTINCT FROM x)) = 0)",
)
scalar(
    "array_union(array(T), array(T)) -> array(T)",
    "list_filter({0} || {1}, lambda x, i: len(list_filter(({0} || {1})[1:i - 1],"
    " lambda y: y IS NOT DISTINCT FROM x)) = 0)",
)
scalar(
    "slice(array(T), bigint, bigint) -> array(T)",
    "CASE WHEN {1} < 0 THEN CASE WHEN -{1} > len({0}) THEN {0}[1:0] ELSE"
    " list_slice({0}, len({0}) + {1} + 1, len({0}) + {1} + {2}) END ELSE list_slice({0}, {1}, {1} + {2} - 1) END",
)
scalar("trim_array(array(T), bigint) -> array(T)", "{0}[1:len({0}) - {1}]")
scalar("map_keys(map(K, V)) -> array(K)", "map_keys({0})")
scalar("map_values(map(K, V)) -> array(V)", "map_values({0})")
scalar("map(array(K), array(V)) -> map(K, V)", "map({0}, {1})")
scalar(
    "map_concat(map(K, V), map(K, V), ...) -> map(K, V)",
    lambda terms: f"map_concat({', '.join(term.sql for term in terms)})",
)
scalar(
    "map_from_entries(array(row(K, V))) -> map(K, V)",
    "map(list_transform({0}, lambda x: struct_extract_at(x, 1)), list_transform({0}, lambda x: struct_extract_at(x, 2)))",
)
scalar("map_entries(map(K, V)) -> array(row(K, V))", lambda terms: _entries(terms[0]))


def _entries(term: Term) -> str:
    return (
        f"list_transform(map_entries({term.sql}), lambda x: "
        "struct_pack(field0 := struct_extract_at(x, 1), field1 := struct_extract_at(x, 2)))"
    )


@special("map")
def _map(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    if not arguments:
        return Term("MAP {}", map_(UNKNOWN, UNKNOWN))
    from localcloud.athena.translate.functions.calls import apply

    return apply("map", [scope.term(part) for part in arguments], node)


@special("sequence")
def _sequence(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    terms = [scope.term(part) for part in arguments]
    first, last = terms[0], terms[1]
    if first.type.name in INTEGERS and last.type.name in INTEGERS:
        a, b = coerce(first, BIGINT).sql, coerce(last, BIGINT).sql
        step = coerce(terms[2], BIGINT).sql if len(terms) > 2 else f"CASE WHEN {a} <= {b} THEN 1 ELSE -1 END"
        return Term(f"generate_series({a}, {b}, {step})", array(BIGINT))
    if first.type.name in ("date", "timestamp") and first.type == last.type:
        step = terms[2].sql if len(terms) > 2 else "INTERVAL 1 DAY"
        made = f"generate_series({first.sql}, {last.sql}, {step})"
        if first.type.name == "date":
            made = f"list_transform({made}, lambda x: CAST(x AS DATE))"
        return Term(made, array(first.type))
    given = ", ".join(term.type.athena for term in terms)
    raise mismatch(node, f"Unexpected parameters ({given}) for function sequence")


@special("zip")
def _zip(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    terms = [scope.term(part) for part in arguments]
    if any(term.type.name != "array" for term in terms):
        raise mismatch(node, "Unexpected parameters for function zip: arrays are needed")
    type_ = row(*(("", term.type.element) for term in terms))
    fields = (f"{ident(name)} := {term.sql}[i]" for name, term in zip(field_names(type_), terms, strict=True))
    longest = ", ".join(f"len({term.sql})" for term in terms)
    return Term(
        f"list_transform(range(1, greatest({longest}) + 1), lambda i: struct_pack({', '.join(fields)}))",
        array(type_),
    )


def lambda_body(node: exp.Expression, types: list[Type], scope: Scope) -> tuple[list[str], Term]:
    """A lambda's parameters as DuckDB names, and its body. Raises when it takes another number of them."""
    if not isinstance(node, exp.Lambda) or len(node.expressions) != len(types):
        line, column = place(node)
        raise AthenaError(
            "SYNTAX_ERROR", f"line {line}:{column}: Expected a lambda that takes {len(types)} argument(s)"
        )
    names = [scope.statement.fresh(part.name.lower()) for part in node.expressions]
    parameters = {
        part.name.lower(): Term(ident(name), type_)
        for part, name, type_ in zip(node.expressions, names, types, strict=True)
    }
    inside = Scope(scope.statement, scope.database, parent=scope, parameters=parameters)
    return [ident(name) for name in names], inside.term(node.this)


def _array(node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(node)
    if term.type.name != "array":
        raise mismatch(node, f"An array is needed, not {term.type.athena}")
    return term


@special("transform")
def _transform(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base = _array(arguments[0], scope)
    names, body = lambda_body(arguments[1], [base.type.element], scope)
    return Term(f"list_transform({base.sql}, lambda {names[0]}: {body.sql})", array(body.type))


@special("filter")
def _filter(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base = _array(arguments[0], scope)
    names, body = lambda_body(arguments[1], [base.type.element], scope)
    return Term(f"list_filter({base.sql}, lambda {names[0]}: {coerce(body, BOOLEAN).sql})", base.type)


@special("any_match", "all_match", "none_match")
def _match(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base = _array(arguments[0], scope)
    names, body = lambda_body(arguments[1], [base.type.element], scope)
    tests = f"list_transform({base.sql}, lambda {names[0]}: {coerce(body, BOOLEAN).sql})"
    nulls = f"len(list_filter({tests}, lambda t: t IS NULL)) > 0"
    wanted = "FALSE" if node.name.lower() == "all_match" else "TRUE"
    hit, miss = {
        "any_match": ("TRUE", "FALSE"),
        "all_match": ("FALSE", "TRUE"),
        "none_match": ("FALSE", "TRUE"),
    }[node.name.lower()]
    sql = (
        f"CASE WHEN {base.sql} IS NULL THEN NULL WHEN list_contains({tests}, {wanted}) THEN {hit} "
        f"WHEN {nulls} THEN NULL ELSE {miss} END"
    )
    return Term(sql, BOOLEAN)


@special("reduce")
def _reduce(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base, start = _array(arguments[0], scope), scope.term(arguments[1])
    _, first = lambda_body(arguments[2], [start.type, base.type.element], scope)
    state = common_type(start.type, first.type)
    if state is None:
        raise mismatch(node, "The states of reduce have no common type")
    names, step = lambda_body(arguments[2], [state, base.type.element], scope)
    folded = f"list_reduce({base.sql}, lambda {', '.join(names)}: {coerce(step, state).sql}, {coerce(start, state).sql})"
    names, end = lambda_body(arguments[3], [state], scope)
    return Term(f"list_transform([{folded}], lambda {names[0]}: {end.sql})[1]", end.type)


@special("zip_with")
def _zip_with(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    a, b = _array(arguments[0], scope), _array(arguments[1], scope)
    names, body = lambda_body(arguments[2], [a.type.element, b.type.element], scope)
    pairs = f"range(1, greatest(len({a.sql}), len({b.sql})) + 1)"
    # DuckDB's lambda takes one list: pair the elements by their number.
    paired = f"list_transform({pairs}, lambda i: struct_pack(a := {a.sql}[i], b := {b.sql}[i]))"
    inner = body.sql.replace(names[0], "p.a").replace(names[1], "p.b")
    return Term(f"list_transform({paired}, lambda p: {inner})", array(body.type))


def _over_map(build: Callable[[Term, list[str], Term], Term]) -> Callable[..., Term]:
    def rule(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
        base = scope.term(arguments[0])
        if base.type.name != "map":
            raise mismatch(node, f"A map is needed, not {base.type.athena}")
        names, body = lambda_body(arguments[1], [part for _, part in base.type.parts], scope)
        return build(base, names, body)

    return rule


def _with_entry(base: Term, names: list[str], body: str) -> str:
    """The body over each entry: key and value are the fields of one struct in DuckDB."""
    inner = body.replace(names[0], "e.key").replace(names[1], "e.value")
    return f"list_transform(map_entries({base.sql}), lambda e: {inner})"


def _map_filter(base: Term, names: list[str], body: Term) -> Term:
    inner = body.sql.replace(names[0], "e.key").replace(names[1], "e.value")
    return Term(f"map_from_entries(list_filter(map_entries({base.sql}), lambda e: {inner}))", base.type)


def _transform_values(base: Term, names: list[str], body: Term) -> Term:
    return Term(
        f"map(map_keys({base.sql}), {_with_entry(base, names, body.sql)})",
        map_(base.type.parts[0][1], body.type),
    )


def _transform_keys(base: Term, names: list[str], body: Term) -> Term:
    return Term(
        f"map({_with_entry(base, names, body.sql)}, map_values({base.sql}))",
        map_(body.type, base.type.element),
    )


special("map_filter")(_over_map(_map_filter))
special("transform_values")(_over_map(_transform_values))
special("transform_keys")(_over_map(_transform_keys))
