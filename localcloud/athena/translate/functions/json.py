"""JSON: values are kept as text, as json_format would show them."""

import re
from collections.abc import Callable

from localcloud.athena.errors import not_supported
from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import JSON, Term, fail, text

_PARSE_ERROR = fail("INVALID_FUNCTION_ARGUMENT", "'Cannot convert value to JSON: ''' || {0} || ''''", JSON)


_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]"'*()@?]+)|\[(?P<number>[0-9]+)\]|\["(?P<double>[^"]*)"\]|\['(?P<single>[^']*)'\]"""
)


def _path(term: Term) -> str:
    """A JSON path as DuckDB's: names are quoted there. Raises for what is no plain chain of steps."""
    if not isinstance(term.value, str) or not term.value.startswith("$"):
        raise not_supported("A JSON path must be a literal that starts with $ in the local cloud")
    found, at = "$", 1
    while at < len(term.value):
        step = _STEP.match(term.value, at)
        if step is None:
            raise not_supported(f"The JSON path {term.value} in the local cloud")
        name = step["name"] or step["double"] or step["single"]
        found += f"[{step['number']}]" if step["number"] else '."' + str(name).replace('"', "") + '"'
        at = step.end()
    return text(found)


def _at_path(template: str) -> Callable[[list[Term]], str]:
    return lambda terms: template.format(terms[0].sql, _path(terms[1]))


def _extract(terms: list[Term]) -> Term:
    value, path = terms[0].sql, _path(terms[1])
    return Term(
        f"CASE WHEN json_valid({value}) THEN CAST(json_extract({value}, {path}) AS VARCHAR) END", JSON
    )


for _type in ("varchar", "json"):
    scalar(f"json_extract({_type}, varchar) -> json", _extract)
    scalar(
        f"json_extract_scalar({_type}, varchar) -> " + ("=0" if _type == "varchar" else "varchar"),
        _at_path(
            "CASE WHEN json_valid({0}) AND json_type({0}, {1}) NOT IN ('OBJECT', 'ARRAY', 'NULL')"
            " THEN json_extract_string({0}, {1}) END"
        ),
    )
    scalar(
        f"json_array_length({_type}) -> bigint",
        "CASE WHEN json_valid({0}) AND json_type({0}) = 'ARRAY'"
        " THEN CAST(json_array_length({0}) AS BIGINT) END",
    )
for _type in ("varchar", "json"):
    scalar(
        f"json_size({_type}, varchar) -> bigint",
        _at_path(
            "CASE WHEN NOT json_valid({0}) THEN NULL WHEN json_type({0}, {1}) = 'ARRAY'"
            " THEN CAST(json_array_length({0}, {1}) AS BIGINT) WHEN json_type({0}, {1}) = 'OBJECT'"
            " THEN CAST(len(json_keys({0}, {1})) AS BIGINT) WHEN json_type({0}, {1}) IS NOT NULL THEN 0 END"
        ),
    )


def _parsed(value: str, made: str) -> str:
    failure = _PARSE_ERROR.format(value)
    return f"CASE WHEN json_valid({value}) THEN {made} WHEN {value} IS NULL THEN NULL ELSE {failure} END"


# The order of keys shows only in text: on the way to another type there is no need to sort them.
scalar("json_parse(varchar) -> json", lambda terms: _parsed(terms[0].sql, f"athena_json({terms[0].sql})"))
scalar("$json_parse(varchar) -> json", lambda terms: _parsed(terms[0].sql, terms[0].sql))
scalar("json_format(json) -> varchar", "{0}")
