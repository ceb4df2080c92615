"""Translate date patterns of MySQL (date_format, date_parse) and Joda (format_datetime) to DuckDB's."""

import re

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.terms import fail, text, timestamp

# Pattern letters and their strftime codes in DuckDB.
_MYSQL = {
    "%a": "%a", "%b": "%b", "%c": "%-m", "%d": "%d", "%e": "%-d", "%f": "%f", "%H": "%H", "%h": "%I",
    "%I": "%I", "%i": "%M", "%j": "%j", "%k": "%-H", "%l": "%-I", "%M": "%B", "%m": "%m", "%p": "%p",
    "%r": "%I:%M:%S %p", "%S": "%S", "%s": "%S", "%T": "%H:%M:%S", "%v": "%V", "%W": "%A", "%Y": "%Y",
    "%y": "%y", "%%": "%%", "%x": "%G",
}  # fmt: skip
_JODA = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "YYYY": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "EEEE": "%A", "EEE": "%a", "E": "%a", "a": "%p",
    "DDD": "%j", "D": "%-j", "xxxx": "%G", "x": "%G", "ww": "%V", "e": "%u", "yyy": "%Y", "YY": "%y",
    "MMMMM": "%B", "EEEEE": "%A", "EE": "%a",
}  # fmt: skip
# Placeholders for the zone until the value is known: +02:00, +0200 and the name. They occur in no text.
OFFSET, PLAIN, ZONE = "\ufdd0", "\ufdd1", "\ufdd2"
_ZONES = {"Z": PLAIN, "ZZ": OFFSET, "ZZZ": ZONE}
_OFFSET = re.compile(r".*T[^+-]*(?P<zone>[+-]\d{2}(?::?\d{2})?|[Zz])?", re.S)


def from_mysql(pattern: str) -> str:
    """Translate a MySQL pattern. Raises for codes that Athena or the local cloud lacks."""
    found, at = "", 0
    while at < len(pattern):
        code = pattern[at : at + 2]
        if pattern[at] != "%":
            found += pattern[at]
            at += 1
            continue
        if code in ("%D", "%U", "%u", "%V", "%w", "%X"):
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"{code} not supported in date format string")
        found += _MYSQL.get(code, code[1:])
        at += 2
    return found


def from_joda(pattern: str, *, zoned: bool | None = None) -> str:
    """Translate a Joda pattern. Raises for letters that the local cloud lacks.

    `zoned` says whether the formatted value has a zone; None refuses zone letters, which cannot be parsed.
    """
    found, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "'":
            end = pattern.find("'", at + 1)
            if end < 0:
                raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"Unterminated quote in pattern: {pattern}")
            found += (pattern[at + 1 : end] or "'").replace("%", "%%")
            at = end + 1
        elif character.isalpha():
            run = re.match(f"{character}+", pattern[at:])
            letters = run[0] if run else character
            if letters in _ZONES and zoned is not None:
                if not zoned:
                    raise AthenaError(
                        "INVALID_FUNCTION_ARGUMENT",
                        "format_datetime for TIMESTAMP type, cannot use 'Z' nor 'z' in format, as this type "
                        "does not contain TZ information",
                    )
                found += _ZONES[letters]
                at += len(letters)
                continue
            if letters not in _JODA:
                raise not_supported(f"'{letters}' in a date pattern in the local cloud")
            found += _JODA[letters]
            at += len(letters)
        else:
            found += "%%" if character == "%" else character
            at += 1
    return found


def rendered(moment: str, pattern: str) -> str:
    """Format a timestamp as text."""
    return f"strftime({moment}, {text(pattern)})"


def parsed(written: str, pattern: str, shown: str, first: int = 1970) -> str:
    """Parse text as a timestamp; raises INVALID_FUNCTION_ARGUMENT for text that does not fit.

    Two-digit years are in the hundred years that begin with `first`.
    """
    pattern = pattern.replace("%-", "%")
    whole = written
    if not any(code in pattern for code in ("%Y", "%y", "%G")):
        if any(code in pattern for code in ("%j", "%V", "%u")):
            raise not_supported(f"The date pattern '{shown}' without a year in the local cloud")
        # Without a year DuckDB assumes 1900; Athena 2000 if the pattern has a day or month, else 1970.
        dated = any(code in pattern for code in ("%m", "%d", "%b", "%B"))
        pattern, whole = "%Y " + pattern, f"('{2000 if dated else 1970} ' || {written})"
    plain = f"try_strptime({whole}, {text(pattern)})"
    if pattern == pattern.strip():
        # DuckDB ignores spaces at both ends.
        plain = f"CASE WHEN {written} = trim({written}) THEN {plain} END"
    if "%y" in pattern:
        plain = f"athena_century({plain}, {first})"
    message = f"'Invalid format: \"' || {written} || '\"'"
    failure = fail("INVALID_FUNCTION_ARGUMENT", message, timestamp(3))
    return f"CASE WHEN {written} IS NOT NULL THEN coalesce({plain}, {failure}) END"


def literal_zone(value: object) -> str:
    """Return the zone at the end of an ISO 8601 text if the text is a literal, else UTC."""
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    zone = (match["zone"] if match is not None else None) or "Z"
    if zone in ("Z", "z"):
        return "UTC"
    found = f"{zone[:3]}:{zone[3:][-2:] or '00'}"
    return "UTC" if found[1:] == "00:00" else found
