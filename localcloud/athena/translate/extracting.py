"""EXTRACT: the fields that exist, and the types that have them."""

from sqlglot import exp

from localcloud.athena.errors import syntax_error
from localcloud.athena.translate.functions import calls
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import Term

_FIELDS = (
    *("year", "quarter", "month", "week", "day", "day_of_month", "day_of_week", "dow", "day_of_year", "doy"),
    *("year_of_week", "yow", "hour", "minute", "second", "timezone_minute", "timezone_hour"),
)


_ZONED = "timestamp with time zone"
_DAYS = ("date", "timestamp", _ZONED)
_CLOCKS = ("time", "time with time zone", "timestamp", _ZONED, "interval day to second")
_EXTRACTED = {
    **dict.fromkeys(("hour", "minute", "second"), _CLOCKS),
    **dict.fromkeys(("year", "month"), (*_DAYS, "interval year to month")),
    **dict.fromkeys(("day", "day_of_month"), (*_DAYS, "interval day to second")),
    **dict.fromkeys(("quarter", "week", "day_of_week", "dow", "day_of_year", "doy"), _DAYS),
    **dict.fromkeys(("year_of_week", "yow"), _DAYS),
    **dict.fromkeys(("timezone_hour", "timezone_minute"), (_ZONED, "time with time zone")),
}
"""The types that each field can be extracted from; functions of these names accept more: `hour` a date."""


def extract(node: exp.Expression, scope: Scope) -> Term:
    """`EXTRACT(field FROM value)`. Raises TYPE_MISMATCH where the value has no such field."""
    names = {"dow": "day_of_week", "doy": "day_of_year", "yow": "year_of_week"}
    unit = node.this.name.lower()
    if unit not in _FIELDS:
        line, column = place(node)
        valid = ", ".join(_FIELDS).upper()
        raise syntax_error(
            f"Invalid EXTRACT field {unit}, valid fields are: {valid}", line=line, column=column
        )
    kind = scope.term(node.expression).type
    if unit in _EXTRACTED and kind.name not in _EXTRACTED[unit]:
        raise mismatch(node.expression, f"Cannot extract {unit.upper()} from {kind.athena}")
    return calls.call(names.get(unit, unit), [node.expression], node, scope)
