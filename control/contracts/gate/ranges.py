"""Compare two versions of a column's `logicalTypeOptions`: which options refuse more, and which less.

Bounds mean what `control.contracts.quality` makes of them: all hold at once, and a timestamp without a zone
is in UTC. Integers and dates are discrete, so `> 0` and `>= 1` are the same.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

# Ends of a range: in which direction it gets looser, and the option that excludes the end itself.
_ENDS = {
    "minimum": (-1, "exclusiveMinimum"), "maximum": (1, "exclusiveMaximum"),
    "minLength": (-1, ""), "maxLength": (1, ""), "minItems": (-1, ""), "maxItems": (1, ""),
}  # fmt: skip
_KNOWN = {*_ENDS, *(excluding for _, excluding in _ENDS.values())}
_TIMES = {"date", "timestamp"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Options = Mapping[str, Any]
Reach = tuple[float, bool]
"""How far a range goes in one direction, and whether it includes that end: a greater one accepts more."""


def differences(old: Options, new: Options, was: str, now: str) -> tuple[list[str], list[str]]:
    """Return the names of the options that refuse more than before, and of those that accept more.

    `was` and `now` are the column's logical types; `integer` stands for types without fractions. An option
    whose versions cannot be compared is in both lists.
    """
    tighter, looser = [], []
    for end in _ENDS:
        refuses, lets = _end(end, old, new, was, now)
        tighter += [end] if refuses else []
        looser += [end] if lets else []
    for key in dict.fromkeys((*old, *new)):
        if key not in _KNOWN and old.get(key) != new.get(key):
            tighter += [key] if new.get(key) is not None else []
            looser += [key] if old.get(key) is not None else []
    return tighter, looser


def _end(end: str, old: Options, new: Options, was: str, now: str) -> tuple[bool, bool]:
    try:
        before, after = _reach(end, old, was), _reach(end, new, now)
    except ValueError:  # a bound is not a value of the column's type
        keys = (end, _ENDS[end][1])
        differ = [old.get(key) for key in keys] != [new.get(key) for key in keys]
        return differ, differ
    if before is not None and after is not None and was != now and _TIMES & {was, now}:
        return True, True
    if before == after:
        return False, False
    if before is None or after is None:
        return before is None, after is None
    return after < before, after > before


def _reach(end: str, options: Options, logical: str) -> Reach | None:
    """Return how far the options let values go, or None if they accept all.

    Raises ValueError for a bound that is not a value of the type.
    """
    sign, excluding = _ENDS[end]
    kind = logical if excluding else "integer"
    found = [
        (sign * _number(options[key], kind), key == end)
        for key in (end, excluding)
        if options.get(key) is not None
    ]
    if kind in ("integer", "date"):
        found = [(math.floor(to) if included else math.ceil(to) - 1, True) for to, included in found]
    if not excluding and found == [(0, True)] and sign < 0:  # every text has at least 0 characters
        return None
    return min(found, default=None)


def _number(value: object, logical: str) -> float:
    if logical == "date":
        return date.fromisoformat(str(value)).toordinal()
    if logical == "timestamp":
        moment = datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return value
