"""Check whether the writer lease of dbt is held by a dead build."""

from control.errors import UpstreamError
from control.model import Finding
from control.ports import Query

# The value of macros/lease/lease_seconds.sql for AWS: longer than any Athena statement can take.
PATIENCE_SECONDS = 2400


def examine(query: Query, prefix: str, patience: int = PATIENCE_SECONDS) -> list[Finding]:
    """Return a warning if the holder has not renewed the lease for more than `patience` seconds.

    Raises UpstreamError if Athena cannot answer; a missing lease table is fine.
    """
    table = f"{prefix}ops.lease"
    try:
        rows = query(
            "select holder, who, cast(to_unixtime(current_timestamp) as bigint) - renewed_at as silent"
            f" from {table} where holder <> ''"
        )
    except UpstreamError as error:
        if "TABLE_NOT_FOUND" in error.message or "SCHEMA_NOT_FOUND" in error.message:
            return []
        raise
    return [
        Finding(
            "stale-lease",
            "warning",
            table,
            f"build {holder} of {who} holds it but has not renewed it for {silent} seconds: it is dead."
            f" The next dbt build takes it over and drops what that one left behind{_sooner(holder)}",
        )
        for holder, who, silent in rows
        if int(silent) > patience
    ]


def _sooner(holder: str) -> str:
    if holder.startswith("maintenance-"):
        return ""
    return f"; dm maintain free {holder.removeprefix('freed-')} frees it now"
