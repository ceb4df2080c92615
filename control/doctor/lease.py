"""Whether the writer lease of dbt is held by a build that is still alive."""

from control.errors import UpstreamError
from control.model import Finding
from control.ports import Query

# As macros/lease/lease_seconds.sql has it for AWS: longer than any statement of Athena may take.
PATIENCE_SECONDS = 2400


def examine(query: Query, prefix: str, patience: int = PATIENCE_SECONDS) -> list[Finding]:
    """A warning when the lease's holder has been silent for more than `patience` seconds.

    Raises UpstreamError when Athena cannot answer, except that there is no lease yet.
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
            f"build {holder} of {who} has held it without a sign of life for {silent} seconds: it is dead."
            f" The next dbt build takes it over and drops what that one left behind{_sooner(holder)}",
        )
        for holder, who, silent in rows
        if int(silent) > patience
    ]


def _sooner(holder: str) -> str:
    if holder.startswith("maintenance-"):
        return ""
    return f"; dm maintain free {holder.removeprefix('freed-')} frees it now"
