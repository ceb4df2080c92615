"""Publish written batches, one number at a time, so that readers see all of a batch or none.

The head of a table says `published N`, or `publishing N + 1` with an intent that holds everything to be done.
The decision is one write on the batch: from `written` to `published N + 1`, under its epoch. Whoever finds
an intent completes it, or withdraws it if the batch has changed; nobody starts another one before that.
"""

from dataclasses import replace
from datetime import UTC

from control import tally
from control.errors import ConflictError, StaleEpochError
from control.ingest import claim
from control.ingest.catalog import columns_of
from control.ingest.tables import BronzeTable
from control.model import Batch, Head, Intent, Partition
from control.orders import Manifest, attempt_of
from control.partitions import manifest_of, partition_of
from control.ports import CatalogTable, Parts


def publish(written: Batch, table: BronzeTable, parts: Parts) -> Batch:
    """Give `written` the next number of its table and make it visible.

    Anyone may call this again after an interruption. A batch whose tokens were made with another key than the
    table's becomes pending again instead. Raises StaleEpochError if it was taken over.
    """
    manifest = manifest_of(written, parts)
    while True:
        head = settle(written.table, parts)
        batch = parts.store.get(Batch, written.table, written.batch_id)
        if batch is None or batch.epoch != written.epoch or batch.state not in ("written", "published"):
            raise StaleEpochError(f"batch {written.batch_id} was taken over from epoch {written.epoch}")
        if batch.state == "published":
            return batch
        if not _fits(batch, head):
            parts.say("batch.rekeyed", {"table": batch.table, "batch": batch.batch_id})
            return claim.write(batch, claim.reset(batch), parts)
        intent = _intent(batch, head, table, manifest, parts)
        coming = tally.after(head, batch, intent.number, intent.decided_at, parts)
        key = batch.token_key or head.token_key
        try:
            # The pass has brought the catalog's tables to these columns.
            wanted = replace(head, intent=intent, coming=coming, columns=columns_of(table), token_key=key)
            parts.store.update(head, wanted)
        except ConflictError:
            continue  # another publisher was faster: settle its intent, then try again


def settle(table: str, parts: Parts) -> Head:
    """Complete an open intent, or withdraw it if its batch has changed; returns the head without intent."""
    while True:
        head = parts.store.get(Head, table, table)
        if head is None:
            parts.store.create(Head(table))
            continue
        if head.intent is None:
            return head
        if _decide(table, head.intent, parts):
            for partition in head.intent.partitions:
                parts.catalog.add_partition(partition)
            wanted = replace(head, number=head.intent.number, tally=head.coming)
        else:
            wanted = head
        try:
            return parts.store.update(head, replace(wanted, intent=None, coming=None))
        except ConflictError:
            continue  # another worker has settled it


def _decide(table: str, intent: Intent, parts: Parts) -> bool:
    """Publish the batch under the intent's epoch; returns whether it has the intent's number then.

    A batch that has left `written` never returns to it under the same epoch, so all workers get the same
    answer.
    """
    while True:
        batch = parts.store.get(Batch, table, intent.batch_id)
        if batch is None or (batch.state, batch.epoch) != ("written", intent.epoch):
            return batch is not None and (batch.state, batch.number) == ("published", intent.number)
        wanted = replace(
            batch,
            state="published",
            number=intent.number,
            ingest_date=intent.ingest_date,
            published_at=intent.decided_at,
        )
        try:
            parts.store.update(batch, wanted)
        except ConflictError:
            continue
        return True


def _fits(batch: Batch, head: Head) -> bool:
    """Whether the tokens of `batch` were made with the key of the table.

    The key of a batch that an older version of this code has written is unknown, and accepted.
    """
    if batch.token_key is None or head.token_key is None:
        return True
    return (batch.token_key, batch.rekeyed) == (head.token_key, head.rekeyed)


def _intent(batch: Batch, head: Head, table: BronzeTable, manifest: Manifest, parts: Parts) -> Intent:
    """Return everything that publishing `batch` after `head` will do; events become visible before rows."""
    now = parts.clock.now().astimezone(UTC)
    coming = replace(batch, number=head.number + 1, ingest_date=now.date().isoformat())
    attempt = attempt_of(batch, parts.settings.bucket)

    def partition(where: CatalogTable, folder: str, count: int) -> Partition:
        return partition_of(
            coming, manifest, database=where.database, table=where.name, folder=folder, rows=count
        )

    rows = partition(table.rows, attempt.bronze, manifest.totals.rows)
    events = partition(table.events, attempt.events, manifest.totals.control)
    return Intent(
        number=head.number + 1,
        batch_id=batch.batch_id,
        epoch=batch.epoch,
        ingest_date=coming.ingest_date,
        decided_at=now,
        manifest_digest=batch.manifest_digest,
        partitions=(events, rows) if manifest.totals.control else (rows,),
    )
