"""Arrays, maps, and `sequence` and `zip`."""

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.casts import cast, coerce
from localcloud.athena.translate.coercion import common_type
from localcloud.athena.translate.functions.overloads import apply
from localcloud.athena.translate.functions.registry import Scalar, scalar, special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import (
    BIGINT,
    DATE,
    DAY_SECOND,
    INTEGERS,
    UNKNOWN,
    VARCHAR,
    YEAR_MONTH,
    Term,
    array,
    fail,
    fails_when,
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
    "{0}[CASE WHEN {1} = 0 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'", BIGINT)
    + " ELSE {1} END]",
)
scalar("element_at(map(K, V), K) -> V", "{0}[{1}]")


def _searched(template: str) -> Scalar:
    """In `template`, {0} is the array, {1} the value, {2} whether it can match: NaN equals nothing."""

    def rule(terms: list[Term]) -> str:
        array_, value = terms
        number = f"NOT isnan({value.sql})" if value.type.name in ("real", "double") else "TRUE"
        return template.format(array_.sql, value.sql, number)

    return rule


scalar(
    "contains(array(T), T) -> boolean",
    _searched(
        "CASE WHEN {2} AND list_contains({0}, {1}) THEN TRUE WHEN {1} IS NULL OR {0} IS NULL THEN NULL"
        " WHEN len(list_filter({0}, lambda x: x IS NULL)) > 0 THEN NULL ELSE FALSE END"
    ),
)
# Of equal elements the first stays in place; DuckDB's list_distinct does not guarantee that.
scalar(
    "array_distinct(array(T)) -> array(T)",
    "list_filter({0}, lambda x, i: len(list_filter({0}[1:i - 1], lambda y: y IS NOT DISTINCT FROM x)) = 0)",
)


def _join(terms: list[Term]) -> str:
    element = terms[0].type.element
    shown = cast(Term("x", element), VARCHAR).sql if element.name != "unknown" else "CAST(x AS VARCHAR)"
    if len(terms) > 2:
        shown = f"coalesce({shown}, {terms[2].sql})"
    joined = f"athena_join(list_transform({terms[0].sql}, lambda x: {shown}), {terms[1].sql})"
    return f"CASE WHEN {terms[-1].sql} IS NOT NULL THEN {joined} END"


scalar("array_join(array(T), varchar) -> varchar", _join)
scalar("array_join(array(T), varchar, varchar) -> varchar", _join)


def _extreme(name: str) -> Scalar:
    """Null if any element is null. NaN, the largest value in DuckDB, counts only if nothing else is there."""

    def rule(terms: list[Term]) -> str:
        values = terms[0].sql
        found = f"list_{name}({values})"
        if name == "max" and terms[0].type.element.name in ("real", "double"):
            found = f"coalesce(list_max(list_filter({values}, lambda x: NOT isnan(x))), {found})"
        return f"CASE WHEN len(list_filter({values}, lambda x: x IS NULL)) > 0 THEN NULL ELSE {found} END"

    return rule


for _name in ("max", "min"):
    scalar(f"array_{_name}(array(E)) -> E", _extreme(_name))
scalar(
    "array_position(array(T), T) -> bigint",
    _searched(
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN NOT {2} THEN 0"
        " ELSE CAST(coalesce(list_position({0}, {1}), 0) AS BIGINT) END"
    ),
)
scalar(
    "array_remove(array(T), T) -> array(T)",
    _searched(
        "CASE WHEN {1} IS NULL THEN NULL WHEN {2}"
        " THEN list_filter({0}, lambda x: x IS DISTINCT FROM {1}) ELSE {0} END"
    ),
)
scalar("array_sort(array(E)) -> array(E)", "list_sort({0}, 'ASC', 'NULLS LAST')")
scalar(
    "arrays_overlap(array(T), array(T)) -> boolean",
    "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN list_has_any({0}, {1}) THEN TRUE"
    " WHEN len(list_filter({0} || {1}, lambda x: x IS NULL)) > 0 AND len({0}) > 0 AND len({1}) > 0 THEN NULL"
    " ELSE FALSE END",
)
scalar("flatten(array(array(T))) -> array(T)", "flatten({0})")
scalar("reverse(array(T)) -> array(T)", "list_reverse({0})")
scalar(
    "array_intersect(array(T), array(T)) -> array(T)",
    "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN athena_intersect({0}, {1}) END",
)
scalar(
    "array_except(array(T), array(T)) -> array(T)",
    # Removing nothing returns the array as is, with its duplicates.
    "CASE WHEN len({1}) = 0 THEN {0} WHEN {1} IS NOT NULL THEN"
    " list_filter({0}, lambda x, i: len(list_filter({0}[1:i - 1], lambda y: y IS NOT DISTINCT FROM x)) = 0"
    " AND len(list_filter({1}, lambda y: y IS NOT DISTINCT FROM x)) = 0) END",
)
scalar(
    "array_union(array(T), array(T)) -> array(T)",
    "list_filter({0} || {1}, lambda x, i: len(list_filter(({0} || {1})[1:i - 1],"
    " lambda y: y IS NOT DISTINCT FROM x)) = 0)",
)
scalar(
    "slice(array(T), bigint, bigint) -> array(T)",
    "CASE WHEN "
    + fails_when("{1} = 0", "INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'")
    + " OR "
    + fails_when("{2} < 0", "INVALID_FUNCTION_ARGUMENT", "'length must be greater than or equal to 0'")
    + " THEN NULL WHEN {1} < 0 THEN CASE WHEN -{1} > len({0}) THEN {0}[1:0] ELSE"
    " list_slice({0}, len({0}) + {1} + 1, len({0}) + {1} + {2}) END"
    " ELSE list_slice({0}, {1}, {1} + {2} - 1) END",
)
scalar(
    "trim_array(array(T), bigint) -> array(T)",
    "CASE WHEN "
    + fails_when(
        "{1} NOT BETWEEN 0 AND len({0})",
        "INVALID_FUNCTION_ARGUMENT",
        "'size must not exceed array cardinality'",
    )
    + " THEN NULL ELSE {0}[1:len({0}) - {1}] END",
)
scalar("map_keys(map(K, V)) -> array(K)", "map_keys({0})")
scalar("map_values(map(K, V)) -> array(V)", "map_values({0})")
scalar("map(array(K), array(V)) -> map(K, V)", "map({0}, {1})")


