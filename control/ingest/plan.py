"""Plan: put a table's registered files into batches."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Final, Literal

from control.errors import ConflictError
from control.ingest.reload import Reloads
from control.ingest.rules import Rules
from control.model import Batch, EngineName, RawFile, batch_id_of
from control.ports import Parts, every

Choice = Literal["auto", "light", "spark"]
LIGHT: Final[EngineName] = "light"
SPARK: Final[EngineName] = "spark"


def plan(
    table: str,
    parts: Parts,
    rules: Rules,
    choice: Choice = "auto",
    room: int | None = None,
    reloads: Reloads | None = None,
) -> tuple[Batch, ...]:
    """Put files without a batch into at most `room` pending batches, and return these.

    Other files stay registered: what cannot be claimed soon is planned later, with what has landed by then.
    `reloads` says which files of a reload still wait for others.

    Concurrent and interrupted planners do no harm: a file belongs to the batch that its item names, and a
    batch takes only its own files (see `assign`).
    """
    if room is not None and room <= 0:
        return ()
    ready = (reloads or Reloads(table, parts)).ready
    waiting = islice(filter(ready, every(parts.store, RawFile, table, place="open")), rules.planned_files)
    files = sorted(waiting, key=lambda file: (file.landed_at, file.key, file.version_id))
    engine = choose(files, rules) if choice == "auto" else choice
    light = [file for file in files if engine == "light" or not _fits_spark(file)]
    spark = [file for file in files if engine == "spark" and _fits_spark(file)]
    groups = chain(
        ((group, LIGHT) for group in _groups(light, LIGHT, rules)),
        ((group, SPARK) for group in _groups(spark, SPARK, rules)),
    )
    return tuple(_make(group, engine, parts) for group, engine in islice(groups, room))


def _fits_spark(file: RawFile) -> bool:
    """Whether pyarrow, which reads files in Spark's tasks, keeps the key as it is."""
    return not {"", ".", ".."} & set(file.key.split("/"))


def choose(files: Sequence[RawFile], rules: Rules) -> EngineName:
    """Return the engine for a backlog of `files`."""
    return "spark" if sum(file.size_bytes for file in files) >= rules.spark_from_bytes else "light"


def assign(file: RawFile, batch: Batch, parts: Parts) -> bool:
    """Give `file` to `batch` if it is free or its parent's; returns whether it belongs to the batch now.

    After this, its owner is final: a file leaves a batch only for a child of that batch, when the batch is
    split or, after publication, replayed.
    """
    owner: RawFile | None = file
    while owner is not None and owner.batch_id in (None, batch.parent or None):
        try:
            owner = parts.store.update(owner, replace(owner, batch_id=batch.batch_id))
        except ConflictError:
            owner = parts.store.get(RawFile, file.table, file.file_id)
    return owner is not None and owner.batch_id == batch.batch_id


def new_batch(files: Sequence[RawFile], engine: EngineName, parts: Parts, parent: str = "") -> Batch:
    """Return the pending batch of `files`, created if needed; the same files and parent give the same one."""
    file_ids = tuple(file.file_id for file in files)
    batch = Batch(
        batch_id=batch_id_of(files[0].table, file_ids, parent),
        table=files[0].table,
        file_ids=file_ids,
        size_bytes=sum(file.size_bytes for file in files),
        engine=engine,
        created_at=parts.clock.now(),
        parent=parent,
    )
    parts.store.create(batch)
    return batch


def _make(files: Sequence[RawFile], engine: EngineName, parts: Parts) -> Batch:
    batch = new_batch(files, engine, parts)
    for file in files:
        assign(file, batch, parts)
    return batch


def _groups(files: Sequence[RawFile], engine: EngineName, rules: Rules) -> Iterator[Sequence[RawFile]]:
    """Cut `files` into groups within the engine's limits; markers and oversized files are alone."""
    most_files = rules.light_files if engine == "light" else rules.spark_files
    most_bytes = rules.light_bytes if engine == "light" else rules.spark_bytes
    group: list[RawFile] = []
    size_bytes = 0
    for file in files:
        alone = any(one.format in ("begin", "complete") for one in (file, *group[-1:]))
        if group and (alone or len(group) >= most_files or size_bytes + file.size_bytes > most_bytes):
            yield group
            group, size_bytes = [], 0
        group.append(file)
        size_bytes += file.size_bytes
    if group:
        yield group
