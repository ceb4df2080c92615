"""What was observed after a change of a contract, and whom it affects."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Side = Literal["producers", "consumers", "either"]
Weight = Literal["risky", "breaking"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An observed difference: whom it affects, how bad it is, and the row that shows it.

    `kind` is what happened, in one word; `columns` is where. A difference that affects `either` must be
    reported to one of the two sides.
    """

    side: Side
    weight: Weight
    kind: str
    what: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All differences, one per kind and columns. `shown` tells which of the two contracts had any rows."""

    seen: tuple[Seen, ...]
    shown: tuple[bool, bool] = (True, True)

    @classmethod
    def of(cls, seen: Iterable[Seen], shown: tuple[bool, bool] = (True, True)) -> "Evidence":
        found: dict[tuple[object, ...], Seen] = {}
        for one in seen:
            found.setdefault((one.side, one.weight, one.kind, one.columns), one)
        return cls(tuple(found.values()), shown)

    def about(self, side: str) -> list[Seen]:
        return [one for one in self.seen if one.side in (side, "either")]


def of_order(before: list[str], after: list[str]) -> Iterable[Seen]:
    """Yield the columns that a reader by position finds in another place."""
    for at, name in enumerate(before[: len(after)]):
        if after[at] != name and name in after:
            yield Seen("consumers", "risky", "place", f"{name} is no longer column {at}")
