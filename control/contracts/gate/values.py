"""What changed about the values that a column may have: ranges, patterns, lists, rules, references."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from control.contracts.gate.change import Change, Verdict, words
from control.contracts.gate.side import Column
from control.contracts.source import Path

# Sides of a range, each as the option that includes its end and the one that excludes it.
_ENDS = {
    "minimum": ("exclusiveMinimum", -1), "maximum": ("exclusiveMaximum", 1),
    "minLength": ("", -1), "maxLength": ("", 1), "minItems": ("", -1), "maxItems": ("", 1),
}  # fmt: skip
_TALK = (
    "description",
    "dimension",
    "businessImpact",
    "tags",
    "authoritativeDefinitions",
    "id",
    "unit",
    "method",
)


def changes(before: Column, after: Column) -> Iterator[Change]:
    """Every change of what the column's values may be."""
    yield from _options(before, after)
    path, place = f"columns.{after.name}", after.place
    yield from rules(
        before.written.get("quality") or [], after.written.get("quality") or [], path, place, (after.name,)
    )
    old, new = (_references(c.written) for c in (before, after))
    for to in [to for to in old if to not in new]:
        message = f"column {after.name} no longer points to {to}: nothing looks for orphans"
        yield Change(
            "reference-removed",
            f"{path}.relationships",
            to,
            None,
            message,
            consumers="risky",
            columns=(after.name,),
            place=place,
        )
    for to in [to for to in new if to not in old]:
        message = f"column {after.name} points to {to}: orphans are counted from now on"
        yield Change(
            "reference-added",
            f"{path}.relationships",
            None,
            to,
            message,
            producers="risky",
            columns=(after.name,),
            place=place,
        )


def rules(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    path: str,
    place: Path,
    columns: tuple[str, ...],
) -> Iterator[Change]:
    """Every change of a list of quality rules, of a column or of a table."""
    old, new = _by_meaning(before), _by_meaning(after)
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        where = f"{path}.quality.{key}"
        at = (*place, "quality", after.index(now)) if now is not None else (*place, "quality")
        if (now or was or {}).get("metric") == "invalidValues":
            yield from _listed(was, now, where, at, columns)
        elif (now or was or {}).get("metric") == "duplicateValues":
            yield from _together(was, now, where, at, columns)
        else:
            yield from _rule(was, now, where, at, columns)


def _rule(
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    path: str,
    place: Path,
    columns: tuple[str, ...],
) -> Iterator[Change]:
    blocked, blocks = (rule is not None and rule.get("severity") != "warning" for rule in (was, now))
    shown, showing = _meaning(was), _meaning(now)
    if (shown, blocked) == (showing, blocks):
        if _flat(was) != _flat(now):
            yield words(path, was, now, place, columns)
        return
    producers: Verdict = "risky" if blocks else "compatible"
    consumers: Verdict = "risky" if blocked else "compatible"
    if shown == showing:  # only whether it stops the build
        producers, consumers = ("risky", "compatible") if blocks else ("compatible", "risky")
    what = "is added" if was is None else "is removed" if now is None else "changes"
    code = f"rule-{what.split()[-1]}".replace("changes", "changed")
    message = f"rule {path.rsplit('.', 1)[-1]} {what}: what that refuses or lets pass depends on the data"
    yield Change(
        code,
        path,
        shown or None,
        showing or None,
        message,
        producers=producers,
        consumers=consumers,
        columns=columns,
        place=place,
    )


def _listed(
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    path: str,
    place: Path,
    columns: tuple[str, ...],
) -> Iterator[Change]:
    old, new = _valid(was), _valid(now)
    gone = [v for v in old or () if new is not None and v not in new]
    more = [v for v in new or () if old is not None and v not in old]
    tighter = bool(gone) or (old is None and new is not None)
    looser = bool(more) or (new is None and old is not None)
    if tighter or looser:
        parts = [f"{_shown(gone)} refused from now on"] if gone else []
        parts += [f"{_shown(more)} new to readers"] if more else []
        parts += ["only listed values pass from now on"] if old is None else []
        parts += ["any value may come"] if new is None else []
        message = f"the values of {', '.join(columns)} change: {'; '.join(parts)}"
        producers: Verdict = "breaking" if tighter else "compatible"
        consumers: Verdict = "risky" if looser else "compatible"
        yield Change(
            "values-changed",
            path,
            old,
            new,
            message,
            producers=producers,
            consumers=consumers,
            columns=columns,
            place=place,
        )
    elif (
        was
        and now
        and {k: v for k, v in was.items() if k != "arguments"}
        != {k: v for k, v in now.items() if k != "arguments"}
    ):
        yield words(path, was, now, place, columns)


