"""Literals and expressions for Athena."""

# The same expression as in `macros/rows/from_microseconds.sql`.
_MOMENT = (
    "cast(cast(date_add('second', mod({0} + 62135596800000000, 86400000000) / 1000000, date_add("
    "'day', ({0} + 62135596800000000) / 86400000000, timestamp '0001-01-01 00:00:00'"
    ")) as varchar) || '.' || lpad(cast(mod({0} + 62135596800000000, 1000000) as varchar), 6, '0')"
    " as timestamp(6))"
)


def literal(text: str) -> str:
    """Return `text` as an Athena string literal."""
    return "'" + text.replace("'", "''") + "'"


def moment(microseconds: str) -> str:
    """Return an expression for the timestamp(6) of a column of microseconds since 1970."""
    return _MOMENT.format(microseconds)
