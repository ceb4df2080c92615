"""Sweep: remove what attempts left behind that were abandoned and can never be published."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from control.errors import ConflictError
from control.model import Batch
from control.ports import Parts

# Papers last: as long as they are there, a sweep that was interrupted finds the attempt again.
FOLDERS = ("bronze/{}/", "bronze/{}_events/", "quarantine/{}/", "attempts/{}/")
ATTEMPT = re.compile(r"(?P<batch>[0-9a-f]{20})-e(?P<epoch>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An attempt that nobody will ever publish: its objects in the order in which they are removed."""

    table: str
    attempt: str
    objects: tuple[str, ...]
    size_bytes: int
    newest: datetime


@dataclass(slots=True)
class _Found:
    objects: list[str]
    size_bytes: int
    newest: datetime


def abandoned(table: str, older_than: timedelta, parts: Parts) -> Iterator[Abandoned]:
    """The attempts on `table` whose newest object is older than `older_than` and that no batch refers to."""
    limit = parts.clock.now() - older_than
    for name, found in sorted(_attempts(table, parts).items()):
        if found.newest <= limit and not _is_referred_to(table, name, parts):
            yield Abandoned(table, name, tuple(found.objects), found.size_bytes, found.newest)


def sweep(left: Abandoned, parts: Parts) -> bool:
    """Remove an abandoned attempt; False when its batch has just been changed by another worker.

    Where the batch still has the attempt's epoch, the epoch is raised first: from then on nobody can publish
    the attempt, not even a worker that only slept.
    """
    batch_id, epoch = _parts_of(left.attempt)
    batch = parts.store.get(Batch, left.table, batch_id)
    if batch is None or _keeps(batch, epoch):
        return False
    if batch.epoch == epoch and batch.needs_work:
        try:
            parts.store.update(batch, replace(batch, epoch=epoch + 1))
        except ConflictError:
            return False
    parts.objects.delete(left.objects)
    return True


def _attempts(table: str, parts: Parts) -> dict[str, _Found]:
    attempts: dict[str, _Found] = {}
    for folder in FOLDERS:
        root = f"s3://{parts.settings.bucket}/{folder.format(table)}"
        for stored in parts.objects.list(root):
            name = stored.uri.removeprefix(root).partition("/")[0]
            if stored.is_latest and ATTEMPT.fullmatch(name):
                found = attempts.setdefault(name, _Found([], 0, stored.modified_at))
                found.objects.append(stored.uri)
                found.size_bytes += stored.size_bytes
                found.newest = max(found.newest, stored.modified_at)
    return attempts


def _is_referred_to(table: str, attempt: str, parts: Parts) -> bool:
    batch_id, epoch = _parts_of(attempt)
    batch = parts.store.get(Batch, table, batch_id)
    # Of a batch that the store does not know, nothing is known: hands off.
    return batch is None or _keeps(batch, epoch)


def _keeps(batch: Batch, epoch: int) -> bool:
    """Does `batch` refer to its attempt of that epoch, now or as soon as its worker is done?"""
    return batch.epoch < epoch or (
        batch.epoch == epoch and batch.state in ("claimed", "written", "published", "failed")
    )


def _parts_of(attempt: str) -> tuple[str, int]:
    match = ATTEMPT.fullmatch(attempt)
    if match is None:
        raise ValueError(f"{attempt} is no name of an attempt")
    return match["batch"], int(match["epoch"])
