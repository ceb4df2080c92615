"""JSON: values are kept as text, as json_format would show them."""

from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import JSON, Term, fail

_PARSE_ERROR = fail("INVALID_FUNCTION_ARGUMENT", "'Cannot convert value to JSON: ''' || {0} || ''''", JSON)


def _extract(terms: list[Term]) -> Term:
    value, path = terms[0].sql, terms[1].sql
    return Term(
        f"CASE WHEN json_valid({value}) THEN CAST(json_extract({value}, {path}) AS VARCHAR) END", JSON
    )


for _type in ("varchar", "json"):
    scalar(f"json_extract({_type}, varchar) -> json", _extract)
    scalar(
        f"json_extract_scalar({_type}, varchar) -> " + ("=0" if _type == "varchar" else "varchar"),
        "CASE WHEN json_valid({0}) AND json_type({0}, {1}) NOT IN ('OBJECT', 'ARRAY', 'NULL')"
        " THEN json_extract_string({0}, {1}) END",
    )
    scalar(
        f"json_array_length({_type}) -> bigint",
        "CASE WHEN json_valid({0}) AND json_type({0}) = 'ARRAY' THEN CAST(json_array_length({0}) AS BIGINT) END",
    )
scalar(
    "json_size(json, varchar) -> bigint",
    "CASE json_type({0}, {1}) WHEN 'ARRAY' THEN CAST(json_array_length({0}, {1}) AS BIGINT)"
    " WHEN 'OBJECT' THEN CAST(len(json_keys({0}, {1})) AS BIGINT) ELSE 0 END",
)
scalar(
    "json_parse(varchar) -> json",
    "CASE WHEN json_valid({0}) THEN CAST(json({0}) AS VARCHAR) WHEN {0} IS NULL THEN NULL ELSE "
    + _PARSE_ERROR
    + " END",
)
scalar("json_format(json) -> varchar", "{0}")
