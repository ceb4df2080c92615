"""The DuckDB database of a gateway: its settings, and the macros that the translation calls."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from localcloud.athena.engines import (
    digits,
    distributions,
    hashes,
    iso8601,
    jsonpaths,
    murmur,
    quantile,
    utf8,
)
from localcloud.athena.translate.terms import text

_THREADS = 2
_MEMORY = "1GB"

MACROS = (
    # Fails so that DuckDB's TRY does not catch it: TRY does not treat unparsable text as an error of a value.
    "athena_fail(code, message) AS json_deserialize_sql(json_object('error', TRUE, 'error_type', code,"
    " 'error_message', message))",
    # array_to_string takes only a constant separator. The reduction starts with an element of the list: given
    # an empty list and a separate start value, DuckDB would use another row's separator for later rows.
    "athena_join(texts, gap) AS CASE WHEN texts IS NOT NULL THEN substr(list_reduce("
    "list_prepend('', list_filter(texts, lambda t: t IS NOT NULL)), lambda joined, t: joined || gap || t),"
    " len(gap) + 1) END",
    # The quotient of two HUGEINTs, rounded half away from zero; abs(r) >= abs(d) - abs(r) cannot overflow.
    "athena_quotient(n, d) AS (n // d) + CASE WHEN abs(n % d) >= abs(d) - abs(n % d)"
    " THEN CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END ELSE 0 END",
    # The same for BIGINTs with d not 0, where 2 * n + d is a BIGINT too.
    "athena_short_quotient(n, d) AS sign(n) * sign(d) * ((2 * abs(n) + abs(d)) // (2 * abs(d)))",
    # Whole numbers rounded to tens, hundreds and so on; none reaches 10**19.
    "athena_round_whole(x, d) AS CASE WHEN d >= 0 THEN CAST(x AS HUGEINT) WHEN d < -18 THEN"
    " CAST(CAST('NUMERIC_VALUE_OUT_OF_RANGE: ' || 'numerical overflow: ' || x AS INTEGER) AS HUGEINT)"
    " ELSE athena_quotient(CAST(x AS HUGEINT), CAST(power(10, -d) AS HUGEINT))"
    " * CAST(power(10, -d) AS HUGEINT) END",
    # The same for n * (product of factors) / d where that product exceeds a HUGEINT: long division, a factor
    # per step; each remainder times its factor fits a HUGEINT. The first step has the factor 1.
    "athena_long_steps(n, d, factors) AS list_reduce("
    "list_transform(list_prepend(CAST(1 AS HUGEINT), factors), lambda f, i:"
    " {'q': CASE WHEN i = 1 THEN n // d ELSE 0 END, 'r': CASE WHEN i = 1 THEN n % d ELSE 0 END, 'f': f}),"
    " lambda a, b: {'q': a.q * b.f + (a.r * b.f) // d, 'r': (a.r * b.f) % d, 'f': b.f})",
    "athena_round_up(s, n, d) AS s.q + CASE WHEN abs(s.r) >= abs(d) - abs(s.r)"
    " THEN CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END ELSE 0 END",
    "athena_long_quotient(n, d, factors) AS athena_round_up(athena_long_steps(n, d, factors), n, d)",
    # What to add to microseconds to round them to a multiple of a unit, half up.
    "athena_to_unit(us, unit) AS (us + unit // 2) - ((((us + unit // 2) % unit) + unit) % unit) - us",
    # For an hour that a clock shows twice, Trino takes the first, which has the UTC offset of the day before;
    # DuckDB takes the second.
    "athena_first_instant(zone, t) AS"
    " timezone('UTC', t) - (t - INTERVAL 1 DAY - timezone('UTC', timezone(zone, t - INTERVAL 1 DAY)))",
    "athena_instant(zone, t) AS CASE WHEN timezone(zone, athena_first_instant(zone, t)) = t"
    " THEN athena_first_instant(zone, t) ELSE timezone(zone, t) END",
    # The text of a decimal as Java's BigDecimal prints it.
    "athena_unscaled(t) AS coalesce(nullif(ltrim(replace(ltrim(t, '-'), '.', ''), '0'), ''), '0')",
    "athena_decimal_exponent(t, scale) AS len(athena_unscaled(t)) - 1 - scale",
    "athena_java_decimal(t, scale) AS list_transform([t], lambda t: CASE"
    " WHEN t IS NULL OR athena_decimal_exponent(t, scale) >= -6 THEN t"
    " ELSE CASE WHEN t[1] = '-' THEN '-' ELSE '' END"
    " || athena_unscaled(t)[1] || CASE WHEN len(athena_unscaled(t)) > 1 THEN '.' ELSE '' END"
    " || athena_unscaled(t)[2:] || 'E' || athena_decimal_exponent(t, scale) END)[1]",
    # with_timezone in such an hour: uses the UTC offset at the instant when UTC's clocks show that time.
    "athena_ahead(zone, u) AS timezone(zone, u) - timezone('UTC', u)",
    "athena_by_utc(zone, t) AS timezone('UTC', t - athena_ahead(zone,"
    " timezone('UTC', t - athena_ahead(zone, timezone('UTC', t)))))",
    "athena_zoned(zone, t) AS CASE WHEN timezone(zone, athena_by_utc(zone, t)) = t"
    " THEN athena_by_utc(zone, t) ELSE athena_instant(zone, t) END",
    # Digits grouped by three, and padded with zeros.
    "athena_thousands(t) AS format('{:,}', CAST(split_part(t, '.', 1) AS HUGEINT))"
    " || regexp_extract(t, '\\..*')",
    "athena_zeros_before(t, width) AS lpad(t, CAST(greatest(width, len(t)) AS INTEGER), '0')",
    # The timestamp, moved into the hundred years that begin with `first`.
    "athena_century(t, first) AS t + to_years(CASE WHEN year(t) < first THEN 100 WHEN year(t) >= first + 100"
    " THEN -100 ELSE 0 END)",
    # A time of day as Java prints it: without seconds and fractions that are zero.
    "athena_java_clock(ts) AS CASE WHEN epoch_us(ts) % 60000000 = 0 THEN strftime(ts, '%H:%M')"
    " WHEN epoch_us(ts) % 1000000 = 0 THEN strftime(ts, '%H:%M:%S')"
    " WHEN epoch_us(ts) % 1000 = 0 THEN strftime(ts, '%H:%M:%S.%g') ELSE strftime(ts, '%H:%M:%S.%f') END",
    "athena_cut(t, digits) AS left(t, len(t) - CASE WHEN digits = 0 THEN 7 ELSE 6 - digits END)",
    "athena_timestamp_text(ts, digits) AS athena_cut(strftime(ts, '%Y-%m-%d %H:%M:%S.%f'), digits)",
    "athena_time_text(t, digits) AS athena_cut(strftime(DATE '2000-01-01' + t, '%H:%M:%S.%f'), digits)",
    # The elements common to both lists, once each, in the order of the longer list.
    "athena_shared(a, b) AS list_filter(a, lambda x, i: len(list_filter(a[1:i - 1],"
    " lambda y: y IS NOT DISTINCT FROM x)) = 0"
    " AND len(list_filter(b, lambda y: y IS NOT DISTINCT FROM x)) > 0)",
    "athena_intersect(a, b) AS"
    " CASE WHEN len(a) >= len(b) THEN athena_shared(a, b) ELSE athena_shared(b, a) END",
    # Positions of list elements sorted by a comparator; m[i][j] is its answer for elements i and j. The sort
    # is stable: what counts is the answer for the later element compared with the earlier.
    "athena_ranks(m) AS list_transform(m, lambda r, i: 1 + len(list_filter(range(1, len(m) + 1), lambda j:"
    " CASE WHEN j < i THEN m[i][j] >= 0 WHEN j > i THEN m[j][i] < 0 ELSE FALSE END)))",
    "athena_by_rank(a, ranks) AS"
    " list_transform(range(1, len(a) + 1), lambda r: a[list_position(ranks, CAST(r AS BIGINT))])",
    # Invalid answers, and answers that define no order (from 32 elements, Java's sort compares both ways).
    "athena_no_answers(m) AS len(list_filter(flatten(list_transform(m, lambda r, i: list_filter(r,"
    " lambda s, j: i <> j))), lambda s: s IS NULL OR abs(s) > 1))",
    "athena_disordered(m) AS len(list_distinct(athena_ranks(m))) < len(m) OR len(m) >= 32 AND"
    " len(list_filter(m, lambda r, i: len(list_filter(r, lambda s, j: s <> -m[j][i])) > 0)) > 0",
    "athena_digits(t) AS replace(split_part(ltrim(t, '-'), 'e', 1), '.', '')",
    "athena_exponent(t) AS coalesce(TRY_CAST(split_part(t, 'e', 2) AS INTEGER), 0)"
    " + len(split_part(split_part(ltrim(t, '-'), 'e', 1), '.', 1)) - 1"
    " - (len(athena_digits(t)) - len(ltrim(athena_digits(t), '0')))",
    "athena_significant(t) AS trim(athena_digits(t), '0')",
    "athena_scientific(t) AS CASE"
    " WHEN t = 'nan' THEN 'NaN' WHEN t = 'inf' THEN 'Infinity' WHEN t = '-inf' THEN '-Infinity'"
    " WHEN athena_significant(t) = '' THEN CASE WHEN t[1] = '-' THEN '-0E0' ELSE '0E0' END"
    " ELSE CASE WHEN t[1] = '-' THEN '-' ELSE '' END || athena_significant(t)[1] || '.'"
    " || coalesce(nullif(substr(athena_significant(t), 2), ''), '0') || 'E' || athena_exponent(t) END",
    "athena_double_text(x) AS athena_scientific(CAST(x AS VARCHAR))",
    # Athena prints seven digits of a real.
    "athena_real_text(x) AS athena_scientific("
    "CASE WHEN isfinite(x) THEN format('{:.6e}', CAST(x AS DOUBLE)) ELSE CAST(x AS VARCHAR) END)",
    # As Java prints it: plain digits from 0.001 to 10 million. The one-element list binds the argument once
    # instead of ten times: 6 ms instead of 85.
    "athena_java_text(t) AS list_transform([t], lambda s: CASE WHEN NOT contains(s, 'E') THEN s"
    " WHEN s IN ('0E0', '-0E0') THEN replace(s, 'E0', '.0')"
    " WHEN CAST(split_part(s, 'E', 2) AS INTEGER) BETWEEN -3 AND 6 THEN"
    " athena_plain_text(CASE WHEN s[1] = '-' THEN '-' ELSE '' END,"
    " replace(ltrim(split_part(s, 'E', 1), '-'), '.', ''), CAST(split_part(s, 'E', 2) AS INTEGER))"
    " ELSE s END)[1]",
    # The same in JSON, where NaN and infinity are strings.
    "athena_json_number(t, finite) AS"
    " CASE WHEN finite THEN athena_java_text(t) ELSE CAST(to_json(t) AS VARCHAR) END",
    "athena_json_double(x) AS CASE WHEN abs(x) >= 0.001 AND abs(x) < 1e7 THEN CAST(to_json(x) AS VARCHAR)"
    " ELSE athena_json_number(athena_double_text(x), isfinite(x)) END",
    "athena_json_real(x) AS athena_json_number(athena_scientific(CAST(x AS VARCHAR)), isfinite(x))",
    # The digits with the decimal point after the first `power + 1` of them.
    "athena_plain_text(sign, digits, power) AS sign || CASE WHEN power < 0"
    " THEN '0.' || repeat('0', -power - 1) || coalesce(nullif(rtrim(digits, '0'), ''), '0')"
    " ELSE left(rpad(digits, CAST(greatest(power + 1, len(digits)) AS INTEGER), '0'), power + 1) || '.'"
    " || coalesce(nullif(rtrim(substr(digits, power + 2), '0'), ''), '0') END",
    # Strings, numbers, and what is between them.
    r"""athena_json_tokens(j) AS"""
    r""" regexp_extract_all(j, '"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[^"0-9-]+')""",
    # JSON with fractions written as Java writes doubles; infinity is a string.
    "athena_json_quoted(t) AS list_transform([t], lambda s:"
    """ CASE WHEN contains(s, 'I') THEN '"' || s || '"' ELSE s END)[1]""",
    "athena_json_doubles(j) AS CASE WHEN regexp_matches(j, '[0-9][.eE]') THEN array_to_string(list_transform("
    "athena_json_tokens(j), lambda part: CASE WHEN regexp_matches(part, '^-?[0-9].*[.eE]')"
    " THEN athena_json_quoted(athena_java_text(athena_double_text(CAST(part AS DOUBLE)))) ELSE part END), '')"
    " ELSE j END",
    # JSON with characters past U+FFFF escaped as surrogate pairs.
    "athena_json_half(n) AS '\\u' || printf('%04X', n)",
    r"athena_json_escaped(j) AS list_transform([j], lambda t: CASE"
    r" WHEN regexp_matches(t, '[\x{10000}-\x{10FFFF}]') THEN array_to_string("
    "list_transform(string_split(t, ''), lambda c: CASE WHEN unicode(c) > 65535 THEN"
    " athena_json_half(55296 + (unicode(c) - 65536) // 1024)"
    " || athena_json_half(56320 + (unicode(c) - 65536) % 1024) ELSE c END), '') ELSE t END)[1]",
    "athena_json_text(t) AS athena_json_escaped(CAST(to_json(t) AS VARCHAR))",
    # JSON with numbers turned into strings of their digits.
    "athena_json_with_digits(j) AS array_to_string(list_transform(athena_json_tokens(j), lambda part:"
    r""" CASE WHEN regexp_matches(part, '^[-0-9]') THEN '"' || part || '"' ELSE part END), '')""",
    "athena_day_second_text(i) AS CASE WHEN epoch_us(i) < 0 THEN '-' ELSE '' END"
    " || (abs(epoch_us(i)) // 86400000000) || ' '"
    " || strftime(TIMESTAMP '2000-01-01' + to_microseconds(abs(epoch_us(i)) % 86400000000), '%H:%M:%S.%g')",
    "athena_months(i) AS extract(year FROM i) * 12 + extract(month FROM i)",
    "athena_year_month_text(i) AS CASE WHEN athena_months(i) < 0 THEN '-' ELSE '' END"
    " || (abs(athena_months(i)) // 12) || '-' || (abs(athena_months(i)) % 12)",
)

# How many levels json_parse reads. Six levels take 0.1 s to bind.
_JSON_DEPTH = 6


def _json_macros() -> Iterator[str]:
    """JSON with object keys sorted, as in json_parse; the last value of a repeated key wins.

    There is one macro per depth, since macros cannot recurse. Each names its lambda parameters by its depth:
    arguments are substituted as text, so an equally named parameter inside would capture them.
    """
    last = "len(json_keys(j)) + 1 - list_position(list_reverse(json_keys(j)), k)"
    yield (
        "athena_json_members(j) AS CASE json_type(j) WHEN 'OBJECT' THEN list_transform("
        "list_sort(list_distinct(json_keys(j))), lambda k: {'before': CAST(to_json(k) AS VARCHAR) || ':',"
        f" 'value': json_extract(j, '$.*')[{last}]}}) WHEN 'ARRAY' THEN list_transform("
        "json_extract(j, '$[*]'), lambda e: {'before': '', 'value': e}) END"
    )
    bracket = "CASE json_type(j) WHEN 'OBJECT' THEN '{}' ELSE '{}' END"
    opened, closed = bracket.format("{", "["), bracket.format("}", "]")
    inner = "athena_fail('NOT_SUPPORTED', 'JSON nested this deep in the local cloud')"
    for depth in range(_JSON_DEPTH + 1):
        all_, one = f"s{depth}", f"m{depth}"
        listed = f"array_to_string(list_transform({all_}, lambda {one}: {one}.before || {inner}), ',')"
        yield (
            f"athena_json_{depth}(j) AS list_transform([athena_json_members(j)], lambda {all_}:"
            f" CASE WHEN {all_} IS NULL THEN CAST(json(j) AS VARCHAR)"
            f" ELSE {opened} || {listed} || {closed} END)[1]"
        )
        inner = f"athena_json_{depth}(m{depth + 1}.value)"
    doubles = f"list_transform([athena_json_{_JSON_DEPTH}(j)], lambda t: athena_json_doubles(t))[1]"
    yield f"athena_json(j) AS athena_json_escaped({doubles})"


_PARTS = (murmur, digits, hashes, utf8, quantile, distributions, iso8601, jsonpaths)
_ALL = (*MACROS, *(macro for part in _PARTS for macro in part.MACROS))


def open_database(folder: Path, *, threads: int = _THREADS) -> duckdb.DuckDBPyConnection:
    """Open a new in-memory database that spills to `folder` and cannot open files outside it.

    The translation passes no file name and no setting through. If it ever did, a statement could still reach
    nothing else on this machine.
    """
    database = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": _MEMORY,
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    for macro in (*_ALL, *_json_macros()):
        database.execute(f"CREATE MACRO {macro}")
    database.execute(f"SET allowed_directories = [{text(str(folder.absolute()))}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database
