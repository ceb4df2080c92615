"""Judge changes of a column's type: Iceberg's promotions, and all other changes."""

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from control import column_types
from control.contracts import hive
from control.contracts.gate.change import Verdict, worst

# Iceberg's promotions that Athena supports, except for decimals, as in the macro `is_wider` (ADR 20).
_PROMOTIONS = (("int", "bigint"), ("float", "double"))
_NESTED = ("array", "map", "struct")
_SAME = {"integer": "int", "long": "bigint", "real": "float", "bool": "boolean", "text": "string"}


@dataclass(frozen=True, slots=True)
class TypeChange:
    """The verdict on a type change; `reason` completes the sentence `x becomes y: `."""

    producers: Verdict
    consumers: Verdict
    reason: str
    addition: bool = False


_WIDER = TypeChange(
    "compatible", "compatible", "Iceberg widens it in place, and every old value stays the same"
)
_OTHER = TypeChange(
    "breaking", "breaking", "Iceberg has no such promotion, so it needs a new column or a new table"
)
_WIDER_IN_BRONZE = TypeChange(
    "compatible", "compatible", "ingestion widens the table in place, and Athena reads older files as bigint"
)
_OTHER_IN_BRONZE = TypeChange(
    "breaking",
    "breaking",
    "files keep the type that they were written with, and Athena can read only int as another type, bigint. "
    "Ingestion stops at a bronze table whose column has another type: drop the table from the catalog and "
    "replay its batches",
)


@functools.cache
def normal(text: str) -> str:
    """Return the type in one spelling: lower case, no spaces, no synonyms."""
    plain = re.sub(r"\s+", "", text).lower()
    return re.sub(r"[a-z_][a-z0-9_]*(?!:)\b", lambda m: _SAME.get(m[0], m[0]), plain)


def compare(before: str, after: str) -> TypeChange | None:
    """Judge that a column of type `before` gets the type `after`; None when they are the same."""
    found = _within(before, after)
    if found is None or found.producers == "breaking" or _parts(normal(before))[0] not in _NESTED:
        return found
    reason = f"{found.reason}; Athena cannot change a nested column in place, so builds stop: use a new name"
    return TypeChange("breaking", found.consumers, reason)


@functools.cache
def _within(before: str, after: str) -> TypeChange | None:
    """Judge a type change at any depth of a nested type, by Iceberg's rules."""
    before, after = normal(before), normal(after)
    if before == after:
        return None
    name, arguments = _parts(before)
    other, wanted = _parts(after)
    if name == other == "decimal":
        return _decimal(arguments, wanted)
    if name == other and name in _NESTED:
        return _nested(name, arguments, wanted)
    if (before, after) in _PROMOTIONS:
        return _WIDER
    return _text(before, after) or _OTHER


def is_whole(kind: str) -> bool:
    """Whether the type holds whole numbers only."""
    name, arguments = _parts(normal(kind))
    return name.endswith("int") or (name == "decimal" and arguments.endswith(",0"))


def in_bronze(before: str, after: str) -> TypeChange | None:
    """Judge a type change in a bronze table, which is not an Iceberg table: its files keep their types."""
    before, after = normal(before), normal(after)
    if before == after:
        return None
    return _WIDER_IN_BRONZE if column_types.is_wider(before, after) else _OTHER_IN_BRONZE


def _decimal(before: str, after: str) -> TypeChange:
    (precision, scale), (wider, other) = (
        [int(n) for n in (text or "10,0").split(",")] if "," in text else [int(text or 10), 0]
        for text in (before, after)
    )
    if scale == other and wider >= precision:
        return _WIDER
    what = "its scale" if scale != other else "digits that values may need"
    return TypeChange("breaking", "breaking", f"it changes {what}, which Iceberg refuses")


def _text(before: str, after: str) -> TypeChange | None:
    name, length = _parts(before)
    other, limit = _parts(after)
    texts = ("string", "varchar", "char")
    if name not in texts or other not in texts:
        return None
    fits = _room(limit) >= _room(length)
    if "char" in (name, other):
        reason = "trailing blanks change, and so do rules and comparisons on them"
        return TypeChange("risky" if fits else "breaking", "risky", reason)
    return _WIDER if fits else TypeChange("breaking", "compatible", "longer texts no longer fit")


def _room(length: str) -> float:
    """Return how many characters a text may have, by its type's length."""
    return int(length) if length else math.inf


def _nested(name: str, before: str, after: str) -> TypeChange:
    old, new = hive.split(before), hive.split(after)
    if name == "struct":
        return _struct(dict(_field(f) for f in old), dict(_field(f) for f in new))
    if name == "map" and old[0] != new[0]:
        return TypeChange("breaking", "breaking", "Iceberg never changes the keys of a map")
    return _within(old[-1], new[-1]) or _OTHER


def _struct(old: dict[str, str], new: dict[str, str]) -> TypeChange:
    found = list(_fields(old, new))
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        found.append(TypeChange("compatible", "risky", "its fields change places"))
    added = [name for name in new if name not in old]
    if added:
        found.append(TypeChange("compatible", "compatible", f"it gains {', '.join(added)}", addition=True))
    return TypeChange(
        worst([f.producers for f in found]),
        worst([f.consumers for f in found]),
        "; ".join(dict.fromkeys(f.reason for f in found)),
        any(f.addition for f in found),
    )


def _fields(old: dict[str, str], new: dict[str, str]) -> Iterator[TypeChange]:
    for name, kind in old.items():
        if name not in new:
            yield TypeChange("compatible", "breaking", f"its field {name} is gone")
        elif found := _within(kind, new[name]):
            reason = f"its field {name} becomes {new[name]}, {found.reason}"
            yield TypeChange(found.producers, found.consumers, reason, found.addition)


def _field(text: str) -> tuple[str, str]:
    name, _, kind = text.partition(":")
    return name, kind


def _parts(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"([a-z_0-9]+)(?:[(<](.*)[)>])?", text)
    return (found[1], found[2] or "") if found else (text, "")
