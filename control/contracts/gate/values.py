"""Judge changes of the values that a column may have: ranges, patterns, lists, rules, references."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from control.contracts.gate import ranges, types
from control.contracts.gate.change import RECONCILE, Change, Difference, Verdict
from control.contracts.gate.side import Column
from control.contracts.source import Path

_TALK = (
    "description", "dimension", "businessImpact", "tags", "authoritativeDefinitions", "id", "unit", "method",
)  # fmt: skip

Rule = Mapping[str, Any]


def changes(before: Column, after: Column) -> Iterator[Change]:
    """Yield every change of the values that the column may have."""
    yield from _options(before, after)
    path, place = f"columns.{after.name}", after.place
    yield from rules(
        before.written.get("quality") or [], after.written.get("quality") or [], path, place, (after.name,)
    )
    old, new = (_references(c.written) for c in (before, after))
    for to in [to for to in old if to not in new]:
        message = f"column {after.name} no longer points to {to}: orphans are no longer counted"
        difference = Difference(f"{path}.relationships", to, None, place, (after.name,))
        yield difference.judged("reference-removed", message, consumers="risky")
    for to in [to for to in new if to not in old]:
        message = f"column {after.name} points to {to}: orphans are counted from now on"
        difference = Difference(f"{path}.relationships", None, to, place, (after.name,))
        yield difference.judged("reference-added", message, producers="risky")


def rules(
    before: Sequence[Rule], after: Sequence[Rule], path: str, place: Path, columns: tuple[str, ...]
) -> Iterator[Change]:
    """Yield every change of a list of quality rules, of a column or of a table."""
    counts: Counter[str] = Counter()
    for was, now in _pairs(before, after):
        rule = now or was or {}
        key = _name(rule)
        where = f"{path}.quality.{key}" + (f".{counts[key]}" if counts[key] else "")
        counts[key] += 1
        at = (*place, "quality", after.index(now)) if now is not None else (*place, "quality")
        compare = _COMPARED.get(str(rule.get("metric")), _rule)
        yield from compare(was, now, Difference(where, was, now, at, columns))


def _pairs(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[tuple[Rule | None, Rule | None]]:
    """Pair each old rule with the new one that demands the same, else with one of the same name and kind."""
    left = list(after)
    found: dict[int, Rule] = {}
    for same in (_demand, _kind_and_name):
        for at, was in enumerate(before):
            now = next((one for one in left if same(one) == same(was)), None) if at not in found else None
            if now is not None:
                left.remove(now)
                found[at] = now
    yield from ((was, found.get(at)) for at, was in enumerate(before))
    yield from ((None, now) for now in left)


def _rule(was: Rule | None, now: Rule | None, difference: Difference) -> Iterator[Change]:
    blocked, blocks = (rule is not None and rule.get("severity") != "warning" for rule in (was, now))
    shown, showing = _meaning(was), _meaning(now)
    if (shown, blocked) == (showing, blocks):
        if _flat(was) != _flat(now):
            yield difference.words()
        return
    producers: Verdict = "risky" if blocks else "compatible"
    consumers: Verdict = "risky" if blocked else "compatible"
    if shown == showing:  # only whether it stops the build
        producers, consumers = ("risky", "compatible") if blocks else ("compatible", "risky")
    what = "is added" if was is None else "is removed" if now is None else "changes"
    code = f"rule-{what.split()[-1]}".replace("changes", "changed")
    name = difference.path.rsplit(".", 1)[-1]
    message = f"rule {name} {what}: which rows this refuses or accepts depends on the data"
    message += f"; {RECONCILE}" if producers != "compatible" else ""
    difference = replace(difference, before=shown or None, after=showing or None)
    yield difference.judged(code, message, producers=producers, consumers=consumers)


def _listed(was: Rule | None, now: Rule | None, difference: Difference) -> Iterator[Change]:
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
        parts += [RECONCILE] if tighter else []
        message = f"the values of {', '.join(difference.columns)} change: {'; '.join(parts)}"
        producers: Verdict = "breaking" if tighter else "compatible"
        consumers: Verdict = "risky" if looser else "compatible"
        difference = replace(difference, before=old, after=new)
        yield difference.judged("values-changed", message, producers=producers, consumers=consumers)
    elif was and now and _apart_from_arguments(was) != _apart_from_arguments(now):
        yield difference.words()


def _apart_from_arguments(rule: Rule) -> dict[str, Any]:
    return {k: v for k, v in rule.items() if k != "arguments"}


def _together(was: Rule | None, now: Rule | None, difference: Difference) -> Iterator[Change]:
    old, new = (_group(rule, difference.columns) for rule in (was, now))
    if set(old) == set(new):
        if was != now and old == new:
            yield difference.words()
        return
    # A subset of the old group promises more, a superset less.
    tighter = not old or (bool(new) and not set(old) <= set(new))
    looser = not new or (bool(old) and not set(new) <= set(old))
    what = "may repeat together now" if looser else "may no longer repeat together"
    message = (
        f"{', '.join(old if looser else new)} {what}: "
        f"{'joins multiply rows' if looser else 'published rows may'}"
    )
    message += f"; {RECONCILE}" if tighter else ""
    producers: Verdict = "breaking" if tighter else "compatible"
    consumers: Verdict = "breaking" if looser else "compatible"
    concerned = tuple(dict.fromkeys((*old, *new)))
    between = replace(difference, before=list(old) or None, after=list(new) or None, columns=concerned)
    yield between.judged("unique-changed", message, producers=producers, consumers=consumers)


def _options(before: Column, after: Column) -> Iterator[Change]:
    old, new = (dict(c.written.get("logicalTypeOptions") or {}) for c in (before, after))
    if old == new:
        return
    was, now = _measured(before), _measured(after)
    tighter, looser = ranges.differences(old, new, was, now)
    if not tighter and not looser:
        return
    name = after.name
    parts = [f"{', '.join(tighter)} refuses values that were accepted"] if tighter else []
    parts += [f"{', '.join(looser)} accepts values that readers have not seen"] if looser else []
    parts += [RECONCILE] if tighter else []
    message = f"column {name}: {'; '.join(parts)}"
    producers: Verdict = "breaking" if tighter else "compatible"
    consumers: Verdict = "risky" if looser else "compatible"
    place = (*after.place, "logicalTypeOptions")
    difference = Difference(f"columns.{name}.logicalTypeOptions", old or None, new or None, place, (name,))
    yield difference.judged("range-changed", message, producers=producers, consumers=consumers)


def _measured(column: Column) -> str:
    """Return the logical type for comparing bounds: a decimal without fractions counts as an integer."""
    logical = str(column.written.get("logicalType"))
    if logical not in ("integer", "number"):
        return logical
    return "integer" if types.is_whole(str(column.written.get("physicalType"))) else "number"


def _name(rule: Rule) -> str:
    """Return the name of a rule, which stays when the rule is reworded."""
    implementation = rule.get("implementation")
    test = implementation.get("test") if isinstance(implementation, dict) else None
    if rule.get("metric") == "invalidValues":
        return "validValues"
    return str(
        rule.get("name") or test or rule.get("metric") or rule.get("rule") or rule.get("type") or "rule"
    )


def _kind_and_name(rule: Rule) -> tuple[object, str]:
    """Return what makes two rules versions of one: a check is not a version of a value list of that name."""
    metric = rule.get("metric")
    return metric if metric in _COMPARED else None, _name(rule)


def _demand(rule: Rule) -> tuple[str, bool]:
    """Return what a rule demands, and whether it stops the build."""
    return _meaning(rule), rule.get("severity") != "warning"


def _meaning(rule: Rule | None) -> str:
    """Return what a rule demands as text, without its name and independent of layout."""
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


def _valid(rule: Rule | None) -> list[Any] | None:
    if rule is None or rule.get("mustBe") != 0:
        return None
    arguments = rule.get("arguments")
    found = arguments.get("validValues") if isinstance(arguments, dict) else None
    return found if isinstance(found, list) else None


def _group(rule: Rule | None, columns: tuple[str, ...]) -> tuple[str, ...]:
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


_COMPARED = {"invalidValues": _listed, "duplicateValues": _together}
