"""What changed about a table as a whole: its key, layout, views, and how its raw files are read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bronze.contract import DEFAULTS
from control.contracts.gate import values
from control.contracts.gate.change import LACKS, Change, Verdict, words
from control.contracts.gate.side import Side
from control.contracts.source import Path

_TABLE: Path = ("schema", 0)
_CUSTOM: Path = (*_TABLE, "customProperties")
_WORDS = ("description", "businessName", "tags", "authoritativeDefinitions", "id", "logicalType")
_JUDGED = ("name", "physicalType", "properties", "quality", "customProperties", "dataGranularityDescription")
_CAPS = ("maxInflatedBytes", "maxInflationRatio", "maxLineBytes")
_TOLERANCES = ("maxBadRecords", "maxBadRatio")
# From, to: for producers, for consumers, why.
_KEPT = "unknown keys are kept in _rescued"
_GOES = f"and the column _rescued goes. {LACKS}: let it evolve on"
_POLICIES: dict[tuple[str, str, str], tuple[Verdict, Verdict, str]] = {
    ("unknownKeys", "freeze", "evolve"): ("compatible", "compatible", _KEPT),
    ("unknownKeys", "discard", "evolve"): ("compatible", "compatible", _KEPT),
    ("unknownKeys", "freeze", "discard"): ("compatible", "risky", "unknown keys vanish, unseen"),
    ("unknownKeys", "evolve", "discard"): ("breaking", "breaking", f"unknown keys vanish, {_GOES}"),
    ("unknownKeys", "evolve", "freeze"): ("breaking", "breaking", f"unknown keys are refused, {_GOES}"),
    ("unknownKeys", "discard", "freeze"): ("breaking", "compatible", "lines with unknown keys are refused"),
    ("absent", "quarantine", "null"): ("compatible", "risky", "a null may now mean that nothing was said"),
    ("absent", "null", "quarantine"): ("breaking", "compatible", "lines without a column are refused"),
    ("beforeImage", "optional", "required"): ("breaking", "compatible", "updates without it are refused"),
    ("beforeImage", "required", "optional"): ("compatible", "risky", "a changed key may leave its old row"),
    ("multiline", "False", "True"): ("risky", "compatible", "a stray quote takes the lines after it along"),
    ("multiline", "True", "False"): ("breaking", "compatible", "records over several lines are refused"),
}  # fmt: skip


def changes(base: Side, head: Side, *, layer: str) -> Iterator[Change]:
    """Every change of the table apart from its columns."""
    yield from _key(base, head)
    yield from _partitions(base, head, hive=layer == "bronze")
    yield from values.rules(
        base.table.get("quality") or [], head.table.get("quality") or [], "table", _TABLE, ()
    )
    yield from _custom(base.custom, head.custom, layer=layer)
    old, new = base.table, head.table
    for key, code, why in (
        ("physicalType", "kind-changed", "the rows stay, price and grants do not"),
        (
            "dataGranularityDescription",
            "grain-changed",
            "say whether the rows themselves mean something else",
        ),
    ):
        if _text(old.get(key)) != _text(new.get(key)):
            message = f"{key} is {_text(new.get(key))!r} instead of {_text(old.get(key))!r}: {why}"
            yield Change(
                code,
                f"table.{key}",
                old.get(key),
                new.get(key),
                message,
                producers="risky",
                consumers="risky",
                place=(*_TABLE, key),
            )
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        if key in _WORDS:
            yield words(f"table.{key}", old.get(key), new.get(key), (*_TABLE, key))
        else:
            yield unjudged(f"table.{key}", old.get(key), new.get(key), (*_TABLE, key))


def unjudged(path: str, was: object, now: object, place: Path) -> Change:
    """A change that no rule knows: both sides should look."""
    message = f"{path} changes: no rule knows what follows from it, so both sides should look"
    return Change("unjudged", path, was, now, message, producers="risky", consumers="risky", place=place)


def _key(base: Side, head: Side) -> Iterator[Change]:
    old, new = (
        _numbered(side.having("primaryKey"), "primaryKey", "primaryKeyPosition") for side in (base, head)
    )
    if old == new:
        return
    place = (*_TABLE, "properties")
    if set(old) == set(new):
        message = f"the parts of the key change places, now {', '.join(new)}: texts made of it are others"
        yield Change(
            "key-order", "key", old, new, message, consumers="risky", columns=tuple(new), place=place
        )
        return
    if [*set(old) ^ set(new)] and _only_renamed(base, head, old, new):
        return
    message = (
        f"the key is {', '.join(new) or 'gone'} instead of {', '.join(old)}: rows are other "
        "things, joins multiply or lose them"
    )
    concerned = tuple(dict.fromkeys((*old, *new)))
    yield Change(
        "key-changed",
        "key",
        old,
        new,
        message,
        producers="breaking",
        consumers="breaking",
        columns=concerned,
        place=place,
    )


def _only_renamed(base: Side, head: Side, old: list[str], new: list[str]) -> bool:
    """Whether the key differs by the name of its columns alone, which is a finding of its own."""
    if len(old) != len(new):
        return False
    places = [(base.names.index(a), head.names.index(b)) for a, b in zip(old, new, strict=True)]
    gone = all(b not in base.names and a not in head.names for a, b in zip(old, new, strict=True) if a != b)
    return gone and all(a == b for a, b in places)


def _partitions(base: Side, head: Side, *, hive: bool) -> Iterator[Change]:
    old, new = (
        _numbered(side.having("partitioned"), "partitioned", "partitionKeyPosition") for side in (base, head)
    )
    if old == new:
        return
    place = (*_TABLE, "properties")
    was, now = (", ".join(names) or "nothing" for names in (old, new))
    if hive:
        verdicts: tuple[Verdict, Verdict] = ("breaking", "breaking")
        why = "partitions that exist do not have these folders; write a new table"
    else:
        verdicts = ("risky", "risky" if old else "compatible")
        why = (
            "old files keep their layout until they are rewritten, and queries that pruned may "
            "read everything"
        )
    message = f"partitioned by {now} instead of {was}: {why}"
    yield Change(
        "partitioning-changed",
        "partitioning",
        old,
        new,
        message,
        producers=verdicts[0],
        consumers=verdicts[1],
        place=place,
    )


def _numbered(columns: Mapping[str, Mapping[str, Any]], flag: str, position: str) -> list[str]:
    marked = {name: column.get(position) or 0 for name, column in columns.items() if column.get(flag) is True}
    return sorted(marked, key=lambda name: marked[name])


def _custom(old: Mapping[str, object], new: Mapping[str, object], *, layer: str) -> Iterator[Change]:
    for key in {**old, **new}:
        was, now = old.get(key), new.get(key)
        if layer == "bronze":
            yield from _parsing(key, was, now)
        elif was == now:
            continue
        elif key == "liveView":
            gone = was is not None
            message = f"the live view is {now or 'gone'} instead of {was}: readers were told to use it"
            message = message if gone else f"a live view {now} comes"
            verdict: Verdict = "breaking" if gone else "compatible"
            yield Change(
                "view-changed",
                "table.liveView",
                was,
                now,
                message,
                consumers=verdict,
                place=_CUSTOM,
                addition=not gone,
            )
        elif key in ("stateTable", "bronze"):
            message = (
                f"{key} is {now} instead of {was}: the state starts empty and is built again from bronze"
            )
            yield Change("state-changed", f"table.{key}", was, now, message, producers="risky", place=_CUSTOM)
        else:
            yield unjudged(f"table.{key}", was, now, _CUSTOM)


def _parsing(key: str, was: object, now: object) -> Iterator[Change]:
    was, now = (value if value is not None else DEFAULTS.get(key) for value in (was, now))
    if was == now:
        return
    path = f"table.{key}"
    producers, consumers, why = _read_otherwise(key, was, now)
    addition = (key, now) == ("unknownKeys", "evolve")
    message = f"{key} is {now} instead of {was}: {why}"
    yield Change(
        "parsing-changed",
        path,
        was,
        now,
        message,
        producers=producers,
        consumers=consumers,
        place=_CUSTOM,
        addition=addition,
    )


def _read_otherwise(key: str, was: object, now: object) -> tuple[Verdict, Verdict, str]:
    """What it means for either side that a rule of reading changes, and why."""
    if key == "position":
        return "breaking", "breaking", "new places do not compare with those in the state; start a new epoch"
    if isinstance(was, int | float) and isinstance(now, int | float):
        if key in _TOLERANCES and now > was:
            return "compatible", "risky", "worse files are published"
        if key in _TOLERANCES:
            return "risky", "compatible", "files that were published are refused as a whole"
        if key in _CAPS:
            larger = now > was
            return (
                "compatible" if larger else "risky",
                "compatible",
                "more is read" if larger else "less is read",
            )
    return _POLICIES.get((key, str(was), str(now)), ("breaking", "risky", "files are read by other rules"))


def _text(value: object) -> str:
    return re.sub(r"\s+", " ", str(value or "")).strip()
