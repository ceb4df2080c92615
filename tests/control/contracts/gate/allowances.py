"""Where the gate may differ from what rows show. Each exception is a named reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evidence import Evidence, Seen
from random_contracts import Draft

_RANKS = ("compatible", "risky", "breaking")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a history: what was observed, and what the gate found."""

    before: Draft
    after: Draft
    evidence: Evidence
    findings: tuple[Any, ...]

    def verdict(self, side: str) -> str:
        found = [getattr(one.change, side) for one in self.findings]
        return max(found, key=_RANKS.index, default="compatible")

    def has(self, code: str, path: str = "") -> bool:
        """Return whether the gate found a change with this code and `path` in its path."""
        return any(one.change.code == code and path in one.change.path for one in self.findings)

    def told(self) -> list[tuple[str, ...]]:
        return [(c.change.code, c.change.path, c.change.producers, c.change.consumers) for c in self.findings]


def _pads(change: Any) -> bool:
    """Return whether a type that pads with blanks is added, removed or changed."""
    types = f"{change.before} {change.after}".replace("varchar", "")
    return change.code == "type-changed" and "char(" in types


MilderIn = Callable[[Seen, Step], bool]
# What the gate may call risky although it breaks.
MILDER: dict[str, MilderIn] = {
    "a draft promises nothing": lambda seen, step: (
        step.before.data["status"] == "draft"
    ),
    "the source must first send a new column; replay shows what is refused until then": lambda seen, step: (
        seen.side == "producers" and seen.kind == "refused" and step.has("column-added")
        and (set(seen.columns) <= set(step.after.names) - set(step.before.names))
    ),
    "what SQL refuses cannot be derived from its text": lambda seen, step: (
        seen.side == "producers" and seen.kind == "value"
        and (step.has("rule-added") or step.has("rule-changed"))
    ),
    "trailing blanks": lambda seen, step: (
        seen.kind == "value" and any(_pads(one.change) for one in step.findings)
    ),
    "it depends on the length or the quotes of a line": lambda seen, step: (
        seen.kind in ("refused", "otherwise")
        and (step.has("parsing-changed", "maxLineBytes") or step.has("parsing-changed", "multiline"))
    ),
}  # fmt: skip


def _implied(change: Any, side: str, step: Step) -> bool:
    """Return whether a subset of the columns is unique in the other version, which implies the change."""
    if change.code == "unique-changed":
        group = set((change.after if side == "producers" else change.before) or ())
    else:
        group = set(change.columns)
    other = step.before if side == "producers" else step.after
    return any(one <= group for one in other.groups)


def _is_ruled_twice(names: tuple[str, ...], step: Step) -> bool:
    if any(rule.get("engine") == "athena" for rule in step.before.table.get("quality", [])):
        return True
    columns = [one for made in (step.before, step.after) for one in made.columns if one["name"] in names]
    rules = [
        {*one.get("logicalTypeOptions", {}), *(["list"] if one.get("quality") else [])} for one in columns
    ]
    return any("char" in one["physicalType"] for one in columns) or any(
        rule & {"list", "pattern"} and len(rule) > 1 for rule in rules
    )


UnshownIn = Callable[[Any, str, Step], bool]


def _is(*codes: str) -> UnshownIn:
    return lambda change, side, step: change.code in codes


def _parsing(side_: str, *names: str) -> UnshownIn:
    return lambda change, side, step: (
        change.code == "parsing-changed" and side == side_ and change.path.rsplit(".", 1)[-1] in names
    )


# What the gate reports although no row shows it.
NO_ROW_SHOWS: dict[str, UnshownIn] = {
    "a promise to the people in the data": _is("classification-changed", "pii-tag-added", "pii-tag-removed"),
    "a promise of days": _is(
        "deprecation-missing", "deprecation-early", "end-announced", "status-changed", "freshness-changed",
        "retention-changed", "sla-changed",
    ),
    "owner and place": _is("owner-changed", "server-moved"),
    "texts derived from a key": _is("key-order"),
    "the grain of the table": _is("key-changed"),
    "columns that are already unique": lambda change, side, step: (
        change.code in ("unique-added", "unique-removed", "unique-changed") and _implied(change, side, step)
    ),
    "tools that use it": _is("logical-type-changed"),
    "what SQL refuses cannot be derived from its text": _is("rule-added", "rule-removed", "rule-changed"),
    "revisions only rise": _is("version-lowered"),
    "it depends on the length or the quotes of a line": _parsing(
        "producers", "maxLineBytes", "multiline", "quote", "escape", "delimiter"
    ),
    "another rule of the column or table already refuses it": lambda change, side, step: (
        change.code in ("range-changed", "values-changed") and _is_ruled_twice(change.columns, step)
    ),
    "patterns are compared as text": lambda change, side, step: (
        change.code == "range-changed" and "pattern" in {**(change.before or {}), **(change.after or {})}
    ),
    "how a line would have been read": lambda change, side, step: (
        side == "consumers" and (
            change.code == "raw-name-changed"
            or (change.code == "parsing-changed" and change.consumers == "risky")
        )
    ),
    "positions in another kind of log are not comparable": _parsing("consumers", "position"),
    "trailing blanks": lambda change, side, step: _pads(change),
    "the number of bad lines that a file may have": lambda change, side, step: (
        change.path.startswith("table.maxBad")
    ),
}  # fmt: skip