def _together(
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    path: str,
    place: Path,
    columns: tuple[str, ...],
) -> Iterator[Change]:
    old, new = (_group(rule, columns) for rule in (was, now))
    if set(old) == set(new):
        if was != now and old == new:
            yield words(path, was, now, place, columns)
        return
    # A group within the old one promises more, and one around it less.
    tighter = not old or (bool(new) and not set(old) <= set(new))
    looser = not new or (bool(old) and not set(new) <= set(old))
    what = "may repeat together now" if looser else "may no longer repeat together"
    message = (
        f"{', '.join(old if looser else new)} {what}: "
        f"{'joins multiply rows' if looser else 'published rows may'}"
    )
    producers: Verdict = "breaking" if tighter else "compatible"
    consumers: Verdict = "breaking" if looser else "compatible"
    concerned = tuple(dict.fromkeys((*old, *new)))
    yield Change(
        "unique-changed",
        path,
        list(old) or None,
        list(new) or None,
        message,
        producers=producers,
        consumers=consumers,
        columns=concerned,
        place=place,
    )


def _options(before: Column, after: Column) -> Iterator[Change]:
    old, new = (dict(c.written.get("logicalTypeOptions") or {}) for c in (before, after))
    if old == new:
        return
    name, place = after.name, (*after.place, "logicalTypeOptions")
    whole = str(after.written.get("logicalType")) == "integer"
    tighter, looser = [], []
    for end, (excluding, sign) in _ENDS.items():
        was, now = (_end(options, end, excluding, sign, whole=whole) for options in (old, new))
        if was is None and now is None:
            continue
        try:
            if was is None or (now is not None and now < was):
                tighter.append(end)
            elif now is None or now > was:
                looser.append(end)
        except TypeError:  # a number became a text
            tighter.append(end)
            looser.append(end)
    known = {*_ENDS, *(excluding for excluding, _ in _ENDS.values())}
    for key in [key for key in {**old, **new} if key not in known and old.get(key) != new.get(key)]:
        tighter += [key] if new.get(key) is not None else []
        looser += [key] if old.get(key) is not None else []
    if not tighter and not looser:
        return
    parts = [f"{', '.join(tighter)} refuses values that passed"] if tighter else []
    parts += [f"{', '.join(looser)} lets values pass that readers have not met"] if looser else []
    message = f"column {name}: {'; '.join(parts)}"
    producers: Verdict = "breaking" if tighter else "compatible"
    consumers: Verdict = "risky" if looser else "compatible"
    path = f"columns.{name}.logicalTypeOptions"
    yield Change(
        "range-changed",
        path,
        old or None,
        new or None,
        message,
        producers=producers,
        consumers=consumers,
        columns=(name,),
        place=place,
    )


def _end(options: Mapping[str, Any], key: str, excluding: str, sign: int, *, whole: bool) -> Any:
    """The end of a range so that a greater one is looser: (value, included), None for no end."""
    value, included = options.get(key), True
    if value is None and excluding and options.get(excluding) is not None:
        value, included = options[excluding], False
        if whole and isinstance(value, int):
            value, included = value - sign, True
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value * sign, included)
    return (_Text(str(value), sign), included)


class _Text:
    """A text, such as a date, that sorts backwards where the lesser one is looser."""

    def __init__(self, text: str, sign: int) -> None:
        self.text, self.sign = text, sign

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: "_Text") -> bool:
        if not isinstance(other, _Text):
            return NotImplemented
        return self.text < other.text if self.sign > 0 else self.text > other.text

    def __gt__(self, other: "_Text") -> bool:
        if not isinstance(other, _Text):
            return NotImplemented
        return other < self


def _by_meaning(listed: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The rules by a name that stays when a rule is reworded."""
    found: dict[str, Mapping[str, Any]] = {}
    for rule in listed:
        implementation = rule.get("implementation")
        test = implementation.get("test") if isinstance(implementation, dict) else None
        key = str(
            rule.get("name") or test or rule.get("metric") or rule.get("rule") or rule.get("type") or "rule"
        )
        if rule.get("metric") == "invalidValues":
            key = "validValues"
        found[key if key not in found else f"{key}.{len(found)}"] = rule
    return found


def _meaning(rule: Mapping[str, Any] | None) -> str:
    """What a rule demands as text, whatever it is called and however it is laid out."""
    if rule is None:
        return ""
    kept = {k: v for k, v in rule.items() if k not in (*_TALK, "name", "severity")}
    return " ".join(json.dumps(_flat(kept), sort_keys=True, default=str, ensure_ascii=False).split())


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _flat(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_flat(v) for v in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def _valid(rule: Mapping[str, Any] | None) -> list[Any] | None:
    if rule is None or rule.get("mustBe") != 0:
        return None
    arguments = rule.get("arguments")
    found = arguments.get("validValues") if isinstance(arguments, dict) else None
    return found if isinstance(found, list) else None


def _group(rule: Mapping[str, Any] | None, columns: tuple[str, ...]) -> tuple[str, ...]:
    if rule is None or rule.get("mustBe") != 0:
        return ()
    arguments = rule.get("arguments")
    named = arguments.get("properties") if isinstance(arguments, dict) else None
    return tuple(str(n) for n in named) if isinstance(named, list) else columns


def _references(column: Mapping[str, Any]) -> list[str]:
    return [str(link.get("to")) for link in column.get("relationships") or [] if isinstance(link, dict)]


def _shown(listed: Sequence[object]) -> str:
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(repr(v) for v in listed[:3]) + more
