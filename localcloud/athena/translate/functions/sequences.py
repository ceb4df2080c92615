"""Arrays as sequences: subsequences, combinations, multiplicities."""

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import BIGINT, Term, array, duckdb_type, fails_when, ident, map_

_CODE = "INVALID_FUNCTION_ARGUMENT"

scalar(
    "contains_sequence(array(T), array(T)) -> boolean",
    "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN len({1}) = 0 THEN TRUE"
    " ELSE len(list_filter(range(1, len({0}) - len({1}) + 2),"
    " lambda i: {0}[i:i + len({1}) - 1] = {1})) > 0 END",
)
scalar(
    "ngrams(array(T), integer) -> array(array(T))",
    "CASE WHEN "
    + fails_when("{1} <= 0", _CODE, "'N must be positive'")
    + " THEN NULL WHEN len({0}) <= {1} THEN [{0}]"
    " ELSE list_transform(range(1, len({0}) - {1} + 2), lambda i: {0}[i:i + {1} - 1]) END",
)
scalar(
    "shuffle(array(T)) -> array(T)",
    "list_transform(list_sort(list_transform({0}, lambda x: struct_pack(place := random(), item := x))),"
    " lambda x: x.item)",
)


def in_order(values: str) -> str:
    """Remove duplicates, keeping first occurrences in place; DuckDB's list_distinct changes the order."""
    return f"list_filter({values}, lambda v, i: list_position({values}, v) = i)"


_KEYS = in_order("list_transform({0}, lambda e: struct_extract_at(e, 1))")
scalar(
    "multimap_from_entries(array(row(K, V))) -> map(K, array(V))",
    f"map({_KEYS}, list_transform({_KEYS},"
    " lambda k: list_transform(list_filter({0}, lambda e: struct_extract_at(e, 1) = k),"
    " lambda e: struct_extract_at(e, 2))))",
)


def _histogram(terms: list[Term]) -> Term:
    element, value = terms[0].type.element, terms[0].sql
    kept = f"list_filter({value}, lambda x: x IS NOT NULL)"
    keys = in_order(kept)
    counts = f"list_transform({keys}, lambda k: CAST(len(list_filter({kept}, lambda x: x = k)) AS BIGINT))"
    made = f"CAST(map({keys}, {counts}) AS MAP({duckdb_type(element)}, BIGINT))"
    return Term(f"CASE WHEN {value} IS NOT NULL THEN {made} END", map_(element, BIGINT))


scalar("array_histogram(array(T)) -> map(T, bigint)", _histogram)


@special("combinations")
def _combinations(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    base, size = (scope.term(part) for part in arguments)
    if base.type.name != "array":
        raise mismatch(node, "Unexpected parameters for function combinations: an array is needed")
    if not isinstance(size.value, int):
        raise not_supported("The size of combinations must be a literal in the local cloud")
    if not 0 <= size.value <= 5:
        raise AthenaError(_CODE, "combination size must not be negative or exceed 5: " + str(size.value))
    places = [ident(scope.statement.fresh("i")) for _ in range(size.value)]
    made = f"[{', '.join(f'{base.sql}[{place}]' for place in places)}]"
    if not places:
        made = f"[CAST([] AS {duckdb_type(base.type)})]"
    for at in range(len(places) - 1, -1, -1):
        start = f"{places[at - 1]} + 1" if at else "1"
        made = f"list_transform(range({start}, len({base.sql}) + 1), lambda {places[at]}: {made})"
    for _ in places[1:]:
        made = f"flatten({made})"
    return Term(f"CASE WHEN {base.sql} IS NOT NULL THEN {made} END", array(base.type))
