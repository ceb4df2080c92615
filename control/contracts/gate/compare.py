"""Compare the meaning of two versions of one contract."""

from dataclasses import replace

from control.contracts.gate import columns, header, lifetime, tables
from control.contracts.gate.change import Change
from control.contracts.gate.side import Side


def compare(base: Side, head: Side, *, layer: str) -> list[Change]:
    """Return every difference in meaning between `base` and `head`, judged for producers and for consumers.

    A different layout of the file is no change. A contract that is not active yet promises nothing, so its
    changes are at most risky.
    """
    found = [
        *header.changes(base, head),
        *lifetime.changes(base, head, personal=_personal(base) or _personal(head)),
        *tables.changes(base, head, layer=layer),
        *columns.changes(base, head, bronze=layer == "bronze"),
    ]
    if base.data.get("status") in ("proposed", "draft"):
        return [_at_most_risky(change) for change in found]
    return found


def _personal(side: Side) -> bool:
    return any(column["classification"] == "personal" for column in side.having("classification").values())


def _at_most_risky(change: Change) -> Change:
    if change.needs_waiver:
        return change
    return replace(
        change,
        producers="risky" if change.producers == "breaking" else change.producers,
        consumers="risky" if change.consumers == "breaking" else change.consumers,
    )
