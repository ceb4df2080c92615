"""Publish written batches, one number at a time, so that readers see all of a batch or none.

The head of a table holds `published N`, or `publishing N + 1` with an intent that says all there is to do.
The decision is one write on the batch: from `written` to `published N + 1`, under its epoch. Whoever finds
an intent finishes it, or withdraws it when the batch has moved on; nobody starts another before that.
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

    Safe to call again after any interruption, and by anyone. A batch whose tokens were made with another key
    than the table's is pending again instead. Raises StaleEpochError when it was taken over.
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
            return claim.write(batch, claim.anew(batch), parts)
        intent = _intent(batch, head, table, manifest, parts)
        coming = tally.after(head, batch, intent.number, intent.decided_at, parts)
        key = batch.token_key or head.token_key
        try:
            # The pass has brought the catalog's tables to these columns.
            wanted = replace(head, intent=intent, coming=coming, columns=columns_of(table), token_key=key)
            parts.store.update(head, wanted)
        except ConflictError:
            continue  # another publisher was faster: settle what it intends, then try again


def settle(table: str, parts: Parts) -> Head:
    """Roll an open intent forward, or withdraw it when its batch has moved on; give the free head."""
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
    """Publish the batch under the intent's epoch; is it published with the intent's number?

    A batch that has left `written` never comes back to it under the same epoch, so every worker that asks
    gets the same answer.
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
    """Were the tokens of `batch` made with the key of the table?

    Those of a batch that an older version of this code has written are not known, and taken.
    """
    if batch.token_key is None or head.token_key is None:
        return True
    return (batch.token_key, batch.rekeyed) == (head.token_key, head.rekeyed)


def _intent(batch: Batch, head: Head, table: BronzeTable, manifest: Manifest, parts: Parts) -> Intent:
    """All that publishing `batch` after `head` will do. Events first: they are there when the rows appear."""
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
