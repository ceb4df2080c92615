"""Aggregates and window functions."""

# ruff: noqa: ARG005  (handlers share one signature)

from decimal import Context, Decimal

from localcloud.athena.translate import decimals
from localcloud.athena.translate.functions.registry import (
    Aggregate,
    Render,
    aggregate,
    alias,
    texts,
    window,
)
from localcloud.athena.translate.terms import (
    Term,
    decimal,
    duckdb_type,
    fail,
    fails_when,
    nan_first,
    raw_cast,
    text,
)


def _sum_decimal(arguments: list[Term], render: Render) -> Term:
    scale = arguments[0].type.numbers[1]
    result = decimal(38, scale)
    total = raw_cast(render("sum", arguments[0].sql), result)
    # The largest value of 38 digits; DuckDB's HUGEINT has room for 39.
    most = f"CAST('{Decimal(10**38 - 1).scaleb(-scale, Context(prec=38)):f}' AS {duckdb_type(result)})"
    overflow = fail("NUMERIC_VALUE_OUT_OF_RANGE", "'Decimal overflow'", result)
    return Term(f"CASE WHEN {total} > {most} OR {total} < -{most} THEN {overflow} ELSE {total} END", result)


def _avg_decimal(arguments: list[Term], render: Render) -> Term:
    type_ = arguments[0].type
    total = Term(render("sum", arguments[0].sql), decimal(38, type_.numbers[1]))
    return decimals.average(total, render("count", arguments[0].sql), type_)


aggregate("count() -> bigint", lambda arguments, render: render("count", "*"))
aggregate("count(T) -> bigint", "count")
aggregate(
    "count_if(boolean) -> bigint",
    # DuckDB's own count_if over no rows is null, not 0.
    lambda arguments, render: render("count", f"CASE WHEN {arguments[0].sql} THEN 1 END"),
)
for _integer in ("tinyint", "smallint", "integer", "bigint"):
    aggregate(
        f"sum({_integer}) -> bigint",
        lambda arguments, render: f"CAST({render('sum', arguments[0].sql)} AS BIGINT)",
    )
    aggregate(f"avg({_integer}) -> double", "avg")
aggregate("sum(double) -> double", "sum")
aggregate("sum(real) -> real", lambda arguments, render: f"CAST({render('sum', arguments[0].sql)} AS FLOAT)")
aggregate("sum(decimal) -> =0", _sum_decimal)
aggregate("avg(double) -> double", "avg")


def _of_intervals(name: str) -> None:
    """Add a sum or mean of intervals, computed from their milliseconds or months."""

    def days(terms: list[Term], render: Render) -> str:
        found = render(name, f"epoch_ms({terms[0].sql})")
        return f"to_milliseconds(CAST(round({found}) AS BIGINT))"

    def months(terms: list[Term], render: Render) -> str:
        found = render(name, f"athena_months({terms[0].sql})")
        return f"to_months(CAST(round({found}) AS INTEGER))"

    aggregate(f"{name}(interval day to second) -> interval day to second", days)
    aggregate(f"{name}(interval year to month) -> interval year to month", months)


for _name in ("sum", "avg"):
    _of_intervals(_name)
aggregate("avg(real) -> real", lambda arguments, render: f"CAST({render('avg', arguments[0].sql)} AS FLOAT)")
aggregate("avg(decimal) -> =0", _avg_decimal)


def _max_float(arguments: list[Term], render: Render) -> str:
    """NaN is the maximum only if there is nothing else; in DuckDB it is the largest value."""
    value = arguments[0].sql
    number = f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"
    return f"coalesce({render('max', number)}, {render('max', value)})"


for _type in ("real", "double"):
    aggregate(f"max({_type}) -> {_type}", _max_float)
for _name in ("min", "max"):
    aggregate(f"{_name}(E) -> E", _name)


def _ordered(name: str, key: Term) -> str:
    """Return the sort key: in Athena, max_by and the like rank NaN below every number."""
    return nan_first(key) if name == "max" and key.type.name in ("real", "double") else key.sql


def _best(name: str) -> None:
    """Add max_by and min_by of one row and of several (values may be null), and max and min of several."""

    def one(terms: list[Term], render: Render) -> str:
        return render(f"arg_{name}_null", terms[0].sql, _ordered(name, terms[1]))

    def several(terms: list[Term], render: Render) -> str:
        held = f"struct_pack(held := {terms[0].sql})"
        found = render(f"arg_{name}", held, _ordered(name, terms[1]), terms[2].sql)
        return f"list_transform({found}, lambda one: one.held)"

    def extremes(terms: list[Term], render: Render) -> str:
        return several([terms[0], terms[0], terms[1]], render)

    aggregate(f"{name}_by(T, E) -> T", one)
    aggregate(f"{name}_by(T, E, bigint) -> array(T)", several)
    aggregate(f"{name}(E, bigint) -> array(E)", extremes)


