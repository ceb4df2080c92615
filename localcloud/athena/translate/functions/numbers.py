"""Mathematics."""

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate import arithmetic
from localcloud.athena.translate.coercion import as_decimal
from localcloud.athena.translate.functions.registry import alias, scalar, special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import BIGINT, INTEGERS, Term, decimal, fail, fails_when, raw_cast
from localcloud.athena.types import Type

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

for _type in (*INTEGERS, "real", "double"):
    scalar(f"abs({_type}) -> {_type}", "abs({0})")
for _type in INTEGERS:
    scalar(f"sign({_type}) -> {_type}", lambda terms: raw_cast(f"sign({terms[0].sql})", terms[0].type))
for _type in ("real", "double"):
    scalar(
        f"sign({_type}) -> {_type}",
        lambda terms: raw_cast(
            f"CASE WHEN isnan({terms[0].sql}) THEN {terms[0].sql} ELSE sign({terms[0].sql}) END",
            terms[0].type,
        ),
    )
scalar("abs(decimal) -> =0", "abs({0})")
scalar("sign(decimal) -> decimal(1,0)", "CAST(sign({0}) AS DECIMAL(1,0))")


def _whole(function: str) -> None:
    """Add ceil, floor, round or truncate to whole numbers, for each type."""
    for integer in INTEGERS if function != "truncate" else ():
        scalar(f"{function}({integer}) -> {integer}", "{0}")

    def decimals(terms: list[Term]) -> Term:
        precision, scale = terms[0].type.numbers
        extra = 0 if function == "truncate" else min(scale, 1)
        result = decimal(max(precision - scale + extra, 1), 0)
        name = "trunc" if function == "truncate" else function
        return Term(raw_cast(f"{name}({terms[0].sql})", result), result)

    scalar(f"{function}(decimal) -> =0", decimals)
    for integer in INTEGERS if function == "truncate" else ():
        result = as_decimal(Type(integer))
        scalar(f"truncate({integer}) -> {result.athena}", raw_cast("{0}", result))
    name = "trunc" if function == "truncate" else function
    for type_ in ("real", "double"):
        scalar(f"{function}({type_}) -> {type_}", f"{name}({{0}})")


for _function in ("ceil", "floor", "round", "truncate"):
    _whole(_function)
alias("ceiling", "ceil")


def _round_decimal(terms: list[Term]) -> Term:
    precision, scale = terms[0].type.numbers
    digits = terms[1].value
    if not isinstance(digits, int):
        raise not_supported("The digits of round must be a literal in the local cloud")
    result = decimal(precision + 1, scale)
    # DuckDB's round has its own result type; the cast from it is exact.
    return Term(raw_cast(f"round({raw_cast(terms[0].sql, result)}, {digits})", result), result)


def _truncate_decimal(terms: list[Term]) -> Term:
    _, scale = terms[0].type.numbers
    digits = terms[1].value
    if not isinstance(digits, int):
        raise not_supported("The digits of truncate must be a literal in the local cloud")
    value = terms[0].sql
    if digits >= scale:
        return terms[0]
    if scale - digits >= terms[0].type.numbers[0]:
        return Term(raw_cast(f"CASE WHEN {value} IS NOT NULL THEN 0 END", terms[0].type), terms[0].type)
    if digits >= 0:
        rounded = f"round({value}, {digits})"
        unit = f"CAST('{1 / 10**digits:.{digits}f}' AS DECIMAL({digits + 1},{digits}))" if digits else "1"
        less = f"{rounded} - sign({value}) * {unit}"
        fixed = f"CASE WHEN abs({rounded}) > abs({value}) THEN {less} ELSE {rounded} END"
        return Term(raw_cast(fixed, terms[0].type), terms[0].type)
    return Term(raw_cast(f"({value} - {value} % {10**-digits})", terms[0].type), terms[0].type)


scalar("round(decimal, integer) -> =0", _round_decimal)
scalar("truncate(decimal, integer) -> =0", _truncate_decimal)
for _type in ("real", "double"):
    scalar(
        f"round({_type}, integer) -> {_type}",
        "CASE WHEN "
        + fails_when(
            "{1} NOT BETWEEN -18 AND 18", "NOT_SUPPORTED", "'round to more than 18 digits in the local cloud'"
        )
        + " THEN NULL ELSE round({0}, {1}) END",
    )
