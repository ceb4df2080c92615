"""ISO 8601: texts as days and moments, by the grammar that Joda reads."""

# ruff: noqa: ARG001  (handlers share one signature)

from sqlglot import exp

from localcloud.athena.translate.functions import formats
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import DATE, VARCHAR, Term, fail, timestamp
from localcloud.athena.types import Type

_CODE = "INVALID_FUNCTION_ARGUMENT"
_MOMENT = timestamp(3, zoned=True)


def _checked(found: str, written: str, type_: Type) -> str:
    """`found`, or the error for a text that is none."""
    failure = fail(_CODE, f"'Invalid format: \"' || {written} || '\"'", type_)
    return f"CASE WHEN {written} IS NULL THEN NULL ELSE coalesce({found}, {failure}) END"


scalar("from_iso8601_date(varchar) -> date", _checked("athena_iso_day({0})", "{0}", DATE))


@special("from_iso8601_timestamp")
def _from_iso8601_timestamp(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return moment(node, scope, zone_matters=True)


def is_moment(node: exp.Expression) -> bool:
    """Whether the node calls from_iso8601_timestamp."""
    return isinstance(node, exp.Anonymous) and node.name.lower() == "from_iso8601_timestamp"


def moment(node: exp.Expression, scope: Scope, *, zone_matters: bool) -> Term:
    """The call's instant, in the zone of its text where that is a literal.

    A column has one zone here. Where the zone would be shown or its hours be read, other texts than those
    in UTC are refused.
    """
    value = scope.expect(node.expressions[0], VARCHAR, "from_iso8601_timestamp")
    zone = formats.literal_zone(value.value)
    found = _checked(f"athena_iso_moment({value.sql})", value.sql, _MOMENT)
    if value.value is None and zone_matters:
        offset = f"athena_iso_offset({value.sql})"
        message = f"'The zone ' || {offset} || ' of a text in the local cloud'"
        refused = fail("NOT_SUPPORTED", message, _MOMENT)
        apart = f"athena_offset_minutes({offset}) <> 0"
        found = f"CASE WHEN {apart} THEN {refused} ELSE {found} END"
    return Term(found, _MOMENT, zone)
