"""The Glue partition that makes a published batch visible, and the sealed manifest that it is derived from.

Publishing registers it; retention registers the same one again when a batch that was let go is needed again.
"""

from control.errors import NotFoundError, UpstreamError
from control.model import Batch, Partition
from control.orders import Manifest, attempt_of
from control.ports import Parts
from control.serialization import digest, from_json


def partition_of(
    batch: Batch, manifest: Manifest, *, database: str, table: str, folder: str, rows: int
) -> Partition:
    """The partition of `database.table` that shows the `rows` rows in `folder` of a batch with a number."""
    return Partition(
        database=database,
        table=table,
        values=values_of(batch),
        location=f"{folder}/",
        parameters={
            "attempt": folder.rpartition("/")[2],
            "contract_version": manifest.contract_version,
            "manifest_digest": batch.manifest_digest,
            "rows": str(rows),
        },
    )


def values_of(batch: Batch) -> tuple[str, str]:
    """The values of its partition keys: the day on which it was published, and its number."""
    return batch.ingest_date, str(batch.number)


def manifest_of(batch: Batch, parts: Parts) -> Manifest:
    """Read the manifest that was sealed when `batch` was written.

    Raises UpstreamError if it is gone or was changed.
    """
    uri = attempt_of(batch, parts.settings.bucket).document("manifest.json")
    try:
        sealed = parts.objects.get(uri)
    except NotFoundError as error:
        raise UpstreamError(f"{uri} is gone, and with it the record of what the batch holds") from error
    if digest(sealed) != batch.manifest_digest:
        raise UpstreamError(
            f"{uri} is not what was sealed", hint="someone else writes to the lake: find out who"
        )
    return from_json(Manifest, sealed, uri)
