"""to_char, to_date, to_timestamp: translate Teradata's patterns to DuckDB's."""

# ruff: noqa: ARG001  (handlers share one signature)

import re

from sqlglot import exp

from localcloud.athena.errors import not_supported
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.functions import formats
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import DATE, VARCHAR, Term, raw_cast, timestamp

_CODES = {
    "yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d",
    "hh24": "%H", "hh": "%I", "mi": "%M", "ss": "%S",
}  # fmt: skip
_PIECE = re.compile("yyyy|yy|mm|dd|hh24|hh|mi|ss|(?P<mark>[-/,.;: ])|(?P<other>.)", re.DOTALL)


def _pattern(node: exp.Expression, scope: Scope, name: str) -> str:
    term = scope.term(node)
    if not isinstance(term.value, str):
        raise not_supported(f"The format of {name} must be a literal in the local cloud")
    found = ""
    for piece in _PIECE.finditer(term.value):
        if piece["other"]:
            raise not_supported(f"'{piece['other']}' in a format of {name} in the local cloud")
        found += piece["mark"] or _CODES[piece[0]]
    return found


@special("to_char")
def _to_char(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value, pattern = scope.term(arguments[0]), _pattern(arguments[1], scope, "to_char")
    if value.type.name not in ("date", "timestamp"):
        raise mismatch(node, f"Unexpected parameters ({value.type.athena}) for function to_char")
    return Term(formats.rendered(cast(value, timestamp(3)).sql, pattern), VARCHAR)


def _parsed(arguments: list[exp.Expression], scope: Scope, name: str) -> str:
    value, pattern = scope.expect(arguments[0], VARCHAR, name), _pattern(arguments[1], scope, name)
    return formats.parsed(value.sql, pattern, pattern)


@special("to_date")
def _to_date(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return Term(raw_cast(_parsed(arguments, scope, "to_date"), DATE), DATE)


@special("to_timestamp")
def _to_timestamp(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return Term(_parsed(arguments, scope, "to_timestamp"), timestamp(3))
