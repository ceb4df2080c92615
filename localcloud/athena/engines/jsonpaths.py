"""The building blocks of SQL/JSON paths, as DuckDB macros.

An item is a JSON value, a sequence is a list of items. NULL in place of an item means a path error, which
makes the whole path fail; JSON's null is the value `null`. Lambda parameters begin with `path_` to avoid
capture, since macros substitute their arguments as text.
"""

from localcloud.athena.translate.terms import fail, text
from localcloud.athena.types import Type

_JSON, _BIGINT = Type("json"), Type("bigint")


def _refused(what: str) -> str:
    """Return an expression that fails with NOT_SUPPORTED for a row that evaluates it."""
    return f"CAST({fail('NOT_SUPPORTED', text(f'{what} in the local cloud'), _JSON)} AS JSON)"


# What DuckDB accepts as JSON but Jackson does not: a trailing comma, NaN and infinity.
_FOREIGN = r"""',\s*[\]}]|[Nn][Aa][Nn]|[Ii][Nn][Ff]'"""
# The scalars, with what may follow them.
_WORD = "(true|false|null)(?:[^A-Za-z0-9_$].*)?"
_NUMBER = r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[ \t\n\r].*"
_NOTHING, _ERROR = "CAST([] AS JSON[])", "CAST([NULL] AS JSON[])"
_TWICE = _refused("A JSON object with a key that comes twice")
_FRACTION = fail("NOT_SUPPORTED", text("A fraction as subscript in a JSON path in the local cloud"), _BIGINT)
_NUMBERS = "'UBIGINT', 'BIGINT', 'DOUBLE'"


_OPERATORS = {"equal": "=", "unequal": "<>", "less": "<", "greater": ">", "at_most": "<=", "at_least": ">="}
# Whether nulls on both sides, or on one, decide the answer; p.a and p.b are the kinds of each side's items.
_BY_NULL = {
    "equal": "list_contains(p.a, 'null') AND list_contains(p.b, 'null')",
    "unequal": "list_contains(p.a, 'null') AND list_distinct(p.b) <> ['null']"
    " OR list_contains(p.b, 'null') AND list_distinct(p.a) <> ['null']",
}


def _calculated(name: str, whole: str, real: str) -> str:
    """Return a macro of two values: integers give an integer of their wider type, other numbers a double."""
    return (
        f"athena_path_{name}(a, b) AS CASE WHEN a.n IS NOT NULL AND b.n IS NOT NULL"
        f" THEN athena_path_fitting({whole}, athena_path_narrow(a.n) AND athena_path_narrow(b.n))"
        f" ELSE athena_path_real_item({real}) END"
    )


def _answered(name: str, operator: str) -> str:
    """Return a macro that compares two values; NULL if they have no order."""
    return (
        f"athena_path_is_{name}(a, b) AS CASE WHEN a.k = 'null' OR b.k = 'null' THEN FALSE"
        f" WHEN a.n IS NOT NULL AND b.n IS NOT NULL THEN a.n {operator} b.n"
        f" WHEN a.d IS NOT NULL AND b.d IS NOT NULL THEN a.d {operator} b.d"
        f" WHEN a.k = b.k THEN a.t {operator} b.t END"
    )


def _compared(name: str, mode: str) -> str:
    """Return a macro that tells whether any pair of two sequences satisfies a comparison.

    Its argument holds both sequences and the kinds of their items (l, r, a, b). In lax mode the first pair
    decides that satisfies it or has no order; in strict mode any pair without an order makes it unknown.
    """
    by_null = _BY_NULL.get(name, "FALSE")
    pairs = (
        "flatten(list_transform(p.l, lambda path_x: list_transform(p.r,"
        f" lambda path_y: athena_path_is_{name}(path_x, path_y))))"
    )
    known = f"list_prepend({by_null}, {pairs})" if name in _BY_NULL else pairs
    return (
        f"athena_path_{mode}_{name}(p) AS CASE"
        " WHEN list_contains(p.a, 'error') OR list_contains(p.b, 'error') THEN NULL"
        " WHEN len(p.l) = 0 OR len(p.r) = 0 THEN FALSE WHEN athena_path_unlike(p.a, p.b) THEN NULL"
        " WHEN athena_path_scalar(p.a) AND athena_path_scalar(p.b)"
        " AND (list_contains(p.a, 'vast') OR list_contains(p.b, 'vast')) THEN NULL"
        f" ELSE athena_path_{mode}_answer({known}) END"
    )