def _map_concat(terms: list[Term]) -> str:
    """The last map's value of a key wins, and the last map's keys come first."""
    maps = [term.sql for term in terms]
    values, keys = f"map_concat({', '.join(maps)})", f"map_keys(map_concat({', '.join(reversed(maps))}))"
    nulls = " OR ".join(f"{one} IS NULL" for one in maps)
    return f"CASE WHEN {nulls} THEN NULL ELSE map({keys}, list_transform({keys}, lambda k: {values}[k])) END"


scalar("map_concat(map(K, V), map(K, V), ...) -> map(K, V)", _map_concat)
scalar(
    "map_from_entries(array(row(K, V))) -> map(K, V)",
    "map(list_transform({0}, lambda x: struct_extract_at(x, 1)),"
    " list_transform({0}, lambda x: struct_extract_at(x, 2)))",
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
    return apply("map", [scope.term(part) for part in arguments], node)


_CODE = "INVALID_FUNCTION_ARGUMENT"
_WRONG_STEP = (
    "'sequence stop value should be greater than or equal to start value if step is greater than zero "
    "otherwise stop should be less than or equal to start'"
)
_TOO_LONG = "'result of sequence function must not have more than 10000 entries'"


@special("sequence")
def _sequence(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    terms = [scope.term(part) for part in arguments]
    first, last = terms[0], terms[1]
    if first.type.name in INTEGERS and last.type.name in INTEGERS:
        a, b = coerce(first, BIGINT).sql, coerce(last, BIGINT).sql
        step = coerce(terms[2], BIGINT).sql if len(terms) > 2 else f"CASE WHEN {a} <= {b} THEN 1 ELSE -1 END"
        wrong = f"({step}) = 0 OR ({b} - {a}) * sign({step}) < 0"
        long = f"abs({b} - {a}) // abs({step}) >= 10000"
        made = f"generate_series({a}, {b}, {step})"
        return Term(_series(made, wrong, long, array(BIGINT)), array(BIGINT))
    common = common_type(first.type, last.type)
    days = len(terms) == 2 and common == DATE
    if (
        common is None
        or common.name not in ("date", "timestamp")
        or not (days or terms[-1].type in (DAY_SECOND, YEAR_MONTH))
    ):
        given = ", ".join(term.type.athena for term in terms)
        line, column = place(node)
        message = f"line {line}:{column}: Unexpected parameters ({given}) for function sequence"
        raise AthenaError("FUNCTION_NOT_FOUND", message)
    return _moments(coerce(first, common), coerce(last, common), None if days else terms[2])


def _series(made: str, wrong: str, long: str, type_: Type) -> str:
    return (
        f"CASE WHEN {wrong} THEN {fail(_CODE, _WRONG_STEP, type_)} "
        f"WHEN {long} THEN {fail(_CODE, _TOO_LONG, type_)} ELSE {made} END"
    )


def _moments(first: Term, last: Term, step: Term | None) -> Term:
    """Return dates or timestamps from `first` to `last`; without a step, days in that direction."""
    a, b, type_ = first.sql, last.sql, array(first.type)
    by = step.sql if step is not None else f"CASE WHEN {a} <= {b} THEN to_days(1) ELSE to_days(-1) END"
    made = f"generate_series({a}, {b}, {by})"
    long = f"len({made}) > 10000"
    if step is not None and step.type == YEAR_MONTH:
        # Months are added to the start: DuckDB's own series stays on the day of a shorter month.
        made = (
            f"list_transform(range(len({made})), lambda i:"
            f" {a} + to_months(CAST(i * athena_months({by}) AS INTEGER)))"
        )
    if first.type == DATE:
        made = f"list_transform({made}, lambda x: CAST(x AS DATE))"
    wrong = f"{b} > {a} AND {by} <= to_days(0) OR {b} < {a} AND {by} >= to_days(0)"
    found = _series(made, wrong, long, type_)
    if first.type == DATE and step is not None and step.type == DAY_SECOND:
        message = "'sequence step must be a day interval if start and end values are dates'"
        parts = f"epoch_us({by}) % 86400000000 <> 0"
        found = f"CASE WHEN {parts} THEN {fail(_CODE, message, type_)} ELSE {found} END"
    return Term(found, type_)


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