for _name in ("max", "min"):
    _best(_name)
aggregate("arbitrary(T) -> T", "any_value")
aggregate("any_value(T) -> T", "any_value")
aggregate("bool_and(boolean) -> boolean", "bool_and")
aggregate("bool_or(boolean) -> boolean", "bool_or")
alias("every", "bool_and")
aggregate("array_agg(T) -> array(T)", "array_agg")
aggregate("listagg(varchar, varchar) -> varchar", "string_agg")
aggregate(
    "approx_distinct(T) -> bigint",
    lambda arguments, render: render("count", "DISTINCT " + arguments[0].sql, bare=True),
)
aggregate(
    "approx_distinct(T, double) -> bigint",
    lambda arguments, render: render("count", "DISTINCT " + arguments[0].sql, bare=True),
)
for _name in ("stddev", "stddev_samp", "stddev_pop", "var_pop", "var_samp", "variance"):
    aggregate(f"{_name}(double) -> double", _name)


def _of_pairs(name: str, template: str = "{}") -> None:
    """Add an aggregate of two columns, for doubles and reals; `template` wraps DuckDB's call."""

    def double(terms: list[Term], render: Render) -> str:
        return template.format(render(name, *texts(terms)))

    def real(terms: list[Term], render: Render) -> str:
        return f"CAST({double(terms, render)} AS FLOAT)"

    aggregate(f"{name}(double, double) -> double", double)
    aggregate(f"{name}(real, real) -> real", real)


for _name in ("covar_pop", "covar_samp", "regr_intercept"):
    _of_pairs(_name)
for _name in ("corr", "regr_slope"):
    # An undefined result is null in Athena, NaN in DuckDB.
    _of_pairs(_name, "nullif({}, CAST('nan' AS DOUBLE))")


def _map_agg(arguments: list[Term], render: Render) -> str:
    # The first value of a key wins; null keys are left out.
    key, value = texts(arguments)
    listed = render("list", f"struct_pack(key := {key}, value := {value})")
    entries = f"list_filter({listed}, lambda e: e.key IS NOT NULL)"
    keys = f"list_transform({entries}, lambda e: e.key)"
    first = f"list_filter({entries}, lambda e, i: list_position({keys}, e.key) = i)"
    return f"CASE WHEN {render('count', key)} > 0 THEN map_from_entries({first}) END"


aggregate("map_agg(K, V) -> map(K, V)", _map_agg)


def _map_union(arguments: list[Term], render: Render) -> str:
    """Merge maps; the first value of a key wins. Null when there was no map."""
    value = arguments[0].sql
    entries = f"flatten(list_transform({render('list', value)}, lambda m: map_entries(m)))"
    keys = f"list_transform({entries}, lambda e: e.key)"
    first = f"list_filter({entries}, lambda e, i: list_position({keys}, e.key) = i)"
    return f"CASE WHEN {render('count', value)} > 0 THEN map_from_entries({first}) END"


def _multimap_agg(arguments: list[Term], render: Render) -> str:
    key, value = texts(arguments)
    listed = render("list", f"struct_pack(key := {key}, value := {value})")
    entries = f"list_filter({listed}, lambda e: e.key IS NOT NULL)"
    keys = f"list_distinct(list_transform({entries}, lambda e: e.key))"
    values = f"list_transform(list_filter({entries}, lambda e: e.key = k), lambda e: e.value)"
    found = f"map({keys}, list_transform({keys}, lambda k: {values}))"
    return f"CASE WHEN {render('count', key)} > 0 THEN {found} END"


aggregate("map_union(map(K, V)) -> map(K, V)", _map_union)
aggregate("multimap_agg(K, V) -> map(K, array(V))", _multimap_agg)


def _most_frequent(arguments: list[Term], render: Render) -> str:
    """Exact, as is Athena's answer while there are fewer values than its sketch has room for."""
    buckets, value, _ = texts(arguments)
    counted = f"map_entries({render('histogram', value)})"
    pairs = f"list_transform({counted}, lambda e: struct_pack(n := -CAST(e.value AS BIGINT), key := e.key))"
    best = f"list_sort({pairs})"
    return (
        f"map_from_entries(list_transform({best}[1:{buckets}], lambda e: struct_pack(k := e.key, v := -e.n)))"
    )