MACROS = (
    # Text as a document: NULL if invalid. Anything may follow a document; empty text is the document null.
    r"""athena_json_bare(t) AS regexp_replace(t, '"(?:[^"\\]|\\.)*"', '""', 'g')""",
    # CASE, not AND: in a projection DuckDB evaluates both sides of an AND, and the last one is slow.
    # A one-element list binds the text once rather than once per use.
    f"athena_json_strict(t) AS list_transform([t], lambda path_t: CASE WHEN NOT json_valid(path_t) THEN FALSE"
    f" WHEN regexp_matches(path_t, {_FOREIGN}) THEN NOT regexp_matches(athena_json_bare(path_t), {_FOREIGN})"
    " WHEN path_t IS NOT NULL THEN TRUE END)[1]",
    "athena_json_prefix(t) AS list_filter(list_transform(list_filter(range(1, len(t) + 1),"
    """ lambda path_n: t[path_n] IN (']', '}', '"')), lambda path_n: t[:path_n]),"""
    " lambda path_p: athena_json_strict(path_p))[1]",
    "athena_json_first(t) AS CASE WHEN trim(t, chr(32) || chr(9) || chr(10) || chr(13)) = '' THEN 'null'"
    r""" WHEN regexp_matches(t, '^[ \t\n\r]*[\[{"]') THEN athena_json_prefix(t)"""
    rf" ELSE coalesce(nullif(regexp_extract(t, '(?s)^[ \t\n\r]*{_WORD}$', 1), ''),"
    rf" nullif(regexp_extract(t, '(?s)^[ \t\n\r]*{_NUMBER}$', 1), '')) END",
    "athena_json_document(t) AS json_extract(CAST(CASE WHEN athena_json_strict(t) THEN t"
    r" WHEN NOT json_valid(t) AND regexp_matches(t, '\\u[dD][89a-fA-F]') THEN CAST("
    + _refused("Half a surrogate in JSON")
    + " AS VARCHAR) ELSE athena_json_first(t) END AS JSON), '$')",
    # Of an item: its kind, its integer value, its number, its text. Integers beyond bigint are `vast`.
    "athena_path_whole(x) AS CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT') THEN TRY_CAST(x AS BIGINT) END",
    "athena_path_real(x) AS CASE WHEN json_type(x) = 'DOUBLE' AND regexp_matches(CAST(x AS VARCHAR), '[.eE]')"
    " THEN CAST(CAST(x AS VARCHAR) AS DOUBLE) END",
    "athena_path_number(x) AS coalesce(CAST(athena_path_whole(x) AS DOUBLE), athena_path_real(x))",
    "athena_path_kind(type, d) AS CASE WHEN type IS NULL THEN 'error' WHEN type IN ('OBJECT', 'ARRAY')"
    f" THEN 'nested' WHEN type IN ({_NUMBERS}) AND d IS NULL THEN 'vast' WHEN type IN ({_NUMBERS})"
    " THEN 'number' ELSE lower(type) END",
    "athena_path_valued(s) AS list_transform(list_transform(s, lambda path_i: {'j': path_i, 'n':"
    " athena_path_whole(path_i), 'r': athena_path_real(path_i)}), lambda path_i: {'k': athena_path_kind("
    "json_type(path_i.j), coalesce(path_i.n, path_i.r)), 'n': path_i.n, 'd': coalesce(path_i.n, path_i.r),"
    " 't': json_extract_string(path_i.j, '$')})",
    "athena_path_narrow(n) AS n BETWEEN -2147483648 AND 2147483647",
    # The result for integers (`narrow`) or bigints. A small bigint would count as an integer afterwards.
    "athena_path_fitting(n, narrow) AS CASE WHEN narrow AND NOT athena_path_narrow(n)"
    f" OR n NOT BETWEEN {-(2**63)} AND {2**63 - 1} THEN NULL WHEN NOT narrow AND athena_path_narrow(n)"
    f" THEN {_refused('A bigint this small inside of a JSON path')} ELSE to_json(n) END",
    "athena_path_real_item(d) AS CASE WHEN NOT isfinite(d)"
    f" THEN {_refused('NaN or infinity inside of a JSON path')} ELSE to_json(d) END",
    _calculated("add", "CAST(a.n AS HUGEINT) + b.n", "a.d + b.d"),
    _calculated("subtract", "CAST(a.n AS HUGEINT) - b.n", "a.d - b.d"),
    _calculated("multiply", "CAST(a.n AS HUGEINT) * b.n", "a.d * b.d"),
    _calculated("divide", "CAST(a.n AS HUGEINT) // b.n", "a.d / b.d"),
    _calculated("remainder", "CAST(a.n AS HUGEINT) % b.n", "a.d % b.d"),
    "athena_path_negative(x) AS list_transform([athena_path_whole(x)], lambda path_n: CASE"
    " WHEN path_n IS NOT NULL THEN athena_path_fitting(-CAST(path_n AS HUGEINT), athena_path_narrow(path_n))"
    " ELSE athena_path_real_item(-athena_path_real(x)) END)[1]",
    "athena_path_positive(x) AS CASE WHEN athena_path_number(x) IS NOT NULL THEN x END",
    # An item as Jackson writes it: numbers as in Java, characters past U+FFFF as two escapes.
    "athena_path_text(x) AS list_transform([CAST(x AS VARCHAR)], lambda path_t: CASE"
    " WHEN regexp_matches(path_t, '[0-9][.eE]|[\\x{10000}-\\x{10FFFF}]')"
    " THEN list_transform([athena_json_doubles(path_t)], lambda path_t: athena_json_escaped(path_t))[1]"
    " ELSE path_t END)[1]",
    # Methods.
    "athena_path_abs(x) AS CASE WHEN athena_path_number(x) < 0 THEN athena_path_negative(x)"
    " ELSE athena_path_positive(x) END",
    "athena_path_ceiling(x) AS CASE WHEN athena_path_whole(x) IS NOT NULL THEN x"
    " ELSE athena_path_real_item(ceil(athena_path_real(x))) END",
    "athena_path_floor(x) AS CASE WHEN athena_path_whole(x) IS NOT NULL THEN x"
    " ELSE athena_path_real_item(floor(athena_path_real(x))) END",
    f"athena_path_type(x) AS to_json(CASE WHEN json_type(x) IN ({_NUMBERS}) THEN 'number'"
    " WHEN json_type(x) = 'VARCHAR' THEN 'string' ELSE lower(json_type(x)) END)",
    f"athena_path_entries(x, id) AS CASE WHEN json_type(x) <> 'OBJECT' THEN {_ERROR}"
    f" WHEN athena_path_twice(x) THEN [{_TWICE}]"
    " ELSE list_transform(list_zip(json_keys(x), json_extract(x, '$.*')), lambda path_e:"
    " json_object('name', path_e[1], 'value', path_e[2], 'id', id)) END",
    # Steps. `absent` is the result of a step that finds nothing.
    "athena_path_twice(x) AS len(list_distinct(json_keys(x))) < len(json_keys(x))",
    "athena_path_unfolded(x) AS CASE WHEN json_type(x) = 'ARRAY' THEN json_extract(x, '$[*]') ELSE [x] END",
    "athena_path_member(x, pointer, absent) AS CASE WHEN json_type(x) <> 'OBJECT' THEN absent"
    f" WHEN athena_path_twice(x) THEN [{_TWICE}]"
    " WHEN json_exists(x, pointer) THEN [json_extract(x, pointer)] ELSE absent END",
    "athena_path_members(x, absent) AS CASE WHEN json_type(x) <> 'OBJECT' THEN absent"
    f" WHEN athena_path_twice(x) THEN [{_TWICE}] ELSE json_extract(x, '$.*') END",
    "athena_path_elements(x, absent) AS CASE WHEN json_type(x) = 'ARRAY' THEN json_extract(x, '$[*]')"
    " ELSE absent END",
    "athena_path_place(s) AS CASE WHEN len(s) <> 1 THEN NULL WHEN athena_path_real(s[1]) IS NOT NULL"
    f" THEN {_FRACTION}"
    " ELSE athena_path_whole(s[1]) END",
    f"athena_path_slice(e, r) AS CASE WHEN r.f IS NULL OR r.t IS NULL THEN {_ERROR}"
    f" WHEN r.f > r.t OR r.t < 0 OR r.f >= len(e) THEN {_NOTHING}"
    " ELSE e[greatest(r.f, 0) + 1 : least(r.t, len(e) - 1) + 1] END",
    f"athena_path_strict_slice(e, r) AS CASE WHEN r.f < 0 OR r.f > r.t OR r.t >= len(e) THEN {_ERROR}"
    " ELSE athena_path_slice(e, r) END",
    # Predicates. Kinds that cannot be ordered: nested values, except against null.
    "athena_path_failed(s) AS list_count(s) < len(s)",
    "athena_path_scalar(kinds) AS list_has_any(kinds, ['boolean', 'varchar', 'number', 'vast'])",
    "athena_path_unlike(a, b) AS list_contains(a, 'nested') AND (list_contains(b, 'nested')"
    " OR athena_path_scalar(b)) OR athena_path_scalar(a) AND list_contains(b, 'nested')",
    "athena_path_lax_answer(answers) AS CASE list_filter(list_transform(answers, lambda path_r:"
    " CASE WHEN path_r IS NULL THEN 'unknown' WHEN path_r THEN 'true' END),"
    " lambda path_r: path_r IS NOT NULL)[1] WHEN 'true' THEN TRUE WHEN 'unknown' THEN NULL ELSE FALSE END",
    "athena_path_strict_answer(answers) AS CASE WHEN athena_path_failed(answers) THEN NULL"
    " ELSE list_contains(answers, TRUE) END",
    # Two sequences (l, r) prepared for comparison.
    "athena_path_sides(p) AS list_transform([{'l': athena_path_valued(p.l), 'r': athena_path_valued(p.r)}],"
    " lambda path_p: {'l': path_p.l, 'r': path_p.r, 'a': list_transform(path_p.l, lambda path_i: path_i.k),"
    " 'b': list_transform(path_p.r, lambda path_i: path_i.k)})[1]",
    *(_answered(name, operator) for name, operator in _OPERATORS.items()),
    *(_compared(name, mode) for name in _OPERATORS for mode in ("lax", "strict")),
    *(
        f"athena_path_{mode}_starts(p) AS CASE"
        " WHEN list_contains(p.a, 'error') OR p.b <> ['varchar'] THEN NULL"
        f" ELSE athena_path_{mode}_answer(list_transform(p.l, lambda path_i:"
        " CASE WHEN path_i.k = 'varchar' THEN starts_with(path_i.t, p.r[1].t) END)) END"
        for mode in ("lax", "strict")
    ),
)
