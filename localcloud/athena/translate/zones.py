"""Time zones. DuckDB knows names, but not offsets such as +05:30; those are handled by arithmetic."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from localcloud.athena.errors import not_supported
from localcloud.athena.translate.terms import UNKNOWN, Term, text
from localcloud.athena.types import Type, walk

_ZONED = "timestamp with time zone"
_OFFSET = re.compile(
    r"(?P<of>Etc/GMT|UTC|GMT|UT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?P<minutes>(?<=\d\d):?\d\d)?"
)
_MOST_MINUTES = 14 * 60
# Trino shows all of these as UTC, except `utc`, which it refuses but packages made for Athena use.
_UTC = frozenset(("UTC", "utc", "Z", "UT", "UCT", "GMT", "GMT0", "Greenwich", "Universal", "Zulu")) | {
    f"Etc/{name}" for name in ("UTC", "UCT", "Universal", "GMT", "GMT0")
}
# Names that DuckDB has but Trino lacks.
_LEFT_OUT = re.compile(
    r"(?!CET|EET|MET|WET|PRC|ROK)[A-Z]{3}|SystemV/.*|Canada/East-Saskatchewan|Etc/Greenwich|Etc/Zulu|Factory"
    r"|US/Pacific-New"
)


def shown(written: str) -> str | None:
    """Return a zone as Athena shows it, offsets as +HH:MM; None if invalid. Case matters, as in Trino."""
    if written in _UTC:
        return "UTC"
    if _OFFSET.fullmatch(written):
        found = offset(written)
        return None if abs(_minutes(found)) > _MOST_MINUTES else "UTC" if not _minutes(found) else found
    return written if written in _names() else None


def offset(written: str) -> str:
    """Convert `+5`, `+0530` or `UTC+5` to +HH:MM; Etc/GMT+5 means -05:00."""
    match = _OFFSET.fullmatch(written)
    if match is None:
        raise ValueError(f"{written} is no offset")
    sign = match["sign"] if match["of"] != "Etc/GMT" else "-+"["+-".index(match["sign"])]
    return f"{sign}{int(match['hours']):02d}:{(match['minutes'] or '00')[-2:]}"


@cache
def _names() -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute("select name from pg_timezone_names()").fetchall()
    return frozenset(name for (name,) in rows if not _LEFT_OUT.fullmatch(name))


def skips(zone: str, wall_clock: str) -> bool:
    """Whether the clocks of a zone skipped this time when they were put forward."""
    if zone == "UTC" or zone[0] in "+-":
        return False
    try:
        there = datetime.fromisoformat(wall_clock[:19]).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        return False
    return there.astimezone(UTC).astimezone(there.tzinfo).replace(fold=0) != there


def local(term: Term) -> str:
    """Return the wall clock of a term: an instant in its zone, anything else unchanged."""
    return at(term.sql, term.zone) if term.type.name == _ZONED else term.sql


def clock(term: Term) -> str:
    """The same, also for a moment with its own zone; the result must not be shown with a zone."""
    return term.moment.clock if term.moment is not None else local(term)


def unshown(term: Term) -> Term:
    """Return the term as an instant, for uses where its zone does not matter."""
    return term if term.moment is None else replace(term, sql=term.moment.instant, moment=None)


def shared(terms: Iterable[Term]) -> str:
    """Return the common zone of moments that end up in one value or column.

    DuckDB keeps only instants, so all must have the same zone. Raises NOT_SUPPORTED for several zones.
    """
    found = {_own(term) for term in terms if term.type != UNKNOWN}
    if len(found) > 1:
        raise not_supported(
            f"Timestamps of several time zones ({', '.join(sorted(found))}) in one value or column in the "
            "local cloud: convert all of them AT TIME ZONE one of these"
        )
    return found.pop() if found else "UTC"


def check_inside(terms: Iterable[Term]) -> None:
    """Raise NOT_SUPPORTED for zoned moments that go into an array, map or row: read back, they show UTC."""
    for zone in map(_own, terms):
        if zone != "UTC":
            raise not_supported(
                f"A timestamp of the time zone {zone} inside an array, map or row in the local cloud: "
                "convert it AT TIME ZONE 'UTC', or cast it to varchar"
            )


def result(type_: Type, terms: list[Term]) -> str:
    """Return the zone of a value of this type that is computed from terms."""
    if type_.name == _ZONED:
        return shared(term for term in terms if term.type.name in (_ZONED, "timestamp", "date"))
    if any(part.name == _ZONED for part in walk(type_)):
        check_inside(terms)
    return "UTC"


def _own(term: Term) -> str:
    return term.zone if term.type.name == _ZONED else "UTC"


def at(instant: str, zone: str) -> str:
    """Return the wall clock (a TIMESTAMP) of an instant in a zone."""
    if zone[0] in "+-":
        return f"(timezone('UTC', {instant}) + to_minutes({_minutes(zone)}))"
    return f"timezone({text(zone)}, {instant})"


def instant(wall_clock: str, zone: str) -> str:
    """Return the instant (a TIMESTAMPTZ) of a wall clock in a zone."""
    if zone[0] in "+-":
        return f"timezone('UTC', {wall_clock} - to_minutes({_minutes(zone)}))"
    if zone == "UTC":
        return f"timezone('UTC', {wall_clock})"
    return f"athena_instant({text(zone)}, {wall_clock})"


def _minutes(zone: str) -> int:
    hours, _, minutes = zone[1:].partition(":")
    return (int(hours) * 60 + int(minutes)) * (-1 if zone[0] == "-" else 1)
