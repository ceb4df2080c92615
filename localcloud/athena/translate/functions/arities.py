"""Argument counts of the functions with their own rules, which access their arguments by position."""

from sqlglot import exp

from localcloud.athena.errors import syntax_error
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import mismatch

_ANY_MORE = 255
_TAKEN: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("all_match", "any_match", "none_match", "filter", "map_filter", "transform"), (2, 2)),
    **dict.fromkeys(("transform_keys", "transform_values", "combinations", "url_extract_parameter"), (2, 2)),
    **dict.fromkeys(("at_timezone", "with_timezone", "mod", "nullif"), (2, 2)),
    **dict.fromkeys(("date_format", "date_parse", "date_trunc", "format_datetime", "parse_datetime"), (2, 2)),
    **dict.fromkeys(("to_char", "to_date", "to_timestamp"), (2, 2)),
    **dict.fromkeys(("date", "from_iso8601_timestamp", "timezone", "to_iso8601", "try", "typeof"), (1, 1)),
    **dict.fromkeys(("array_sort", "normalize"), (1, 2)),
    **dict.fromkeys(("date_add", "date_diff", "map_zip_with", "zip_with"), (3, 3)),
    **dict.fromkeys(("if", "sequence"), (2, 3)),
    **dict.fromkeys(("reduce", "reduce_agg"), (4, 4)),
    "format": (1, _ANY_MORE),
    "from_unixtime": (1, 3),
    "regexp_position": (2, 4),
}
# For these, the parser checks the argument count.
_SYNTAX = {
    "if": "Invalid number of arguments for 'if' function",
    "nullif": "Invalid number of arguments for 'nullif' function",
    "try": "The 'try' function must have exactly one argument",
}


def check(name: str, arguments: list[exp.Expression], node: exp.Expression) -> None:
    """Raise the error of a call with too few or too many arguments."""
    least, most = _TAKEN.get(name, (0, _ANY_MORE))
    if least <= len(arguments) <= most:
        return
    if name in _SYNTAX:
        line, column = place(node)
        raise syntax_error(_SYNTAX[name], line=line, column=column)
    takes = f"{least}" if most == least else f"{least} or more" if most == _ANY_MORE else f"{least} to {most}"
    message = f"Unexpected parameters for function {name}. Expected: {takes}, given: {len(arguments)}"
    raise mismatch(node, message)