for _type in INTEGERS:
    scalar(
        f"round({_type}, integer) -> {_type}",
        lambda terms: raw_cast(f"athena_round_whole({terms[0].sql}, {terms[1].sql})", terms[0].type),
    )

for _function in ("sin", "cos", "tan"):
    scalar(
        f"{_function}(double) -> double",
        f"CASE WHEN isinf({{0}}) THEN CAST('nan' AS DOUBLE) ELSE {_function}({{0}}) END",
    )
# DuckDB's cbrt(27) is 3.0000000000000004.
_ROOT = "round(cbrt({0}))"
scalar(
    "cbrt(double) -> double",
    f"CASE WHEN {_ROOT} * {_ROOT} * {_ROOT} = {{0}} THEN {_ROOT} ELSE cbrt({{0}}) END",
)
for _function in ("exp", "atan", "cosh", "sinh", "tanh", "degrees", "radians"):
    scalar(f"{_function}(double) -> double", f"{_function}({{0}})")
for _function in ("asin", "acos"):
    scalar(
        f"{_function}(double) -> double",
        f"CASE WHEN abs({{0}}) > 1 THEN CAST('nan' AS DOUBLE) ELSE {_function}({{0}}) END",
    )
scalar("sqrt(double) -> double", "CASE WHEN {0} < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt({0}) END")


def _logarithm(duckdb_name: str) -> str:
    return (
        "CASE WHEN {0} < 0 THEN CAST('nan' AS DOUBLE) WHEN {0} = 0 THEN CAST('-inf' AS DOUBLE) "
        f"ELSE {duckdb_name}({{0}}) END"
    )


for _name in ("ln", "log2", "log10"):
    scalar(f"{_name}(double) -> double", _logarithm(_name))
scalar(
    "log(double, double) -> double",
    f"(({_logarithm('ln').replace('{0}', '{1}')}) / ({_logarithm('ln')}))",
)
scalar(
    "power(double, double) -> double",
    "CASE WHEN abs({0}) = 1 AND NOT isfinite({1}) THEN CAST('nan' AS DOUBLE) ELSE power({0}, {1}) END",
)
alias("pow", "power")
scalar("atan2(double, double) -> double", "atan2({0}, {1})")
scalar("pi() -> double", "pi()")
scalar("e() -> double", "exp(1)")
scalar("nan() -> double", "CAST('nan' AS DOUBLE)")
scalar("infinity() -> double", "CAST('inf' AS DOUBLE)")
scalar("is_nan(double) -> boolean", "isnan({0})")
scalar("is_finite(double) -> boolean", "isfinite({0})")
scalar("is_infinite(double) -> boolean", "isinf({0})")
scalar("random() -> double", "random()")


def _random(terms: list[Term]) -> str:
    start, stop = ("0", terms[0].sql) if len(terms) == 1 else (terms[0].sql, terms[1].sql)
    wrong = fail("INVALID_FUNCTION_ARGUMENT", "'bound must be positive'", BIGINT)
    number = f"CAST(floor({start} + random() * ({stop} - {start})) AS BIGINT)"
    return raw_cast(f"CASE WHEN {start} >= {stop} THEN {wrong} ELSE {number} END", terms[0].type)


for _type in INTEGERS:
    scalar(f"random({_type}) -> {_type}", _random)
    scalar(f"random({_type}, {_type}) -> {_type}", _random)
