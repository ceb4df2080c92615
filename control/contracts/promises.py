"""Read the freshness, completeness and retention that the contracts of a folder promise."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from control.contracts import load
from control.contracts.model import Contract, Sla
from control.errors import ContractError

HOURS = {"h": 1, "d": 24, "y": 8760}
# Longer than any lake exists, and short enough to be added to a date.
_FOR_EVER = timedelta(days=365_000)


def of(folder: Path) -> dict[str, tuple[float | None, float | None]]:
    """Return hours of freshness and percent of completeness by table; None for what is not promised.

    A contract that cannot be read is skipped here: the lint and the ingestion report it.
    """
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        # Checking it against the standard would cost three times as much; the lint does that.
        with suppress(ContractError):
            contract = load.one(path)
            found[contract.table] = (freshness_hours(contract), _percent(contract.slas))
    return found


def kept(folder: Path) -> dict[str, timedelta]:
    """Return how long the contracts of `folder` promise to keep the batches of their tables.

    Raises ContractError when one cannot be read: what it promises to keep must not be deleted meanwhile.
    """
    found = {}
    for contract in map(load.one, sorted(folder.glob("*.yaml"))):
        hours = _hours(contract, "retention")
        if hours is not None:
            found[contract.table] = min(timedelta(hours=min(hours, 10**9)), _FOR_EVER)
    return found


def freshness_hours(contract: Contract) -> float | None:
    """Return the greatest age of the table's data that is promised, in hours; None when none is."""
    return _hours(contract, "freshness")


def _hours(contract: Contract, promise: str) -> float | None:
    return next((float(str(s.value)) * HOURS[s.unit] for s in contract.slas if _is_time(s, promise)), None)


def _is_time(sla: Sla, promise: str) -> bool:
    return sla.property == promise and sla.unit in HOURS and _is_number(sla.value)


def _percent(slas: Sequence[Sla]) -> float | None:
    listed = [s for s in slas if s.property == "completeness" and _is_number(s.value)]
    return next((float(str(s.value)) * (100 if s.unit == "ratio" else 1) for s in listed), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
