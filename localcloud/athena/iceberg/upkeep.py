"""OPTIMIZE and VACUUM: compact small files, expire old snapshots and delete files that only they need."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from sqlglot import exp

from localcloud.athena.cache import FileCache
from localcloud.athena.catalog import Catalog
from localcloud.athena.engines.database import open_database
from localcloud.athena.errors import AthenaError
from localcloud.athena.iceberg import chunks, files, scans
from localcloud.athena.iceberg.schemas import columns
from localcloud.athena.iceberg.tables import Overwriting, committing, load
from localcloud.athena.translate import pruning
from localcloud.athena.translate.reads import Filter
from localcloud.athena.translate.scope import Field
from localcloud.athena.translate.terms import ident

# Athena's own defaults, except the size: with its 384 MB every local table would become one file.
_SMALL_BYTES = 96 << 20
_MIN_DATA_FILES = 5
_MIN_DELETE_FILES = 2
_MAX_AGE_SECONDS = 432_000
_ROWS = '"rows"'


def compact(catalog: Catalog, database: str, name: str, where: exp.Expression | None) -> int:
    """OPTIMIZE … REWRITE DATA USING BIN_PACK: compact small files in each partition; returns bytes read.

    A partition is skipped if it has fewer small files than `optimize_rewrite_data_file_threshold` and fewer
    delete files than `optimize_rewrite_delete_file_threshold`.
    """
    table = load(catalog, database, name)
    groups = _groups(table, _filters(table, where))
    chosen = [planned for group in groups for planned in _worth_it(table, group)]
    if not chosen:
        return 0
    with tempfile.TemporaryDirectory(prefix="athena-optimize-") as folder:
        cache = FileCache(catalog.s3, Path(folder) / "objects")
        with open_database(Path(folder)) as connection:
            rows = scans.relation(table.schema(), chosen, cache)
            names = ", ".join(ident(column) for column, _ in columns(table.schema()))
            written = files.write(connection, f"SELECT {names} FROM {rows}", table, cache, limit=None)
    with committing(table), table.transaction() as transaction:
        change = _Replace(operation=Operation.OVERWRITE, transaction=transaction, io=table.io)
        for file in written:
            change.append_data_file(file)
        for planned in chosen:
            change.delete_data_file(planned.file)
        change.commit()
    return chunks.size(scans.current(table), chosen, [(name,) for name, _ in columns(table.schema())])


class _Replace(Overwriting):
    """An overwrite recorded as `replace`: the same rows in other files."""

    def _summary(self, *args: Any, **kwargs: Any) -> Summary:
        found = super()._summary(*args, **kwargs)
        return Summary(operation=Operation.REPLACE, **found.additional_properties)


def _filters(table: Table, where: exp.Expression | None) -> list[Filter]:
    if where is None:
        return []
    fields = tuple(Field(name, type_, f"{_ROWS}.{ident(name)}") for name, type_ in columns(table.schema()))
    return list(pruning.filters(where, fields).get(_ROWS, ()))


def _groups(table: Table, filters: list[Filter]) -> Iterator[list[scans.Planned]]:
    found: dict[tuple[Any, ...], list[scans.Planned]] = defaultdict(list)
    for planned in scans.plan(scans.current(table), filters):
        partition = planned.file.partition
        values = (partition[at] for at in range(len(partition)))
        found[(planned.file.spec_id, *values)].append(planned)
    yield from found.values()


def _worth_it(table: Table, group: list[scans.Planned]) -> list[scans.Planned]:
    small = [one for one in group if one.file.file_size_in_bytes < _SMALL_BYTES or one.deletes]
    deletes = {delete.file_path for one in group for delete in one.deletes}
    enough = len(small) >= _number(table, "optimize_rewrite_data_file_threshold", _MIN_DATA_FILES)
    dirty = len(deletes) >= _number(table, "optimize_rewrite_delete_file_threshold", _MIN_DELETE_FILES)
    return small if (enough and len(small) > 1) or dirty else []


def _number(table: Table, name: str, default: int) -> int:
    written = table.properties.get(name, str(default))
    if not written.isdigit():
        raise AthenaError("INVALID_TABLE_PROPERTY", f"{name} must be a number, not '{written}'")
    return int(written)


def expire(catalog: Catalog, database: str, name: str) -> None:
    """VACUUM: expire snapshots older than `vacuum_max_snapshot_age_seconds`, except the newest
    `vacuum_min_snapshots_to_keep`, and delete the files that no remaining snapshot needs."""
    table = load(catalog, database, name)
    age = _number(table, "vacuum_max_snapshot_age_seconds", _MAX_AGE_SECONDS)
    keep = max(1, _number(table, "vacuum_min_snapshots_to_keep", 1))
    oldest = int((time.time() - age) * 1000)
    protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
    protected |= {snapshot.snapshot_id for snapshot in _lineage(table)[:keep]}
    old = [
        snapshot
        for snapshot in table.snapshots()
        if snapshot.timestamp_ms < oldest and snapshot.snapshot_id not in protected
    ]
    if not old:
        return
    gone = {snapshot.snapshot_id for snapshot in old}
    kept = [snapshot for snapshot in table.snapshots() if snapshot.snapshot_id not in gone]
    unneeded = _reachable(table, old) - _reachable(table, kept)
    with committing(table):
        table.maintenance.expire_snapshots().by_ids(list(gone)).commit()
    for uri in sorted(unneeded):
        table.io.delete(uri)


def _lineage(table: Table) -> list[Snapshot]:
    """The current snapshot and its ancestors, newest first."""
    found = []
    snapshot = table.current_snapshot()
    while snapshot is not None:
        found.append(snapshot)
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
    return found


def _reachable(table: Table, snapshots: Iterable[Snapshot]) -> set[str]:
    """Return the manifest lists, manifests, data files and delete files of the snapshots."""
    found: set[str] = set()
    for snapshot in snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in found:
                continue
            found.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            found.update(entry.data_file.file_path for entry in entries)
    return found
