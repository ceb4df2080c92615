"""Write rows as data files: DuckDB writes Parquet with field ids; statistics come from the footers."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from localcloud.athena.cache import FileCache
from localcloud.athena.errors import not_supported, too_many_open_partitions
from localcloud.athena.iceberg.scans import tag
from localcloud.athena.translate.decimals import unscaled
from localcloud.athena.translate.terms import Term, decimal, ident, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_OPEN_PARTITIONS = 100
# Small for a lake but right for a laptop: an update rewrites whole files.
_FILE_BYTES = 16 << 20
# zstd level 1 takes two thirds of the time of DuckDB's default level, for 10 % more bytes.
_CODECS = {
    "zstd": "COMPRESSION zstd, COMPRESSION_LEVEL 1",
    "snappy": "COMPRESSION snappy",
    "gzip": "COMPRESSION gzip",
    "lz4": "COMPRESSION lz4",
}
_NULL = "__HIVE_DEFAULT_PARTITION__"


def write(
    connection: "DuckDBPyConnection",
    rows: str,
    table: Table,
    cache: FileCache,
    *,
    limit: int | None = MAX_OPEN_PARTITIONS,
) -> list[DataFile]:
    """Write the rows of a DuckDB query with the table's columns as data files of the table.

    Raises TOO_MANY_OPEN_PARTITIONS when they fall into more than `limit` partitions.
    """
    with cache.new_folder() as folder:
        written = _write(connection, rows, table, folder, limit)
        published = [_publish(path, folder / "data", table, cache) for path in written]
    return [file for file in published if file is not None]


def _write(
    connection: "DuckDBPyConnection", rows: str, table: Table, folder: Path, limit: int | None
) -> list[Path]:
    schema, spec = table.schema(), table.spec()
    keys = [f"{_partition_sql(field, schema)} AS {ident(_key(at))}" for at, field in enumerate(spec.fields)]
    codec = table.properties.get("write.parquet.compression-codec", "zstd")
    options = [
        "FORMAT parquet",
        _CODECS.get(codec, "COMPRESSION uncompressed"),
        f"FIELD_IDS {_field_ids(schema)}",
    ]
    source = rows
    if keys:
        # Materialized, so that the rows are evaluated once and partitions are counted before any write.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE writing AS SELECT *, {', '.join(keys)} FROM ({rows})"
        )
        _check_partitions(connection, len(keys), limit)
        source = "FROM writing"
        names = ", ".join(ident(_key(at)) for at in range(len(keys)))
        options += [f"PARTITION_BY ({names})", "OVERWRITE_OR_IGNORE"]
    else:
        options.append(f"FILE_SIZE_BYTES {_FILE_BYTES}")
    connection.execute(f"COPY ({source}) TO {text(str(folder / 'data'))} ({', '.join(options)})")
    if keys:
        connection.execute("DROP TABLE writing")
    return sorted(path for path in folder.rglob("*.parquet") if path.is_file())


def _key(at: int) -> str:
    return f"__partition_{at}"


def _check_partitions(connection: "DuckDBPyConnection", keys: int, limit: int | None) -> None:
    if limit is None:
        return
    names = ", ".join(ident(_key(at)) for at in range(keys))
    found = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM writing)").fetchone()
    if found is not None and found[0] > limit:
        connection.execute("DROP TABLE writing")
        raise too_many_open_partitions("iceberg", limit)


def _publish(path: Path, root: Path, table: Table, cache: FileCache) -> DataFile | None:
    metadata = pq.read_metadata(path)
    if metadata.num_rows == 0:
        return None
    schema, spec = table.schema(), table.spec()
    values = (
        [
            _partition_value(part.partition("=")[2], field, schema)
            for part, field in zip(path.parent.relative_to(root).parts, spec.fields, strict=True)
        ]
        if spec.fields
        else []
    )
    try:
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=metadata,
            stats_columns=compute_statistics_plan(schema, table.properties),
            parquet_column_mapping=parquet_path_to_id_mapping(schema),
        )
    except OverflowError as error:
        raise not_supported(
            "The local cloud stores no timestamp after the year 9999 in an Iceberg table, such as"
            " 9999-12-31 23:59:59.9999 that became the next millisecond"
        ) from error
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"{table.location().rstrip('/')}/data/{_folder(spec, values)}{uuid.uuid4()}.parquet",
        file_format=FileFormat.PARQUET,
        partition=Record(*values),
        file_size_in_bytes=path.stat().st_size,
        sort_order_id=None,
        spec_id=spec.spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    cache.upload(path, file.file_path, tag(file))
    return file


def _folder(spec: PartitionSpec, values: Sequence[Any]) -> str:
    parts = (
        f"{quote(field.name, safe='')}={quote('null' if value is None else str(value), safe='')}/"
        for field, value in zip(spec.fields, values, strict=True)
    )
    return "".join(parts)


def _field_ids(schema: Schema) -> str:
    return (
        "{"
        + ", ".join(_field_id(field.name, field.field_id, field.field_type) for field in schema.fields)
        + "}"
    )


def _field_id(name: str, id_: int, type_: IcebergType) -> str:
    inside: list[str] = []
    match type_:
        case StructType():
            inside = [_field_id(field.name, field.field_id, field.field_type) for field in type_.fields]
        case ListType():
            inside = [_field_id("element", type_.element_id, type_.element_type)]
        case MapType():
            inside = [
                _field_id("key", type_.key_id, type_.key_type),
                _field_id("value", type_.value_id, type_.value_type),
            ]
    if not inside:
        return f"{ident(name)}: {id_}"
    return f"{ident(name)}: {{__duckdb_field_id: {id_}, {', '.join(inside)}}}"


def _partition_sql(field: PartitionField, schema: Schema) -> str:
    """Return DuckDB text of a partition value: an integer, unless the transform keeps text."""
    source = schema.find_field(field.source_id)
    column = ident(source.name)
    match field.transform:
        case YearTransform():
            return f"CAST(date_part('year', {column}) - 1970 AS INTEGER)"
        case MonthTransform():
            months = f"(date_part('year', {column}) - 1970) * 12 + date_part('month', {column}) - 1"
            return f"CAST({months} AS INTEGER)"
        case DayTransform():
            return f"CAST(floor(epoch_us(CAST({column} AS TIMESTAMP)) / 86400000000) AS INTEGER)"
        case HourTransform():
            return f"CAST(floor(epoch_us(CAST({column} AS TIMESTAMP)) / 3600000000) AS INTEGER)"
        case BucketTransform():
            return _bucket_sql(column, source.field_type, field.transform.num_buckets)
        case TruncateTransform():
            return _truncate_sql(column, source.field_type, field.transform.width)
        case IdentityTransform():
            return _identity_sql(column, source.field_type)
    raise not_supported(f"Partition transform {field.transform} in the local cloud")


def _identity_sql(column: str, type_: IcebergType) -> str:
    match type_:
        case DateType():
            return f"CAST({column} - DATE '1970-01-01' AS INTEGER)"
        case TimestampType() | TimestamptzType():
            return f"epoch_us({column})"
        case BinaryType():
            return f"hex({column})"
    return f"CAST({column} AS VARCHAR)"


def _truncate_sql(column: str, type_: IcebergType, width: int) -> str:
    match type_:
        case StringType():
            return f"substr({column}, 1, {width})"
        case IntegerType() | LongType():
            return f"({column} - ((({column} % {width}) + {width}) % {width}))"
    raise not_supported(f"Partition transform truncate of {type_} in the local cloud")


def _bucket_sql(column: str, type_: IcebergType, count: int) -> str:
    match type_:
        case StringType():
            value = f"encode({column})"
        case BinaryType():
            value = column
        case IntegerType() | LongType():
            return f"athena_bucket_long(CAST({column} AS BIGINT), {count})"
        case DateType():
            return f"athena_bucket_long(CAST({column} - DATE '1970-01-01' AS BIGINT), {count})"
        case TimestampType() | TimestamptzType():
            return f"athena_bucket_long(epoch_us({column}), {count})"
        case DecimalType(precision=precision, scale=scale):
            digits = unscaled(Term(column, decimal(precision, scale)))
            return f"athena_bucket_unscaled({digits}, {count})"
        case _:
            raise not_supported(f"Partition transform bucket of {type_} in the local cloud")
    return f"athena_bucket_bytes({value}, {count})"


def _partition_value(written: str, field: PartitionField, schema: Schema) -> Any:
    """Return the partition value that a folder name written by DuckDB stands for."""
    value = unquote(written)
    if value == _NULL:
        return None
    source = schema.find_field(field.source_id).field_type
    match field.transform.result_type(source):
        case IntegerType() | LongType() | DateType() | TimestampType() | TimestamptzType():
            return int(value)
        case DecimalType():
            return Decimal(value)
        case StringType():
            return value
        case BinaryType():
            return bytes.fromhex(value)
    return _other(value, source)


def _other(value: str, type_: IcebergType) -> Any:
    name = str(type_)
    if name == "boolean":
        return value == "true"
    if name in ("float", "double"):
        return float(value)
    raise not_supported(f"Partitions by {type_} in the local cloud")
