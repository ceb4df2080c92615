"""The metadata tables of an Iceberg table, with Athena's columns."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.transforms import IdentityTransform, Transform
from pyiceberg.types import IcebergType

from localcloud.athena.iceberg import scans
from localcloud.athena.iceberg.partitions import partitions
from localcloud.athena.translate.scope import Field
from localcloud.athena.translate.terms import ident
from localcloud.athena.types import parse

Rows = list[dict[str, Any]]
Made = tuple[tuple[Field, ...], pa.Table]

_STAMP = "timestamp(3) with time zone"
_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "varchar": pa.string(),
    "varbinary": pa.binary(),
    _STAMP: pa.timestamp("us", "UTC"),
    "map(varchar,varchar)": pa.map_(pa.string(), pa.string()),
    "map(integer,bigint)": pa.map_(pa.int32(), pa.int64()),
    "map(integer,varchar)": pa.map_(pa.int32(), pa.string()),
    "array(bigint)": pa.list_(pa.int64()),
    "array(integer)": pa.list_(pa.int32()),
}
_SUMMARY = "array(row(contains_null boolean, contains_nan boolean, lower_bound varchar, upper_bound varchar))"
_TYPES[_SUMMARY] = pa.list_(
    pa.struct(
        [
            ("contains_null", pa.bool_()),
            ("contains_nan", pa.bool_()),
            ("lower_bound", pa.string()),
            ("upper_bound", pa.string()),
        ]
    )
)


def table(found: IcebergTable, kind: str) -> Made | None:
    """Return fields and rows of `t$kind`; None when Athena has no such metadata table."""
    if kind == "partitions":
        return partitions(found)
    rule = _KINDS.get(kind)
    if rule is None:
        return None
    shape, rows = rule
    fields = tuple(Field(name, parse(type_), ident(name)) for name, type_ in shape.items())
    schema = pa.schema([(name, _TYPES[type_]) for name, type_ in shape.items()])
    return fields, pa.Table.from_pylist(rows(found), schema)


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _snapshots(found: IcebergTable) -> Rows:
    return [
        {
            "committed_at": _time(snapshot.timestamp_ms),
            "snapshot_id": snapshot.snapshot_id,
            "parent_id": snapshot.parent_snapshot_id,
            "operation": snapshot.summary.operation.value if snapshot.summary else None,
            "manifest_list": snapshot.manifest_list,
            "summary": list(snapshot.summary.additional_properties.items()) if snapshot.summary else None,
        }
        for snapshot in found.snapshots()
    ]


def _history(found: IcebergTable) -> Rows:
    ancestors = set()
    snapshot = found.current_snapshot()
    while snapshot is not None:
        ancestors.add(snapshot.snapshot_id)
        parent = snapshot.parent_snapshot_id
        snapshot = found.snapshot_by_id(parent) if parent is not None else None
    by_id = {snapshot.snapshot_id: snapshot for snapshot in found.snapshots()}
    return [
        {
            "made_current_at": _time(entry.timestamp_ms),
            "snapshot_id": entry.snapshot_id,
            "parent_id": by_id[entry.snapshot_id].parent_snapshot_id if entry.snapshot_id in by_id else None,
            "is_current_ancestor": entry.snapshot_id in ancestors,
        }
        for entry in found.history()
    ]


def _files(found: IcebergTable) -> Rows:
    planned = scans.plan(scans.current(found))
    files = {one.file.file_path: one.file for one in planned}
    files |= {delete.file_path: delete for one in planned for delete in one.deletes}
    return [
        {
            "content": file.content.value,
            "file_path": file.file_path,
            "file_format": file.file_format.value,
            "record_count": file.record_count,
            "file_size_in_bytes": file.file_size_in_bytes,
            "column_sizes": list((file.column_sizes or {}).items()),
            "value_counts": list((file.value_counts or {}).items()),
            "null_value_counts": list((file.null_value_counts or {}).items()),
            "nan_value_counts": list((file.nan_value_counts or {}).items()),
            "lower_bounds": _bounds(found, file.lower_bounds),
            "upper_bounds": _bounds(found, file.upper_bounds),
            "key_metadata": file.key_metadata,
            "split_offsets": list(file.split_offsets) if file.split_offsets else None,
            "equality_ids": list(file.equality_ids) if file.equality_ids else None,
        }
        for file in files.values()
    ]


def _bounds(found: IcebergTable, bounds: dict[int, bytes] | None) -> list[tuple[int, str | None]]:
    schema = found.schema()
    shown = []
    for field_id, value in (bounds or {}).items():
        try:
            type_ = schema.find_type(field_id)
        except ValueError:
            continue  # the column has been dropped since
        shown.append((field_id, _readable(IdentityTransform(), type_, type_, value)))
    return shown


def _readable(
    transform: Transform[Any, Any], source: IcebergType, type_: IcebergType, value: bytes | None
) -> str | None:
    """Format a bound as Iceberg does: a number of days as a date, for example."""
    return None if value is None else transform.to_human_string(source, from_bytes(type_, value))  # type: ignore[arg-type]


def _partition_summaries(found: IcebergTable, manifest: ManifestFile) -> Rows:
    schema, parts = found.schema(), found.specs()[manifest.partition_spec_id].fields
    rows = []
    for part, summary in zip(parts, manifest.partitions or (), strict=False):
        source = schema.find_type(part.source_id)
        type_ = part.transform.result_type(source)
        bounds = (summary.lower_bound, summary.upper_bound)
        low, high = (_readable(part.transform, source, type_, bound) for bound in bounds)
        inside: dict[str, Any] = {
            "contains_null": summary.contains_null,
            "contains_nan": summary.contains_nan,
        }
        rows.append(inside | {"lower_bound": low, "upper_bound": high})
    return rows


def _manifests(found: IcebergTable) -> Rows:
    snapshot = found.current_snapshot()
    return [
        {
            "path": manifest.manifest_path,
            "length": manifest.manifest_length,
            "partition_spec_id": manifest.partition_spec_id,
            "added_snapshot_id": manifest.added_snapshot_id,
            "added_data_files_count": manifest.added_files_count,
            "added_rows_count": manifest.added_rows_count,
            "existing_data_files_count": manifest.existing_files_count,
            "existing_rows_count": manifest.existing_rows_count,
            "deleted_data_files_count": manifest.deleted_files_count,
            "deleted_rows_count": manifest.deleted_rows_count,
            "partition_summaries": _partition_summaries(found, manifest),
        }
        for manifest in (snapshot.manifests(found.io) if snapshot else [])
    ]


def _refs(found: IcebergTable) -> Rows:
    return [
        {
            "name": name,
            "type": ref.snapshot_ref_type.value.upper(),
            "snapshot_id": ref.snapshot_id,
            "max_reference_age_in_ms": ref.max_ref_age_ms,
            "min_snapshots_to_keep": ref.min_snapshots_to_keep,
            "max_snapshot_age_in_ms": ref.max_snapshot_age_ms,
        }
        for name, ref in found.metadata.refs.items()
    ]


def _properties(found: IcebergTable) -> Rows:
    return [{"key": key, "value": value} for key, value in sorted(found.properties.items())]


_KINDS: dict[str, tuple[dict[str, str], Callable[[IcebergTable], Rows]]] = {
    "snapshots": (
        {
            "committed_at": _STAMP,
            "snapshot_id": "bigint",
            "parent_id": "bigint",
            "operation": "varchar",
            "manifest_list": "varchar",
            "summary": "map(varchar,varchar)",
        },
        _snapshots,
    ),
    "history": (
        {
            "made_current_at": _STAMP,
            "snapshot_id": "bigint",
            "parent_id": "bigint",
            "is_current_ancestor": "boolean",
        },
        _history,
    ),
    "files": (
        {
            "content": "integer",
            "file_path": "varchar",
            "file_format": "varchar",
            "record_count": "bigint",
            "file_size_in_bytes": "bigint",
            "column_sizes": "map(integer,bigint)",
            "value_counts": "map(integer,bigint)",
            "null_value_counts": "map(integer,bigint)",
            "nan_value_counts": "map(integer,bigint)",
            "lower_bounds": "map(integer,varchar)",
            "upper_bounds": "map(integer,varchar)",
            "key_metadata": "varbinary",
            "split_offsets": "array(bigint)",
            "equality_ids": "array(integer)",
        },
        _files,
    ),
    "manifests": (
        {
            "path": "varchar",
            "length": "bigint",
            "partition_spec_id": "integer",
            "added_snapshot_id": "bigint",
            "added_data_files_count": "integer",
            "added_rows_count": "bigint",
            "existing_data_files_count": "integer",
            "existing_rows_count": "bigint",
            "deleted_data_files_count": "integer",
            "deleted_rows_count": "bigint",
            "partition_summaries": _SUMMARY,
        },
        _manifests,
    ),
    "refs": (
        {
            "name": "varchar",
            "type": "varchar",
            "snapshot_id": "bigint",
            "max_reference_age_in_ms": "bigint",
            "min_snapshots_to_keep": "integer",
            "max_snapshot_age_in_ms": "bigint",
        },
        _refs,
    ),
    "properties": ({"key": "varchar", "value": "varchar"}, _properties),
}
