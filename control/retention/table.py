"""Retention of one table: what is known of it, and the objects that a verdict is about."""

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


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a table, what is there of it, and a verdict on each raw file and batch of that."""

    known: Known
    there: There
    verdicts: tuple[Verdict, ...]


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


def judged(
    names: Iterable[str],
    readers: Readers,
    query: Query,
    keep: Keep,
    parts: Parts,
    promised: Mapping[str, timedelta],
) -> Iterator[Judged]:
    """Each table, judged. `readers` are the models that read each, `promised` how long its contract keeps it.

    Raises UpstreamError when Athena cannot answer.
    """
    tables, prefix = tuple(names), parts.settings.schema_prefix
    consumed = offsets(query, prefix) if tables else {}
    for name in tables:
        taken = consumed.get(f"{prefix}bronze.{name}", {})
        of_it = replace(keep, promised=promised.get(name, timedelta()))
        yield judge_table(name, {**dict.fromkeys(readers.get(name, ()), 0), **taken}, of_it, parts)


def judge_table(table: str, taken: Mapping[str, int], keep: Keep, parts: Parts) -> Judged:
    """Judge what is there of a table; `taken` has the batch that each model which reads it has taken in.

    Of what rules have deleted, only rows are judged that a model has yet to take in: they are lost to it.
    """
    there = there_of(table, parts)
    found = known(table, taken, there, parts)

    def matters(one: Verdict) -> bool:
        number = one.batch.number if one.batch and one.kind == "bronze" else None
        is_needed = number is not None and any(number > batch for batch in taken.values())
        return is_needed or any(True for _ in objects_of(one, there, parts))

    return Judged(found, there, tuple(filter(matters, judge(found, keep, parts.clock.now()))))


def known(table: str, taken: Mapping[str, int], there: There, parts: Parts) -> Known:
    """What is known of a table, `there` being its objects.

    Asks for the raw files and batches of which something is there, for what a model has yet to take in, and
    for what these depend on. Most of what was ever published is none of that, so that a run asks no more of
    an old lake than of a young one.
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
    """The batches that a model has yet to take in and that are not `there`.

    All are read to find them, which is rare: a model is new, or a batch has no rows.
    """
    head = parts.store.get(Head, table, table)
    number = head.number if head else 0
    after = min(taken.values(), default=number)
    lacking = set(range(after + 1, number + 1)).difference(batch.number or 0 for batch in there)
    if not lacking:
        return {}
    return {batch.batch_id: batch for batch in every(parts.store, Batch, table) if batch.number in lacking}


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
