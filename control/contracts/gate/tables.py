"""Judge changes of a table as a whole: its key, layout, views, and how its raw files are read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bronze.contract import DEFAULTS
from control.contracts.gate import values
from control.contracts.gate.change import LACKS, Change, Difference, Verdict
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
_GOES = f"and the column _rescued is dropped. {LACKS}: keep evolve"
_POLICIES: dict[tuple[str, str, str], tuple[Verdict, Verdict, str]] = {
    ("unknownKeys", "freeze", "evolve"): ("compatible", "compatible", _KEPT),
    ("unknownKeys", "discard", "evolve"): ("compatible", "compatible", _KEPT),
    ("unknownKeys", "freeze", "discard"): ("compatible", "risky", "unknown keys are silently dropped"),
    ("unknownKeys", "evolve", "discard"): ("breaking", "breaking", f"unknown keys are dropped, {_GOES}"),
    ("unknownKeys", "evolve", "freeze"): ("breaking", "breaking", f"unknown keys are refused, {_GOES}"),
    ("unknownKeys", "discard", "freeze"): ("breaking", "compatible", "lines with unknown keys are refused"),
    ("absent", "quarantine", "null"): ("compatible", "risky", "a null may now mean that the key was absent"),
    ("absent", "null", "quarantine"): ("breaking", "compatible", "lines without a column are refused"),
    ("beforeImage", "optional", "required"): ("breaking", "compatible", "updates without it are refused"),
    ("beforeImage", "required", "optional"): ("compatible", "risky", "a changed key may leave its old row"),
    ("multiline", "False", "True"): ("risky", "compatible", "a stray quote spoils the lines after it, too"),
    ("multiline", "True", "False"): ("breaking", "compatible", "records over several lines are refused"),
}  # fmt: skip


def changes(base: Side, head: Side, *, layer: str) -> Iterator[Change]:
    """Yield every change of the table apart from its columns."""
    yield from _key(base, head)
    yield from _partitions(base, head, hive=layer == "bronze")
    yield from values.rules(
        base.table.get("quality") or [], head.table.get("quality") or [], "table", _TABLE, ()
    )
    yield from _custom(base.custom, head.custom, layer=layer)
    old, new = base.table, head.table
    for key, code, why in (
        ("physicalType", "kind-changed", "the rows stay the same, costs and grants do not"),
        (
            "dataGranularityDescription",
            "grain-changed",
            "say whether the rows themselves mean something else",
        ),
    ):
        if _text(old.get(key)) != _text(new.get(key)):
            difference = Difference(f"table.{key}", old.get(key), new.get(key), (*_TABLE, key))
            message = f"{key} is {_text(new.get(key))!r} instead of {_text(old.get(key))!r}: {why}"
            yield difference.judged(code, message, producers="risky", consumers="risky")
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        difference = Difference(f"table.{key}", old.get(key), new.get(key), (*_TABLE, key))
        yield difference.words() if key in _WORDS else difference.unjudged()


def _key(base: Side, head: Side) -> Iterator[Change]:
    old, new = (
        _numbered(side.having("primaryKey"), "primaryKey", "primaryKeyPosition") for side in (base, head)
    )
    if old == new:
        return
    difference = Difference("key", old, new, (*_TABLE, "properties"), tuple(dict.fromkeys((*old, *new))))
    if set(old) == set(new):
        message = f"the key's columns change places, now {', '.join(new)}: texts built from the key change"
        yield replace(difference, columns=tuple(new)).judged("key-order", message, consumers="risky")
        return
    if _only_renamed(base, head, old, new):
        return
    message = (
        f"the key is {', '.join(new) or 'gone'} instead of {', '.join(old)}: a row means something "
        "else, and joins multiply or lose rows"
    )
    yield difference.judged("key-changed", message, producers="breaking", consumers="breaking")


def _only_renamed(base: Side, head: Side, old: list[str], new: list[str]) -> bool:
    """Whether the key differs only in the names of its columns, which is a finding of its own."""
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
    was, now = (", ".join(names) or "nothing" for names in (old, new))
    if hive:
        producers: Verdict = "breaking"
        consumers: Verdict = "breaking"
        why = "existing partitions do not have these folders; write a new table"
    else:
        producers, consumers = "risky", "risky" if old else "compatible"
        why = "old files keep their layout until they are rewritten, and queries may prune nothing any more"
    message = f"partitioned by {now} instead of {was}: {why}"
    difference = Difference("partitioning", old, new, (*_TABLE, "properties"))
    yield difference.judged("partitioning-changed", message, producers=producers, consumers=consumers)


def _numbered(columns: Mapping[str, Mapping[str, Any]], flag: str, position: str) -> list[str]:
    marked = {name: column.get(position) or 0 for name, column in columns.items() if column.get(flag) is True}
    return sorted(marked, key=lambda name: marked[name])


def _custom(old: Mapping[str, object], new: Mapping[str, object], *, layer: str) -> Iterator[Change]:
    for key in {**old, **new}:
        was, now = old.get(key), new.get(key)
        difference = Difference(f"table.{key}", was, now, _CUSTOM)
        if layer == "bronze":
            yield from _parsing(key, was, now)
        elif was == now:
            continue
        elif key == "liveView":
            gone = was is not None
            message = f"the live view is {now or 'gone'} instead of {was}: readers were told to use it"
            message = message if gone else f"a live view {now} is added"
            verdict: Verdict = "breaking" if gone else "compatible"
            yield difference.judged("view-changed", message, consumers=verdict, addition=not gone)
        elif key in ("stateTable", "bronze"):
            message = (
                f"{key} is {now} instead of {was}: the state starts empty and is built again from bronze"
            )
            yield difference.judged("state-changed", message, producers="risky")
        else:
            yield difference.unjudged()


def _parsing(key: str, was: object, now: object) -> Iterator[Change]:
    was, now = (value if value is not None else DEFAULTS.get(key) for value in (was, now))
    if was == now:
        return
    producers, consumers, why = _read_otherwise(key, was, now)
    yield Difference(f"table.{key}", was, now, _CUSTOM).judged(
        "parsing-changed",
        f"{key} is {now} instead of {was}: {why}",
        producers=producers,
        consumers=consumers,
        addition=(key, now) == ("unknownKeys", "evolve"),
    )


def _read_otherwise(key: str, was: object, now: object) -> tuple[Verdict, Verdict, str]:
    """Judge a change of a parser setting for producers and consumers, with the reason."""
    if key == "position":
        return "breaking", "breaking", "new positions do not compare with those in state; start a new epoch"
    if isinstance(was, int | float) and isinstance(now, int | float):
        if key in _TOLERANCES and now > was:
            return "compatible", "risky", "worse files are published"
        if key in _TOLERANCES:
            return "risky", "compatible", "files that were published are refused as a whole"
        if key in _CAPS and now > was:
            return "compatible", "compatible", "more is read"
        if key in _CAPS:
            return "risky", "compatible", "less is read"
    return _POLICIES.get((key, str(was), str(now)), ("breaking", "risky", "files are read differently"))


def _text(value: object) -> str:
    return re.sub(r"\s+", " ", str(value or "")).strip()
