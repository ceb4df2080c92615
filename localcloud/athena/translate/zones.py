"""Time zones: DuckDB knows names, not offsets such as +05:30; those are plain arithmetic."""

from localcloud.athena.translate.terms import Term, text

_ZONED = "timestamp with time zone"


def local(term: Term) -> str:
    """The wall clock of a term: an instant in its zone, anything else as it is."""
    return at(term.sql, term.zone) if term.type.name == _ZONED else term.sql


def at(instant: str, zone: str) -> str:
    """The wall clock (a TIMESTAMP) that an instant shows in a zone."""
    if zone[0] in "+-":
        return f"(timezone('UTC', {instant}) + to_minutes({_minutes(zone)}))"
    return f"timezone({text(zone)}, {instant})"


def instant(wall_clock: str, zone: str) -> str:
    """The instant (a TIMESTAMPTZ) of a wall clock in a zone."""
    if zone[0] in "+-":
        return f"timezone('UTC', {wall_clock} - to_minutes({_minutes(zone)}))"
    return f"timezone({text(zone)}, {wall_clock})"


def _minutes(zone: str) -> int:
    hours, _, minutes = zone[1:].partition(":")
    return (int(hours) * 60 + int(minutes)) * (-1 if zone[0] == "-" else 1)