alias("rand", "random")
scalar("bitwise_and(bigint, bigint) -> bigint", "({0} & {1})")
scalar("bitwise_or(bigint, bigint) -> bigint", "({0} | {1})")
scalar("bitwise_xor(bigint, bigint) -> bigint", "xor({0}, {1})")
scalar("bitwise_not(bigint) -> bigint", "(~{0})")
scalar(
    "from_base(varchar, bigint) -> bigint",
    lambda terms: _from_base(terms),
)
scalar(
    "to_base(bigint, bigint) -> varchar(64)",
    "CASE WHEN "
    + fails_when("{1} NOT BETWEEN 2 AND 36", "INVALID_FUNCTION_ARGUMENT", "'Radix must be between 2 and 36'")
    + " THEN NULL WHEN {0} < 0 THEN '-' ELSE '' END || lower(to_base(abs({0}), CAST({1} AS INTEGER)))",
)
_WRONG_BUCKETS = " OR ".join(
    fails_when(condition, "INVALID_FUNCTION_ARGUMENT", f"'{message}'")
    for condition, message in (
        ("{3} <= 0", "bucketCount must be greater than 0"),
        ("isnan({0})", "operand must not be NaN"),
        ("NOT isfinite({1})", "first bound must be finite"),
        ("NOT isfinite({2})", "second bound must be finite"),
        ("{1} = {2}", "bounds cannot equal each other"),
    )
)
_FLOOR = "CAST(floor({3} * ({0} - {1}) / ({2} - {1}) + 1) AS BIGINT)"
scalar(
    "width_bucket(double, double, double, bigint) -> bigint",
    f"CASE WHEN {_WRONG_BUCKETS} THEN NULL WHEN {{0}} < least({{1}}, {{2}}) THEN"
    " CASE WHEN {1} < {2} THEN 0 ELSE {3} + 1 END WHEN {0} >= greatest({1}, {2}) THEN"
    " CASE WHEN {1} < {2} THEN {3} + 1 ELSE 0 END"
    f" WHEN {{1}} < {{2}} THEN {_FLOOR}"
    " ELSE {3} - CAST(floor({3} * ({0} - {2}) / ({1} - {2})) AS BIGINT) END",
)
_DISORDERED = fails_when(
    "{1} <> list_sort({1}) OR len({1}) = 0 OR len(list_filter({1}, lambda bin: NOT isfinite(bin))) > 0"
    " OR list_count({1}) < len({1}) OR isnan({0})",
    "NOT_SUPPORTED",
    "'width_bucket with bins that are not sorted in the local cloud'",
)
scalar(
    "width_bucket(double, array(double)) -> bigint",
    f"CASE WHEN {_DISORDERED} THEN NULL ELSE len(list_filter({{1}}, lambda bin: bin <= {{0}})) END",
)


def _from_base(terms: list[Term]) -> str:
    radix = terms[1].value
    if not isinstance(radix, int):
        raise not_supported("The base of from_base must be a literal in the local cloud")
    if not 2 <= radix <= 36:
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")
    digits, value = _DIGITS[:radix], f"lower({terms[0].sql})"
    wrong = fail("INVALID_FUNCTION_ARGUMENT", f"'Not a valid base-{radix} number: ' || {value}", BIGINT)
    places = f"list_transform(string_split(ltrim({value}, '-'), ''), lambda c: strpos('{digits}', c) - 1)"
    number = (
        f"list_reduce({places}, lambda sum, digit: sum * {radix} + digit, CAST(0 AS HUGEINT))"
        f" * CASE WHEN {value}[1] = '-' THEN -1 ELSE 1 END"
    )
    # 39 digits could exceed 128 bits; at most 64 digits, in base 2, fit a bigint.
    fits = f"length(ltrim({value}, '-0')) <= 24 OR {radix} = 2 AND length(ltrim({value}, '-0')) <= 64"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN NOT regexp_full_match({value}, '-?[{digits}]+')"
        f" OR NOT ({fits}) THEN {wrong} WHEN {number} NOT BETWEEN -{2**63} AND {2**63 - 1} THEN {wrong}"
        f" ELSE CAST({number} AS BIGINT) END"
    )


@special("mod")
def _mod(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    left, right = (scope.term(part) for part in arguments)
    return arithmetic.binary("%", left, right, node)


_BITS = fails_when(
    "{1} NOT BETWEEN 2 AND 64",
    "INVALID_FUNCTION_ARGUMENT",
    "'Bits specified in bit_count must be between 2 and 64, got ' || {1}",
)
_HALF = "(CAST(1 AS HUGEINT) << CAST({1} - 1 AS INTEGER))"
_TOO_LARGE = fails_when(
    f"{{0}} NOT BETWEEN -{_HALF} AND {_HALF} - 1",
    "INVALID_FUNCTION_ARGUMENT",
    "'Number must be representable with the bits specified. ' || {0}"
    " || ' cannot be represented with ' || {1} || ' bits'",
)
scalar(
    "bit_count(bigint, bigint) -> bigint",
    f"CASE WHEN {_BITS} THEN NULL WHEN {_TOO_LARGE} THEN NULL"
    f" ELSE CAST(bit_count(CAST({{0}} AS HUGEINT) & (2 * {_HALF} - 1)) AS BIGINT) END",
)
