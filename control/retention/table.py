"""Retention of one table: gather its state, judge it, and find the objects of each verdict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from control.config import Settings
from control.errors import UpstreamError
from control.model import RAW, Batch, Head, Partition, RawFile, Reload, file_id_of
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
    """Number and bytes of a verdict's objects, and how many this run let go (`tagged`) or took back.

    `returned` means that this run put its rows back into the catalog; `missing` is the number of lost objects
    that prevent this.
    """

    count: int
    size_bytes: int
    tagged: int = 0
    taken_back: int = 0
    returned: bool = False
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The state of a table, its existing objects, and the verdicts on its raw files and batches."""

    known: Known
    there: There
    verdicts: tuple[Verdict, ...]


def offsets(query: Query, prefix: str) -> dict[str, dict[str, int]]:
    """Return the last batch that each model has consumed, by bronze table; empty before the first build.

    Raises UpstreamError if Athena cannot answer.
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


def judge_tables(
    names: Iterable[str],
    readers: Readers,
    query: Query,
    keep: Keep,
    parts: Parts,
    promised: Mapping[str, timedelta],
) -> Iterator[Judged]:
    """Judge each table. `readers` has the models that read it, `promised` the retention in its contract.

    Raises UpstreamError if Athena cannot answer.
    """
    tables, prefix = tuple(names), parts.settings.schema_prefix
    consumed = offsets(query, prefix) if tables else {}
    for name in tables:
        taken = consumed.get(f"{prefix}bronze.{name}", {})
        of_it = replace(keep, promised=promised.get(name, timedelta()))
        yield judge_table(name, {**dict.fromkeys(readers.get(name, ()), 0), **taken}, of_it, parts)


def judge_table(table: str, taken: Mapping[str, int], keep: Keep, parts: Parts) -> Judged:
    """Judge the existing objects of a table; `taken` has the last batch that each reader has consumed.

    Of the deleted objects, only rows that a model has not consumed yet get a verdict: they are lost to it.
    """
    there = existing_objects(table, parts)
    found = read_state(table, taken, there, parts)

    def matters(one: Verdict) -> bool:
        number = one.batch.number if one.batch and one.kind == "bronze" else None
        is_needed = number is not None and any(number > batch for batch in taken.values())
        return is_needed or any(True for _ in objects_of(one, there, parts))

    return Judged(found, there, tuple(filter(matters, judge(found, keep, parts.clock.now()))))


def read_state(table: str, taken: Mapping[str, int], there: There, parts: Parts) -> Known:
    """Read the state of a table, given its objects (`there`).

    Reads the raw files and batches that have objects, those that a model has not consumed yet, and what these
    depend on. Everything else, which is most of an old lake, is not read, so a run costs no more there than
    on a young one.
    """
    raw, bucket = f"s3://{parts.settings.bucket}/{RAW}", parts.settings.bucket
    file_ids, batch_ids = set(), set()
    for uri, objects in there.items():
        if uri.startswith(raw):
            file_ids |= {file_id_of(bucket, one.key, one.version_id) for one in objects}
        else:
            batch_ids.add(uri.rpartition("/")[2].rpartition("-e")[0])
    batches = parts.store.get_many(Batch, table, sorted(batch_ids - {""}))
    batches |= _yet_to_take_in(table, taken, batches.values(), parts)
    file_ids = file_ids.union(*(batch.file_ids for batch in batches.values()))
    files = parts.store.get_many(RawFile, table, sorted(file_ids))
    owners = {file.batch_id for file in files.values() if file.batch_id} - batches.keys()
    batches |= parts.store.get_many(Batch, table, sorted(owners))
    reloads = tuple(every(parts.store, Reload, table))
    return Known(table, tuple(files.values()), tuple(batches.values()), reloads, taken)


def _yet_to_take_in(
    table: str, taken: Mapping[str, int], there: Iterable[Batch], parts: Parts
) -> dict[str, Batch]:
    """Return the batches that a model has not consumed yet and that have no objects.

    This reads all batches, but only if some are missing: a model is new, or a batch has no rows.
    """
    head = parts.store.get(Head, table, table)
    number = head.number if head else 0
    after = min(taken.values(), default=number)
    lacking = set(range(after + 1, number + 1)).difference(batch.number or 0 for batch in there)
    if not lacking:
        return {}
    return {batch.batch_id: batch for batch in every(parts.store, Batch, table) if batch.number in lacking}


def measure(verdict: Verdict, there: There, parts: Parts) -> Objects:
    """Return number and size of the objects that a verdict is about."""
    sizes = [size for _, size in objects_of(verdict, there, parts)]
    return Objects(len(sizes), sum(sizes))


def existing_objects(table: str, parts: Parts) -> There:
    """List the existing objects of a table, in three listings.

    Only newest versions: for deleted or overwritten ones there is a lifecycle rule that ignores tags.
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
    """Yield URI, version and size of each existing object that a verdict is about."""
    found: Iterable[StoredObject] = ()
    if (file := verdict.file) is not None:
        # An object that overwrote the raw file is not that file: nothing has ingested it.
        wanted = (file.version_id, file.etag)
        found = (one for one in there.get(file.uri, ()) if (one.version_id, one.etag) == wanted)
    elif verdict.batch is not None:
        attempt = attempt_of(verdict.batch, parts.settings.bucket)
        found = there.get(attempt.bronze if verdict.kind == "bronze" else attempt.quarantine, ())
    for one in found:
        yield (one.uri, one.version_id), one.size_bytes


def rows_of(batch: Batch, parts: Parts) -> tuple[Partition, int]:
    """Return the partition that shows the rows of `batch`, and how many of its objects are gone.

    Raises UpstreamError if its manifest is gone or was changed.
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
    # Only newest versions: readers see no others, and a deleted object has none.
    there = {stored.uri for stored in parts.objects.list(partition.location) if stored.is_latest}
    written = (made.uri for file in manifest.files for made in file.objects)
    missing = [uri for uri in written if uri.startswith(partition.location) and uri not in there]
    return partition, len(missing)


def database_of(settings: Settings) -> str:
    """Return the name of the bronze database."""
    return f"{settings.schema_prefix}bronze"
