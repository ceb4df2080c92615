"""Judge changes of status, announced ends and service levels: what is promised, and until when."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from control.contracts.gate.change import Change, Difference, Verdict
from control.contracts.gate.side import Side
from control.contracts.load import announced_end

DEPRECATION = "deprecation"
_LIFE = ("proposed", "draft", "active", "deprecated", "retired")
# A year is 365 days, as in the retention run.
_HOURS = {"h": 1, "d": 24, "w": 168, "y": 8760}
_UNITS = {
    "hour": "h", "hours": "h", "hr": "h", "day": "d", "days": "d", "week": "w", "weeks":
    "w", "year": "y", "years": "y",
    "yr": "y",
}  # fmt: skip
_LESS_IS_MORE = {
    "freshness", "latency", "frequency", "timetodetect", "timetonotify", "timetorepair",
    "errorrate", "maxerrorrate",
}  # fmt: skip
_MORE_IS_MORE = {"retention", "availability", "completeness", "throughput", "accuracy"}
_ENDS = {"endofsupport", "endoflife"}


def changes(base: Side, head: Side, *, personal: bool) -> Iterator[Change]:
    """Yield every change of status and service levels; `personal` tells if the table has personal data."""
    yield from _status(str(base.data.get("status") or ""), str(head.data.get("status") or ""))
    old, new = _levels(base.data), _levels(head.data)
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _level(name, old.get(name), new.get(name), personal=personal)


def announced(difference: Difference) -> Iterator[Change]:
    """Judge that an end is announced, moved or withdrawn."""
    old, new = (announced_end({DEPRECATION: stated}) for stated in (difference.before, difference.after))
    if difference.before == difference.after:
        return
    if new and old and new < old:
        message = (
            f"the end comes on {new}, {(old - new).days} days before the announced one: readers "
            f"planned for {old}"
        )
        verdict: Verdict = "breaking"
    elif new and not old:
        message, verdict = f"an end is announced for {new}: readers have to move by then", "risky"
    else:
        message, verdict = f"the announced end moves from {old} to {new or 'nowhere'}", "compatible"
    yield difference.judged("end-announced", message, consumers=verdict)


def _status(was: str, now: str) -> Iterator[Change]:
    if was == now:
        return
    before, after = (_LIFE.index(s) if s in _LIFE else 0 for s in (was, now))
    promised = _LIFE.index("active")
    addition = before < promised <= after < _LIFE.index("retired")
    if now == "retired" or (before >= promised > after):
        verdict: Verdict = "breaking"
        why = "its promises no longer hold"
    elif now == "deprecated" and before == promised:
        verdict, why = "risky", "readers have to move; state by when in the custom property deprecation"
    else:
        verdict, why = "compatible", "nothing is withdrawn"
    message = f"the contract is {now} instead of {was}: {why}"
    difference = Difference("status", was, now, ("status",))
    yield difference.judged("status-changed", message, consumers=verdict, addition=addition)


def _levels(data: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    return {str(level.get("property")): (i, level) for i, level in enumerate(data.get("slaProperties") or [])}


def _level(
    name: str,
    was: tuple[int, Mapping[str, Any]] | None,
    now: tuple[int, Mapping[str, Any]] | None,
    *,
    personal: bool,
) -> Iterator[Change]:
    old, new = (found[1] if found else {} for found in (was, now))
    path, place = f"slaProperties.{name}", ("slaProperties", now[0]) if now else ("slaProperties",)
    difference = Difference(path, _shown(old), _shown(new), place)
    if was and now and _measured_at(old) != _measured_at(new):
        message = (
            f"{name} is measured at {new.get('element')} instead of {old.get('element')}: the "
            "number means something else"
        )
        difference = replace(difference, columns=_element(old, new))
        yield difference.judged("sla-changed", message, producers="risky", consumers="risky")
        return
    better = _better(name, old, new)
    if better == 0:
        if _apart_from_amount(old) != _apart_from_amount(new):
            yield difference.words()
        return
    producers, consumers, why = _moved(name, better, gone=now is None, personal=personal)
    message = f"{name} becomes {_shown(new) or 'no promise'} from {_shown(old) or 'no promise'}: {why}"
    code = f"{name.lower()}-changed" if name in ("retention", "freshness") else "sla-changed"
    difference = Difference(path, _shown(old) or None, _shown(new) or None, place)
    yield difference.judged(code, message, producers=producers, consumers=consumers)


def _measured_at(level: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in level.items() if k in ("element", "driver")}


def _moved(name: str, better: int | None, *, gone: bool, personal: bool) -> tuple[Verdict, Verdict, str]:
    if name == "retention":
        if gone or better is None or better < 0:
            return "compatible", "breaking", "data that readers rely on is permanently deleted"
        if personal:
            return "risky", "compatible", "personal data is kept longer, which someone must have decided"
        return "compatible", "compatible", "more is kept"
    if better is None:
        return "risky", "risky", "it is unknown which of the two is stricter"
    if name.lower() in _ENDS:
        if better < 0:
            return "compatible", "breaking", "readers planned for the old day"
        return "compatible", "compatible", "readers get more time"
    if better > 0:
        return "risky", "compatible", "data that was good enough may no longer be"
    return "compatible", "risky", "readers get less than they were promised"


def _better(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> int | None:
    """Return 1 if the new level is better for readers, -1 if the old one is, 0 if equal, None if unknown."""
    was, now = _amount(old), _amount(new)
    if was == now and (was is not None or old.get("value") == new.get("value")):
        return 0
    if name.lower() in _ENDS:
        if not old or not new:
            return None
        return 1 if str(new.get("value")) > str(old.get("value")) else -1
    if not old:
        return 1
    if not new:
        return -1
    if was is None or now is None or was[1] != now[1]:
        return None
    if name.lower() in _LESS_IS_MORE:
        return 1 if now < was else -1
    return (1 if now > was else -1) if name.lower() in _MORE_IS_MORE else None


def _amount(level: Mapping[str, Any]) -> tuple[float, str] | None:
    """Return value and unit, durations in hours; None when the value is not a number."""
    value, unit = level.get("value"), str(level.get("unit") or "").strip().lower()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    unit = _UNITS.get(unit, unit)
    return (value * _HOURS[unit], "h") if unit in _HOURS else (value, unit)


def _apart_from_amount(level: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in level.items() if k not in ("value", "unit")}


def _element(*levels: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(level["element"]).rsplit(".", 1)[-1] for level in levels if level.get("element"))


def _shown(level: Mapping[str, Any]) -> str:
    at = f" at {level['element']}" if level.get("element") else ""
    return f"{level.get('value')} {level.get('unit') or ''}".strip() + at if level else ""
