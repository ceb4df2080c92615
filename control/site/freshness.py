"""Judge whether a table is as fresh as its contract promises."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from control.contracts.model import Contract
from control.contracts.promises import freshness_hours
from control.site.model import Freshness, Live, Outcome

State = Literal["ok", "late", "unknown"]


def of(contract: Contract, builds: Sequence[Outcome], live: Live | None, now: datetime) -> Freshness:
    """Compare a table's last update with its promise.

    Bronze is judged by the control store, as in `dm status`: a waiting raw file counts, too. Other tables are
    as old as the oldest of their models' last successful builds.
    """
    promised = freshness_hours(contract)
    if live is not None:
        status = live.status
        age = max(status.lag_seconds, status.age_seconds or 0)
        updated = status.published_at
    else:
        ends = [b.finished_at for b in builds if b.finished_at and b.status == "success"]
        updated = min(ends, default=None)
        age = int((now - updated).total_seconds()) if updated else 0
    if updated is None or promised is None:
        return Freshness("unknown", updated, None if updated is None else age, promised)
    state: State = "late" if age > promised * 3600 else "ok"
    return Freshness(state, updated, age, promised)
