"""Claim a batch, keep it, give it back, split it: each is one conditional write that names its epoch.

An expired lease only invites other workers to claim. The old worker is fenced off by the epoch, which each
claim raises: its writes no longer count, not even those that report an error.
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from control.errors import ConflictError, StaleEpochError
from control.ingest import plan
from control.ingest.rules import Rules
from control.model import Batch, EngineName, RawFile
from control.ports import Parts

# No lease and no retry delay is this long: a time further ahead comes from a wrong clock.
FAR_AHEAD = timedelta(hours=1)


def free_at(batch: Batch, now: datetime, rules: Rules) -> datetime | None:
    """Return the time from which anyone may claim `batch`; None if it cannot be claimed."""
    if batch.state not in ("pending", "claimed"):
        return None
    at = batch.lease_expires_at or batch.not_before or batch.created_at
    return now if at - now > max(FAR_AHEAD, 2 * timedelta(seconds=rules.lease_seconds)) else at


def take(
    batch: Batch, owner: str, parts: Parts, rules: Rules, engine: EngineName | None = None
) -> Batch | None:
    """Claim `batch` for `owner`; if its attempts are used up, mark it `splitting` or `failed` instead.

    Returns the changed batch, None if another worker was faster. `owner` is unique to the claim, so that a
    lost response is not mistaken for a lost race. `engine` overrides the planned one.
    """
    now = parts.clock.now()
    if batch.attempts >= rules.split_after and len(batch.file_ids) > 1:
        wanted = replace(batch, state="splitting", owner=owner, lease_expires_at=None)
    elif batch.attempts >= rules.max_attempts:
        error = batch.error or "its workers vanished"
        wanted = replace(batch, state="failed", owner=owner, lease_expires_at=None, error=error)
    else:
        wanted = replace(
            batch,
            state="claimed",
            epoch=batch.epoch + 1,
            attempts=batch.attempts + 1,
            owner=owner,
            engine=engine or batch.engine,
            lease_expires_at=now + timedelta(seconds=rules.lease_seconds),
            not_before=None,
        )
    try:
        return parts.store.update(batch, wanted)
    except ConflictError:
        return None


def write(held: Batch, wanted: Batch, parts: Parts) -> Batch:
    """Change a batch that this worker holds. Raises StaleEpochError if it no longer holds it."""
    try:
        return parts.store.update(held, wanted)
    except ConflictError as error:
        raise StaleEpochError(f"batch {held.batch_id} was taken over from epoch {held.epoch}") from error


def reset(batch: Batch) -> Batch:
    """Return the batch as if it had never been tried.

    Its epoch rises, so that a worker with an older view of it cannot finish it.
    """
    return replace(
        batch,
        state="pending",
        epoch=batch.epoch + 1,
        attempts=0,
        owner="",
        lease_expires_at=None,
        not_before=None,
        error="",
        counts=(),
        events=None,
        manifest_digest="",
        told=False,
        token_key=None,
        rekeyed=None,
    )


def heartbeat(held: Batch, parts: Parts, rules: Rules) -> Callable[[], None]:
    """Return a function for an engine to call often: it renews the lease of `held` after half of its time.

    The function raises StaleEpochError if the batch was taken over, so that a zombie stops early.
    """
    due = parts.clock.now() + timedelta(seconds=rules.lease_seconds / 2)

    def beat() -> None:
        nonlocal due
        now = parts.clock.now()
        if now >= due:
            lease = now + timedelta(seconds=rules.lease_seconds)
            write(held, replace(held, lease_expires_at=lease), parts)
            due = now + timedelta(seconds=rules.lease_seconds / 2)

    return beat


def give_back(held: Batch, error: str, parts: Parts, rules: Rules, *, counts: bool) -> Batch:
    """Return a claimed batch for another try; `counts` says whether this attempt counts against its limit.

    Raises StaleEpochError if it was taken over.
    """
    spread = 0.5 + zlib.crc32(f"{held.batch_id}{held.epoch}".encode()) / 2**33
    wait = rules.retry_seconds * 2 ** (held.attempts - 1) * spread if counts else 0.0
    wanted = replace(
        held,
        state="pending",
        attempts=held.attempts if counts else held.attempts - 1,
        lease_expires_at=None,
        not_before=parts.clock.now() + timedelta(seconds=wait),
        error=error,
    )
    return write(held, wanted, parts)


def split(batch: Batch, parts: Parts) -> tuple[Batch, ...]:
    """Give each file of a `splitting` batch a batch of its own, then close it. Anyone may repeat this."""
    children = []
    for file_id in batch.file_ids:
        file = parts.store.get(RawFile, batch.table, file_id)
        # A file without a batch also belongs here: its planner died before it assigned the file. Otherwise
        # the planner would put it into this batch again, which is closed by then.
        if file is not None and file.batch_id in (None, batch.batch_id):
            child = plan.new_batch([file], batch.engine, parts, parent=batch.batch_id)
            plan.assign(file, child, parts)
            children.append(child)
    with suppress(ConflictError):  # another worker has just closed it
        parts.store.update(batch, replace(batch, state="split"))
    return tuple(children)
