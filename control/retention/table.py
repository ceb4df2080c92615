"""Retention of one table: what is known of it, and letting go of what may go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from control.errors import UpstreamError
from control.model import Batch, RawFile, Reload, attempt_of
from control.ports import Parts, Query, every
from control.retention.judge import Known, Verdict

# The lifecycle rules of the bucket match this tag together with the age; nothing here deletes an object.
TAG = ("dm-retention", "eligible")


@dataclass(frozen=True, slots=True)
class Objects:
    """What a verdict is about: number and bytes of its objects, and how many have just been tagged."""

    count: int
    size_bytes: int
    tagged: int = 0


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


def measure(verdict: Verdict, parts: Parts) -> Objects:
    """How much a verdict is about."""
    sizes = [size for _, _, size in _objects(verdict, parts)]
    return Objects(len(sizes), sum(sizes))


def let_go(verdict: Verdict, parts: Parts) -> Objects:
    """Take the rows of a batch out of the catalog, then tag its objects (or tag a raw file).

    Safe to repeat after any interruption. Control records stay readable.
    """
    if not verdict.may_go:
        raise ValueError(f"{verdict.why} speaks against it")
    batch = verdict.batch
    if verdict.kind == "bronze" and batch is not None:
        database = f"{parts.settings.schema_prefix}bronze"
        parts.catalog.drop_partition(database, batch.table, (batch.ingest_date, str(batch.number)))
    count = size_bytes = tagged = 0
    for uri, version_id, size in _objects(verdict, parts):
        count, size_bytes = count + 1, size_bytes + size
        if parts.objects.tags(uri, version_id).get(TAG[0]) != TAG[1]:
            parts.objects.tag(uri, version_id, *TAG)
            tagged += 1
    return Objects(count, size_bytes, tagged)


def _objects(verdict: Verdict, parts: Parts) -> Iterator[tuple[str, str, int]]:
    """URI, version and bytes of each object that a verdict is about."""
    if verdict.file is not None:
        yield verdict.file.uri, verdict.file.version_id, verdict.file.size_bytes
    elif verdict.batch is not None:
        attempt = attempt_of(verdict.batch, parts.settings.bucket)
        folder = attempt.bronze if verdict.kind == "bronze" else attempt.quarantine
        for stored in parts.objects.list(f"{folder}/"):
            yield stored.uri, stored.version_id, stored.size_bytes
