"""Redrive: give a failed batch a new round of attempts, on the normal path."""

from contextlib import suppress
from dataclasses import replace

from control import audit
from control.errors import ConflictError, UsageError
from control.ingest import claim
from control.model import Batch, RawFile
from control.ports import Parts


def redrive(failed: Batch, reason: str, parts: Parts) -> Batch:
    """Make a failed batch pending again, as if it had never been tried, and return it.

    Waivers of its files are withdrawn. Raises UsageError if it is not failed (any more) or there is no
    reason.
    """
    if failed.state != "failed":
        raise UsageError(
            f"batch {failed.batch_id} of {failed.table} is {failed.state}, not failed",
            hint="only what failed can be redriven; `dm files list --state failed` shows it",
        )
    audit.record("redrive", failed.table, failed.file_ids, reason, parts)
    for file in parts.store.get_many(RawFile, failed.table, failed.file_ids).values():
        if file.waived == failed.batch_id:
            with suppress(ConflictError):  # another process has just redriven it
                parts.store.update(file, replace(file, waived=""))
    seen: Batch | None = failed
    # A batch that was marked as told meanwhile is still the same failure.
    while seen is not None and replace(seen, told=failed.told) == failed:
        try:
            return parts.store.update(seen, claim.reset(seen))
        except ConflictError:
            seen = parts.store.get(Batch, failed.table, failed.batch_id)
    raise UsageError(f"batch {failed.batch_id} of {failed.table} was just changed by another process")
