"""Claim a batch, keep it, give it back, split it: each one conditional write that names its epoch.

A lease that has run out only invites another worker to claim. What fences the old one off is the epoch, which
each claim raises: its writes no longer count, not even those that report an error.
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

# No lease and no wait for another try is so long: a moment further ahead is of a clock that was wrong.
FAR_AHEAD = timedelta(hours=1)


def free_at(batch: Batch, now: datetime, rules: Rules) -> datetime | None:
    """From when on anyone may claim `batch`, who has it `now`; None when it is nothing to claim."""
    if batch.state not in ("pending", "claimed"):
        return None
    at = batch.lease_expires_at or batch.not_before or batch.created_at
    return now if at - now > max(FAR_AHEAD, 2 * timedelta(seconds=rules.lease_seconds)) else at


def take(
    batch: Batch, owner: str, parts: Parts, rules: Rules, engine: EngineName | None = None
) -> Batch | None:
    """Claim `batch` for `owner`; or, when its attempts are used up, mark it `splitting` or `failed`.

    Gives the batch as it is then, None when another worker was faster. `owner` is unique to the claim, so
    that a lost response and a lost race are not mistaken for one another. `engine` overrules the planned one.
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
    """Change a batch that this worker holds. Raises StaleEpochError when it holds it no longer."""
    try:
        return parts.store.update(held, wanted)
    except ConflictError as error:
        raise StaleEpochError(f"batch {held.batch_id} was taken over from epoch {held.epoch}") from error


def anew(batch: Batch) -> Batch:
    """The batch as if it had never been tried.

    Its epoch rises, so that nobody who still holds an older view of it can end it once more.
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
    """A function for an engine to call often: renews the lease of `held` once half of it is gone.

    It raises StaleEpochError when the batch was taken over, so that a zombie stops early.
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
    """Return a claimed batch for another try; unless the attempt `counts`, it is not held against it.

    Raises StaleEpochError when it was taken over.
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
    """Give each file of a `splitting` batch to a batch of its own, then close it; anyone may, again too."""
    children = []
    for file_id in batch.file_ids:
        file = parts.store.get(RawFile, batch.table, file_id)
        # A file without a batch is this one's too: its planner died before it said so. Left to the planner,
        # it would find its way back into this batch, which is closed by then.
        if file is not None and file.batch_id in (None, batch.batch_id):
            child = plan.new_batch([file], batch.engine, parts, parent=batch.batch_id)
            plan.assign(file, child, parts)
            children.append(child)
    with suppress(ConflictError):  # another worker has just closed it
        parts.store.update(batch, replace(batch, state="split"))
    return tuple(children)
