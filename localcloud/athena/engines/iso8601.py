"""DuckDB macros for ISO 8601 texts in Joda's grammar; invalid texts and dates become null."""


def _day(pattern: str, found: str) -> str:
    return f"WHEN regexp_full_match(t, '[0-9]{{4}}{pattern}') THEN {found}"


_DAYS = (
    _day("-[0-9]{1,2}-[0-9]{1,2}", "TRY_CAST(t AS DATE)"),
    _day("-[0-9]{1,2}", "TRY_CAST(t || '-01' AS DATE)"),
    _day("", "TRY_CAST(t || '-01-01' AS DATE)"),
    _day("-[0-9]{3}", "athena_same_year(try_strptime(t, '%Y-%j'), t, '%Y')"),
    _day("-W[0-9]{2}", "athena_same_year(try_strptime(t || '-1', '%G-W%V-%u'), t, '%G')"),
    _day("-W[0-9]{2}-[1-7]", "athena_same_year(try_strptime(t, '%G-W%V-%u'), t, '%G')"),
)
_CLOCK = "([01]?[0-9]|2[0-3])(:[0-5]?[0-9](:[0-5]?[0-9]([.,][0-9]+)?)?)?"
_MOMENT = f"[^T]*(T({_CLOCK})?(Z|z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?)?"

MACROS = (
    # DuckDB reads the 366th day of a 365-day year as the first of the next year.
    "athena_same_year(d, t, year) AS CASE WHEN strftime(d, year) = left(t, 4) THEN CAST(d AS DATE) END",
    # Four digits for the year and two for the week: `12-W1` is `0012-W01`, and `+02024` is `2024`.
    "athena_iso_padded(t) AS CASE WHEN regexp_full_match(t, '[+]?0*[0-9]{1,4}(-.*)?') THEN"
    " lpad(regexp_extract(t, '^[+]?0*([0-9]{1,4})', 1), 4, '0')"
    r" || regexp_replace(regexp_extract(t, '-.*'), 'W([0-9])(-|$)', 'W0\1\2') END",
    f"athena_iso_day(t) AS list_transform([athena_iso_padded(t)], lambda t: CASE {' '.join(_DAYS)} END)[1]",
    "athena_iso_clock(t) AS list_transform([TRY_CAST(string_split(t, ':') AS BIGINT[])],"
    " lambda p: make_time(coalesce(p[1], 0), coalesce(p[2], 0), CAST(coalesce(p[3], 0) AS DOUBLE)))[1]",
    "athena_iso_offset(t) AS regexp_extract(t, 'T[^+-]*([+-].*)$', 1)",
    "athena_offset_minutes(o) AS CASE WHEN o = '' THEN 0 ELSE CASE WHEN o[1] = '-' THEN -1 ELSE 1 END *"
    " (CAST(o[2:3] AS INTEGER) * 60 + CASE WHEN len(o) > 3 THEN CAST(right(o, 2) AS INTEGER) ELSE 0 END) END",
    "athena_iso_wall(t) AS CASE WHEN t[1] = 'T' THEN DATE '1970-01-01'"
    " ELSE athena_iso_day(regexp_extract(t, '^[^T]*')) END"
    " + athena_iso_clock(regexp_extract(t, 'T([0-9:]*)', 1))"
    " + to_milliseconds(CAST(left(regexp_extract(t, '[.,]([0-9]+)', 1) || '000', 3) AS INTEGER))",
    f"athena_iso_moment(t) AS CASE WHEN regexp_full_match(t, '{_MOMENT}') THEN timezone('UTC',"
    " athena_iso_wall(t) - to_minutes(athena_offset_minutes(athena_iso_offset(t)))) END",
)
