"""Freshness and completeness, as the contracts of a folder promise them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from control.contracts import load
from control.contracts.model import Contract, Sla
from control.errors import ContractError

HOURS = {"h": 1, "d": 24, "y": 8760}


def of(folder: Path) -> dict[str, tuple[float | None, float | None]]:
    """Hours of freshness and percent of completeness by table; None for what is not promised.

    A contract that cannot be read promises nothing here: the lint and the ingestion say so.
    """
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        # What the standard says of the rest of it costs three times as much, and is the lint's.
        with suppress(ContractError):
            contract = load.one(path)
            found[contract.table] = (freshness_hours(contract), _percent(contract.slas))
    return found


def freshness_hours(contract: Contract) -> float | None:
    """The greatest age of the table's data, in hours; None when none is promised."""
    return next((float(str(s.value)) * HOURS[s.unit] for s in contract.slas if _is_freshness(s)), None)


def _is_freshness(sla: Sla) -> bool:
    return sla.property == "freshness" and sla.unit in HOURS and _is_number(sla.value)


def _percent(slas: Sequence[Sla]) -> float | None:
    listed = [s for s in slas if s.property == "completeness" and _is_number(s.value)]
    return next((float(str(s.value)) * (100 if s.unit == "ratio" else 1) for s in listed), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
