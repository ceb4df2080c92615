"""Vectors, probability distributions, distances, and aggregates that describe a distribution."""

from localcloud.athena.translate.functions.registry import Render, aggregate, scalar
from localcloud.athena.translate.terms import DOUBLE, Term, fail, fails_when

_CODE = "INVALID_FUNCTION_ARGUMENT"
_LENGTHS = fail(_CODE, "'The arguments must have the same length'", DOUBLE)


def _vectors(name: str, sql: str, *, nulls_count: bool = False) -> None:
    """Add a function of two arrays of equal length; nulls in them count as 0 or make the result null."""
    nulls = "FALSE" if nulls_count else "len(list_filter({0} || {1}, lambda x: x IS NULL)) > 0"
    if nulls_count:
        sql = sql.format(*(f"list_transform({{{at}}}, lambda x: coalesce(x, 0))" for at in (0, 1)))
    scalar(
        f"{name}(array(double), array(double)) -> double",
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN len({0}) <> len({1}) THEN "
        f"{_LENGTHS} WHEN {nulls} THEN NULL ELSE {sql} END",
    )


_SIMILARITY = "list_dot_product({0}, {1}) / sqrt(list_dot_product({0}, {0}) * list_dot_product({1}, {1}))"
_vectors("dot_product", "list_dot_product({0}, {1})", nulls_count=True)
_vectors("euclidean_distance", "list_distance({0}, {1})", nulls_count=True)
_ZERO = "list_dot_product({0}, {0}) * list_dot_product({1}, {1}) = 0"
_NO_ANGLE = fail(_CODE, "'Vector magnitude cannot be zero'", DOUBLE)
for _name, _sql in (("cosine_similarity", _SIMILARITY), ("cosine_distance", f"1 - {_SIMILARITY}")):
    _vectors(_name, f"CASE WHEN {_ZERO} THEN {_NO_ANGLE} ELSE {_sql} END")
_NORM = (
    "sqrt(CASE WHEN cardinality({0}) = 0 THEN 0"
    " ELSE list_sum(list_transform(map_values({0}), lambda v: v * v)) END)"
)
scalar(
    "cosine_similarity(map(varchar, double), map(varchar, double)) -> double",
    "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE coalesce(list_sum(list_transform(map_entries({0}),"
    " lambda e: e.value * coalesce({1}[e.key], 0))), 0) / ("
    + _NORM
    + " * "
    + _NORM.replace("{0}", "{1}")
    + ") END",
)
_MEAN = "(CAST({0} AS DOUBLE) / {1})"
_SPREAD = f"sqrt({_MEAN} * (1 - {_MEAN}) / {{1}} + {{2}} * {{2}} / (4e0 * {{1}} * {{1}}))"
_CENTRE = f"({_MEAN} + {{2}} * {{2}} / (2e0 * {{1}}))"
for _bound, _sign in (("lower", "-"), ("upper", "+")):
    scalar(
        f"wilson_interval_{_bound}(bigint, bigint, double) -> double",
        "CASE WHEN {0} < 0 OR {1} <= 0 OR {0} > {1} OR {2} < 0 OR isnan({2}) THEN "
        + fail(_CODE, "'Number of successes must be between 0 and the number of trials'", DOUBLE)
        + f" ELSE ({_CENTRE} {_sign} {{2}} * {_SPREAD}) / (1 + {{2}} * {{2}} / {{1}}) END",
    )
scalar(
    "inverse_normal_cdf(double, double, double) -> double",
    "CASE WHEN {2} <= 0 OR {2} >= 1 OR isnan({2}) THEN "
    + fail(_CODE, "'p must be 0 > p > 1'", DOUBLE)
    + " WHEN {1} <= 0 OR isnan({1}) THEN "
    + fail(_CODE, "'sd must be > 0'", DOUBLE)
    + " ELSE {0} + {1} * athena_normal_quantile({2}) END",
)
scalar(
    "normal_cdf(double, double, double) -> double",
    "CASE WHEN {1} <= 0 OR isnan({1}) THEN "
    + fail(_CODE, "'standardDeviation must be > 0'", DOUBLE)
    + " ELSE athena_normal_cdf(({2} - {0}) / {1}) END",
)


def _of_parameters(name: str, sql: str, *parameters: str, wrong: str = "<= 0") -> None:
    """Add a distribution function with positive parameters; large ones, which lose digits, are refused."""
    outside = " OR ".join(f"{parameter} {wrong}" for parameter in parameters)
    large = " OR ".join(f"{parameter} > 20" for parameter in parameters)
    refused = fails_when(large, "NOT_SUPPORTED", f"'{name} with a parameter above 20 in the local cloud'")
    scalar(
        f"{name}({', '.join(['double'] * (len(parameters) + 1))}) -> double",
        f"CASE WHEN {outside} THEN {fail(_CODE, _POSITIVE, DOUBLE)} WHEN {refused} THEN NULL ELSE {sql} END",
    )


_POSITIVE = "'The parameters of a distribution must be > 0'"
_INSIDE = fail(_CODE, "'value must be in the interval [0, 1]'", DOUBLE)
_of_parameters(
    "beta_cdf",
    f"CASE WHEN {{2}} NOT BETWEEN 0 AND 1 THEN {_INSIDE} ELSE athena_beta({{0}}, {{1}}, {{2}}) END",
    "{0}",
    "{1}",
)
_of_parameters("t_cdf", "athena_student({0}, {1})", "{1}", wrong="< 1")
_of_parameters("t_pdf", "athena_student_density({0}, {1})", "{1}", wrong="< 1")
_LAT1, _LAT2, _TURN = "radians({0})", "radians({2})", "radians({1} - {3})"
_ACROSS = f"cos({_LAT2}) * sin({_TURN})"
_ALONG = f"cos({_LAT1}) * sin({_LAT2}) - sin({_LAT1}) * cos({_LAT2}) * cos({_TURN})"
_DOWN = f"sin({_LAT1}) * sin({_LAT2}) + cos({_LAT1}) * cos({_LAT2}) * cos({_TURN})"
scalar(
    "great_circle_distance(double, double, double, double) -> double",
    "CASE WHEN abs({0}) > 90 OR abs({2}) > 90 OR abs({1}) > 180 OR abs({3}) > 180 THEN "
    + fail(_CODE, "'Latitude must be between -90 and 90, longitude between -180 and 180'", DOUBLE)
    + f" ELSE atan2(sqrt(pow({_ACROSS}, 2) + pow({_ALONG}, 2)), {_DOWN}) * 6371.01e0 END",
)


def _skewness(arguments: list[Term], render: Render) -> str:
    """The skewness of the values themselves; DuckDB estimates that of the population."""
    value = arguments[0].sql
    n = f"CAST({render('count', value)} AS DOUBLE)"
    return f"CASE WHEN {n} > 2 THEN {render('skewness', value)} * ({n} - 2) / sqrt({n} * ({n} - 1)) END"


aggregate("skewness(double) -> double", _skewness)
aggregate("kurtosis(double) -> double", "kurtosis")


def _geometric_mean(arguments: list[Term], render: Render) -> str:
    """DuckDB's own geometric mean is a macro, which does not accept FILTER."""
    return f"exp({render('avg', f'ln({arguments[0].sql})')})"


for _type in ("bigint", "double"):
    aggregate(f"geometric_mean({_type}) -> double", _geometric_mean)
aggregate(
    "geometric_mean(real) -> real",
    lambda arguments, render: f"CAST({_geometric_mean(arguments, render)} AS FLOAT)",
)