def _numeric_histogram(arguments: list[Term], render: Render) -> str:
    """Exact while there is a bucket for every value; merging buckets is refused."""
    buckets, value = texts(arguments)
    counted = f"map_entries({render('histogram', value)})"
    wrong = f"len({counted}) > {buckets}"
    refused = fails_when(wrong, "NOT_SUPPORTED", "'numeric_histogram that merges buckets in the local cloud'")
    type_ = duckdb_type(arguments[1].type)
    pairs = f"list_transform({counted}, lambda e: struct_pack(k := e.key, v := CAST(e.value AS {type_})))"
    return f"CASE WHEN {refused} OR len({counted}) = 0 THEN NULL ELSE map_from_entries({pairs}) END"


for _type in ("real", "double"):
    aggregate(f"numeric_histogram(bigint, {_type}) -> map({_type}, {_type})", _numeric_histogram)
for _type in ("varchar", "bigint"):
    aggregate(f"approx_most_frequent(bigint, {_type}, bigint) -> map({_type}, bigint)", _most_frequent)
aggregate(
    "histogram(K) -> map(K, bigint)",
    lambda terms, render: (
        f"CAST({render('histogram', terms[0].sql)} AS MAP({duckdb_type(terms[0].type)}, BIGINT))"
    ),
)


def _sorted_values(value: Term, render: Render) -> tuple[str, str]:
    """Return the sorted values of a group without nulls, and a condition that fails if one is not finite."""
    values = f"list_sort(list_filter({render('list', value.sql)}, lambda v: v IS NOT NULL))"
    if value.type.name not in ("real", "double"):
        return values, "FALSE"
    wrong = f"NOT (isfinite({values}[1]) AND isfinite({values}[-1]))"
    return values, fails_when(wrong, "INVALID_FUNCTION_ARGUMENT", "'value must be finite'")


def _percentile(arguments: list[Term], render: Render) -> str:
    """Return the value at floor(p * n) of the sorted values, as Athena's sketch does for small n."""
    values, not_finite = _sorted_values(arguments[0], render)
    at = f"least(CAST(floor({arguments[1].sql} * len({values})) AS BIGINT) + 1, len({values}))"
    wrong = fails_when(
        f"{arguments[1].sql} NOT BETWEEN 0 AND 1",
        "INVALID_FUNCTION_ARGUMENT",
        "'Percentile must be between 0 and 1'",
    )
    return f"CASE WHEN {wrong} OR {not_finite} THEN NULL ELSE {values}[{at}] END"


def _percentiles(arguments: list[Term], render: Render) -> str:
    values, not_finite = _sorted_values(arguments[0], render)
    at = f"least(CAST(floor(p * len({values})) AS BIGINT) + 1, len({values}))"
    found = f"list_transform({arguments[1].sql}, lambda p: {values}[{at}])"
    return f"CASE WHEN {not_finite} THEN NULL WHEN len({values}) > 0 THEN {found} END"


for _type in ("bigint", "real", "double"):
    aggregate(f"approx_percentile({_type}, double) -> {_type}", _percentile)
    aggregate(f"approx_percentile({_type}, array(double)) -> array({_type})", _percentiles)

window("row_number() -> bigint", "row_number")
window("rank() -> bigint", "rank")
window("dense_rank() -> bigint", "dense_rank")
window("percent_rank() -> double", "percent_rank")
window("cume_dist() -> double", "cume_dist")
window("ntile(bigint) -> bigint", "ntile")


def _away(name: str, least: int) -> Aggregate:
    """Add the function `name` of a row at an offset, which must be at least `least`."""

    def rule(terms: list[Term], render: Render) -> str:
        value, offset, *default = terms
        wrong = [f"{offset.sql} < {least}", *([f"{offset.sql} IS NULL"] if least == 0 else [])]
        message = text(f"Offset must be at least {least}")
        checked = offset.sql
        if not isinstance(offset.value, int) or offset.value < least:
            failure = fail("INVALID_FUNCTION_ARGUMENT", message, offset.type)
            checked = f"CASE WHEN {' OR '.join(wrong)} THEN {failure} ELSE {offset.sql} END"
        return render(name, value.sql, checked, *texts(default))

    return rule


for _name in ("lag", "lead"):
    window(f"{_name}(T) -> T", _name)
    window(f"{_name}(T, bigint) -> T", _away(_name, 0))
    window(f"{_name}(T, bigint, T) -> T", _away(_name, 0))
window("first_value(T) -> T", "first_value")
window("last_value(T) -> T", "last_value")
window("nth_value(T, bigint) -> T", _away("nth_value", 1))
