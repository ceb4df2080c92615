"""What was seen to happen after a change of a contract, and whom it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Side = Literal["producers", "consumers", "either"]
Weight = Literal["risky", "breaking"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that went otherwise than before: for whom, how bad it is, and the row that shows it.

    `kind` is what happened in a word, `columns` where. What concerns `either` must be told to one of the two.
    """

    side: Side
    weight: Weight
    kind: str
    what: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen, once of each kind and column; `shown` says which contracts had any row at all."""

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
    """Whoever reads by position finds another column that was there before."""
    for at, name in enumerate(before[: len(after)]):
        if after[at] != name and name in after:
            yield Seen("consumers", "risky", "place", f"{name} is no longer column {at}")
