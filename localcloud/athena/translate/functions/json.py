"""JSON values, which are kept as text in the form of json_format."""

import re
from collections.abc import Callable

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import BOOLEAN, JSON, Term, duckdb_type, fail, text
from localcloud.athena.types import Type

_PARSE_ERROR = fail("INVALID_FUNCTION_ARGUMENT", "'Cannot convert value to JSON: ''' || {0} || ''''", JSON)

_STEP = re.compile(r"""\.(?P<name>[\w:]+)|\[(?P<place>\w+)\]|\["(?P<quoted>(?:[^"\\]|\\["\\])*)"\]""")


def _path(term: Term) -> str:
    """Translate a JSON path to DuckDB's, which quotes names. Raises unless it is a plain chain of steps."""
    if not isinstance(term.value, str):
        raise not_supported("A JSON path must be a literal in the local cloud")
    found, at = "$", 1
    while at < len(term.value) or not term.value.startswith("$"):
        step = _STEP.match(term.value, at) if term.value.startswith("$") else None
        if step is None:
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{term.value}'")
        name = step["name"] or step["place"] or step["quoted"]
        number = step["place"] is not None and name.isdecimal()
        if "\\" in name or (name.isdecimal() and not number):
            raise not_supported(f"The JSON path {term.value} in the local cloud")
        found += f"[{name}]" if number else f'."{name}"'
        at = step.end()
    return text(found)


def _at_path(template: str) -> Callable[[list[Term]], str]:
    return lambda terms: template.format(terms[0].sql, _path(terms[1]))


def _extract(terms: list[Term]) -> Term:
    value, path = terms[0].sql, _path(terms[1])
    return Term(
        f"CASE WHEN json_valid({value}) THEN athena_path_text(json_extract({value}, {path})) END",
        JSON,
    )


def _scalar_at(terms: list[Term]) -> str:
    # First turn invalid JSON into null: DuckDB may parse the text before it has tested it.
    value, path = f"CASE WHEN json_valid({terms[0].sql}) THEN {terms[0].sql} END", _path(terms[1])
    kind, found = f"json_type({value}, {path})", f"json_extract_string({value}, {path})"
    # DuckDB reformats numbers (1.50 as 1.5); Athena returns them as written.
    number = f"json_extract_string(athena_json_with_digits({terms[0].sql}), {path})"
    return (
        f"CASE WHEN {kind} IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL"
        f" WHEN {kind} = 'DOUBLE' THEN {number} ELSE {found} END"
    )


for _type in ("varchar", "json"):
    scalar(f"json_extract({_type}, varchar) -> json", _extract)
    scalar(
        f"json_extract_scalar({_type}, varchar) -> " + ("=0" if _type == "varchar" else "varchar"),
        _scalar_at,
    )
    scalar(
        f"json_array_length({_type}) -> bigint",
        "CASE WHEN athena_json_strict({0}) AND json_type({0}) = 'ARRAY'"
        " THEN CAST(json_array_length({0}) AS BIGINT) END",
    )
for _type in ("varchar", "json"):
    scalar(
        f"json_size({_type}, varchar) -> bigint",
        _at_path(
            "CASE WHEN NOT athena_json_strict({0}) THEN NULL WHEN json_type({0}, {1}) = 'ARRAY'"
            " THEN CAST(json_array_length({0}, {1}) AS BIGINT) WHEN json_type({0}, {1}) = 'OBJECT'"
            " THEN CAST(len(json_keys({0}, {1})) AS BIGINT) WHEN json_type({0}, {1}) IS NOT NULL THEN 0 END"
        ),
    )
    scalar(
        f"is_json_scalar({_type}) -> boolean",
        "CASE WHEN json_valid({0}) THEN json_type({0}) NOT IN ('OBJECT', 'ARRAY') WHEN {0} IS NOT NULL THEN "
        + fail("INVALID_FUNCTION_ARGUMENT", "'Invalid JSON value: ' || {0}", BOOLEAN)
        + " END",
    )
    for _given, _kinds in (
        ("boolean", "'BOOLEAN'"),
        ("bigint", "'BIGINT', 'UBIGINT'"),
        ("double", "'DOUBLE'"),
        ("varchar", "'VARCHAR'"),
    ):
        scalar(
            f"json_array_contains({_type}, {_given}) -> boolean",
            "CASE "
            + ("WHEN {0} IS NOT NULL AND NOT isfinite({1}) THEN FALSE " if _given == "double" else "")
            + "WHEN json_valid({0}) AND json_type({0}) = 'ARRAY' THEN"
            # DuckDB parses a literal before it checks whether it is JSON.
            " len(list_filter(from_json(CASE WHEN json_valid({0}) THEN {0} END, '[\"JSON\"]'),"
            " lambda e: json_type(e) IN (" + _kinds + ")"
            " AND TRY_CAST(json_extract_string(e, '$') AS " + duckdb_type(Type(_given)) + ") = {1})) > 0 END",
        )
    scalar(
        f"json_array_get({_type}, bigint) -> json",
        "CASE WHEN json_valid({0}) AND json_type({0}) = 'ARRAY' THEN"
        " CASE WHEN json_type(json_extract({0}, '$[' || {1} || ']')) = 'VARCHAR'"
        " THEN json_extract_string({0}, '$[' || {1} || ']')"
        " ELSE CAST(json_extract({0}, '$[' || {1} || ']') AS VARCHAR) END END",
    )


def _parsed(value: str, made: str) -> str:
    failure = _PARSE_ERROR.format(value)
    return (
        f"CASE WHEN athena_json_strict({value}) THEN {made} WHEN {value} IS NULL THEN NULL ELSE {failure} END"
    )


# `$json_parse` is json_parse inside a cast to another type, where object keys keep their order.
scalar("json_parse(varchar) -> json", lambda terms: _parsed(terms[0].sql, f"athena_json({terms[0].sql})"))
scalar("$json_parse(varchar) -> json", lambda terms: _parsed(terms[0].sql, terms[0].sql))
scalar("json_format(json) -> varchar", "{0}")
