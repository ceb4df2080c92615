"""Parse ISO 8601 dates and timestamps, in Joda's grammar."""

# ruff: noqa: ARG001  (handlers share one signature)

from sqlglot import exp

from localcloud.athena.translate.functions import formats
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import DATE, VARCHAR, Moment, Term, fail, timestamp
from localcloud.athena.types import Type

_CODE = "INVALID_FUNCTION_ARGUMENT"
_MOMENT = timestamp(3, zoned=True)


def _checked(found: str, written: str, type_: Type) -> str:
    """Return `found`, or raise the error for an invalid text."""
    failure = fail(_CODE, f"'Invalid format: \"' || {written} || '\"'", type_)
    return f"CASE WHEN {written} IS NULL THEN NULL ELSE coalesce({found}, {failure}) END"


scalar("from_iso8601_date(varchar) -> date", _checked("athena_iso_day({0})", "{0}", DATE))


@special("from_iso8601_timestamp")
def _from_iso8601_timestamp(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    """Parse a timestamp; the result has the text's zone if that is a literal.

    A column has one zone here. Where the zone would be shown, texts that are not in UTC are refused.
    """
    value = scope.expect(arguments[0], VARCHAR, "from_iso8601_timestamp")
    instant = _checked(f"athena_iso_moment({value.sql})", value.sql, _MOMENT)
    if value.value is not None:
        return Term(instant, _MOMENT, formats.literal_zone(value.value))
    offset = f"athena_iso_offset({value.sql})"
    refused = fail("NOT_SUPPORTED", f"'The zone ' || {offset} || ' of a text in the local cloud'", _MOMENT)
    minutes = f"athena_offset_minutes({offset})"
    clock = f"(timezone('UTC', {instant}) + to_minutes({minutes}))"
    shown = f"CASE WHEN {minutes} <> 0 THEN {refused} ELSE {instant} END"
    return Term(shown, _MOMENT, moment=Moment(instant, clock))
