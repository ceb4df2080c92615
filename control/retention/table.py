"""Retention of one table: what is known of it, and the objects that a verdict is about."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from control.config import Settings
from control.errors import UpstreamError
from control.model import RAW, Batch, Partition, RawFile, Reload
from control.orders import attempt_of
from control.partitions import manifest_of, partition_of
from control.ports import Parts, Query, StoredObject, every
from control.retention.judge import Keep, Known, Verdict, judge

# URI and version of an object.
Place = tuple[str, str]
# Objects by the URI of a raw file or of an attempt's folder.
There = Mapping[str, Sequence[StoredObject]]
Readers = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Objects:
    """Number and bytes of a verdict's objects, and how many were let go or taken back just now.

    `returned` says that its rows were put back into the catalog just now, `missing` how many objects are gone
    without which they cannot be.
    """

    count: int
    size_bytes: int
    tagged: int = 0
    taken_back: int = 0
    returned: bool = False
    missing: int = 0


def offsets(query: Query, prefix: str) -> dict[str, dict[str, int]]:
    """The batch that each model has taken in, by bronze table; empty before the first build.

    Raises UpstreamError when Athena cannot answer.
    """
    try:
        rows = query(
            "select input, model, cast(max_by(batch, build) as varchar) as batch"
            f" from {prefix}ops.consumed where batch is not null group by input, model"
        )
    except UpstreamError as error:
        if "TABLE_NOT_FOUND" in error.message or "SCHEMA_NOT_FOUND" in error.message:
            return {}
        raise
    found: dict[str, dict[str, int]] = {}
    for name, model, batch in rows:
        found.setdefault(name, {})[model] = int(batch)
    return found


def known(table: str, readers: Sequence[str], consumed: Mapping[str, int], parts: Parts) -> Known:
    """All that is known of a table; a reader that has taken in nothing yet is at batch 0."""
    return Known(
        table,
        tuple(every(parts.store, RawFile, table)),
        tuple(every(parts.store, Batch, table)),
        tuple(every(parts.store, Reload, table)),
        {model: consumed.get(model, 0) for model in {*readers, *consumed}},
    )


def judged(
    names: Iterable[str], readers: Readers, query: Query, keep: Keep, parts: Parts
) -> Iterator[tuple[Known, list[Verdict]]]:
    """What is known of each table, and the verdicts on it. `readers` are the models that read each.

    Raises UpstreamError when Athena cannot answer.
    """
    tables, prefix = tuple(names), parts.settings.schema_prefix
    consumed = offsets(query, prefix) if tables else {}
    now = parts.clock.now()
    for name in tables:
        found = known(name, readers.get(name, ()), consumed.get(f"{prefix}bronze.{name}", {}), parts)
        yield found, list(judge(found, keep, now))


def measure(verdict: Verdict, there: There, parts: Parts) -> Objects:
    """How much a verdict is about."""
    sizes = [size for _, size in objects_of(verdict, there, parts)]
    return Objects(len(sizes), sum(sizes))


def there_of(table: str, parts: Parts) -> There:
    """What is still there, in three listings: most of what was ever published was deleted long ago.

    Only the newest version of an object: what was deleted or overwritten goes by a rule that knows no tags.
    """
    found: dict[str, list[StoredObject]] = {}
    for folder in (RAW, "bronze/", "quarantine/"):
        root = f"s3://{parts.settings.bucket}/{folder}{table}/"
        for stored in parts.objects.list(root):
            if stored.is_latest:
                attempt = f"{root}{stored.uri.removeprefix(root).partition('/')[0]}"
                found.setdefault(stored.uri if folder == RAW else attempt, []).append(stored)
    return found


def objects_of(verdict: Verdict, there: There, parts: Parts) -> Iterator[tuple[Place, int]]:
    """Place and bytes of each object that a verdict is about and that is still there."""
    found: Iterable[StoredObject] = ()
    if (file := verdict.file) is not None:
        # What was written over a raw file is not that file, and nothing has read it.
        wanted = (file.version_id, file.etag)
        found = (one for one in there.get(file.uri, ()) if (one.version_id, one.etag) == wanted)
    elif verdict.batch is not None:
        attempt = attempt_of(verdict.batch, parts.settings.bucket)
        found = there.get(attempt.bronze if verdict.kind == "bronze" else attempt.quarantine, ())
    for one in found:
        yield (one.uri, one.version_id), one.size_bytes


def rows_of(batch: Batch, parts: Parts) -> tuple[Partition, int]:
    """The partition that shows the rows of `batch`, and how many of their objects are gone.

    Raises UpstreamError when its manifest is gone, or is not what was sealed.
    """
    manifest, folder = manifest_of(batch, parts), attempt_of(batch, parts.settings.bucket).bronze
    partition = partition_of(
        batch,
        manifest,
        database=database_of(parts.settings),
        table=batch.table,
        folder=folder,
        rows=manifest.totals.rows,
    )
    # The newest versions: readers see no other, and what a lifecycle rule deleted has none.
    there = {stored.uri for stored in parts.objects.list(partition.location) if stored.is_latest}
    written = (made.uri for file in manifest.files for made in file.objects)
    missing = [uri for uri in written if uri.startswith(partition.location) and uri not in there]
    return partition, len(missing)


def database_of(settings: Settings) -> str:
    """The catalog's database that has the bronze tables."""
    return f"{settings.schema_prefix}bronze"
