"""One change of a contract, and what it means for the table's producers and consumers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from control.contracts.source import Path

Verdict = Literal["compatible", "risky", "breaking"]
Bump = Literal["none", "minor", "major"]
VERDICTS: tuple[Verdict, ...] = ("compatible", "risky", "breaking")
_RANKS = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
BUMPS: tuple[Bump, ...] = ("none", "minor", "major")
# Ends messages about rules of silver and gold that got stricter.
RECONCILE = "dm reconcile shows published rows that break it"
# Ends messages about changes of a bronze table at which `control.column_types.check` will stop ingestion.
LACKS = "Ingestion stops at a bronze table that has a column more than its contract"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a contract, with a verdict for producers and for consumers.

    `path` is for people (`columns.price.physicalType`), `place` is its place in the new file. `columns` are
    the columns concerned, empty for the table as a whole. An `addition` offers something new.
    `needs_waiver` marks a change that no new version permits.
    """

    code: str
    path: str
    before: object
    after: object
    message: str
    producers: Verdict = "compatible"
    consumers: Verdict = "compatible"
    columns: tuple[str, ...] = ()
    place: Path = ()
    addition: bool = False
    needs_waiver: bool = False

    @property
    def severity(self) -> Verdict:
        """The worse of the two verdicts."""
        return max(self.producers, self.consumers, key=_RANKS.__getitem__)

    @property
    def bump(self) -> Bump:
        """The smallest version bump that the change needs."""
        if self.severity == "breaking":
            return "major"
        return "minor" if self.severity == "risky" or self.addition else "none"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of `verdicts`, compatible when there are none."""
    return max(verdicts, key=_RANKS.__getitem__, default="compatible")


def greatest(bumps: Sequence[Bump]) -> Bump:
    """Return the greatest of `bumps`, none when there are none."""
    return max(bumps, key=BUMPS.index, default="none")


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two versions of a contract, not judged yet. The fields are those of `Change`."""

    path: str
    before: object
    after: object
    place: Path = ()
    columns: tuple[str, ...] = ()

    def judged(
        self,
        code: str,
        message: str,
        *,
        producers: Verdict = "compatible",
        consumers: Verdict = "compatible",
        addition: bool = False,
        needs_waiver: bool = False,
    ) -> Change:
        """Return the difference with a verdict."""
        return Change(
            code, self.path, self.before, self.after, message, producers, consumers,
            self.columns, self.place, addition, needs_waiver,
        )  # fmt: skip

    def words(self) -> Change:
        """Judge a difference in text for people, which no program reads or checks."""
        return self.judged(
            "words-changed", f"{self.path} is worded differently: no reader or writer depends on it"
        )

    def unjudged(self) -> Change:
        """Judge a difference that no rule covers: both sides should look at it."""
        message = f"{self.path} changes: no rule covers this, so producers and consumers should look at it"
        return self.judged("unjudged", message, producers="risky", consumers="risky")
