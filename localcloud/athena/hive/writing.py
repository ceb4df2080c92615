"""Write rows into Hive tables: files in their partitions' folders, which are registered in Glue."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from localcloud.athena.cache import FileCache
from localcloud.athena.catalog import Catalog, NewTable, Table
from localcloud.athena.errors import AthenaError, not_supported, too_many_open_partitions
from localcloud.athena.hive import partitions
from localcloud.athena.hive.projection import is_projected
from localcloud.athena.hive.reading import is_parquet
from localcloud.athena.objects import folder, is_empty
from localcloud.athena.translate.terms import ident, text
from localcloud.athena.types import Type, walk

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_OPEN_PARTITIONS = 100
_SERDE = "org.apache.hadoop.hive."
_FORMATS: dict[str, tuple[str, str, str]] = {
    "parquet": (
        f"{_SERDE}ql.io.parquet.MapredParquetInputFormat",
        f"{_SERDE}ql.io.parquet.MapredParquetOutputFormat",
        f"{_SERDE}ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "textfile": (
        "org.apache.hadoop.mapred.TextInputFormat",
        f"{_SERDE}ql.io.HiveIgnoreKeyTextOutputFormat",
        f"{_SERDE}serde2.lazy.LazySimpleSerDe",
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        f"{_SERDE}ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
    ),
}
_CODECS = ("snappy", "gzip", "zstd", "lz4")
# Of text and JSON, with the suffix by which readers recognize each.
_TEXT_CODECS = {"gzip": ".gz", "zstd": ".zst", "none": ""}


def create_table(catalog: Catalog, new: NewTable) -> Table:
    """Create the Glue entry of a table that CTAS fills.

    Raises for formats that we do not write, and for types that Hive tables do not support.
    """
    types = {name: type_ for name, type_, _ in new.columns}
    _check_types(types, new.partitioning)
    format_ = new.properties.get("format", "parquet").lower()
    if format_ not in _FORMATS:
        raise AthenaError(
            "HIVE_UNSUPPORTED_FORMAT", f"The local cloud does not write Hive tables as {format_}"
        )
    if not is_empty(catalog.s3, new.location):
        raise AthenaError(
            "HIVE_PATH_ALREADY_EXISTS",
            f"Target directory for table '{new.database}.{new.name}' already exists: {new.location}. "
            "You may need to manually clean the data at this location",
        )
    parameters = {"EXTERNAL": "TRUE", "has_encrypted_data": "false", "classification": format_}
    codec = "parquet.compression" if format_ == "parquet" else "write.compression"
    parameters[codec] = _codec(format_, new.properties).upper()
    stored = [column for column in types if column not in new.partitioning]
    entry = {
        "Name": new.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "StorageDescriptor": {
            "Columns": _glue_columns(types, stored),
            "Location": new.location.rstrip("/"),
            **_format(format_, new.properties),
        },
        "PartitionKeys": _glue_columns(types, new.partitioning),
    }
    catalog.create_table(new.database, entry)
    return catalog.table(new.database, new.name)


def _glue_columns(types: Mapping[str, Type], names: Sequence[str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": types[name].hive} for name in names]


def _format(format_: str, properties: Mapping[str, str]) -> dict[str, Any]:
    """Return what Glue's StorageDescriptor says of a file format."""
    input_format, output_format, serde = _FORMATS[format_]
    parameters = {"serialization.format": "1"}
    if format_ == "textfile":
        parameters = {"field.delim": properties.get("field_delimiter", "\x01"), **parameters}
    return {
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
    }


_STORED = frozenset(
    {"boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "decimal", "varchar", "char"}
    | {"varbinary", "date", "timestamp", "array", "map", "row"}
)


def _check_types(types: Mapping[str, Type], partitioned_by: Sequence[str]) -> None:
    for name, type_ in types.items():
        for part in walk(type_):
            if part.name not in _STORED:
                raise not_supported(f"Unsupported Hive type: {part.athena}")
            if part.name == "timestamp" and part.numbers != (3,):
                raise not_supported(
                    f"Incorrect timestamp precision for {part.athena}; the configured precision is "
                    f"MILLISECONDS; column name: {name}"
                )
            if part.name == "row" and not all(field for field, _ in part.parts):
                raise not_supported(
                    "Anonymous row type is not supported in Hive. Please give each field a name: "
                    f"{part.athena}"
                )
        if name in partitioned_by and type_.parts:
            raise not_supported(f"Unsupported type [{type_.athena}] for partition: {name}")


def _codec(format_: str, properties: Mapping[str, str]) -> str:
    wanted = properties.get("write_compression", properties.get("parquet_compression", "gzip")).lower()
    if format_ == "parquet":
        return wanted if wanted in _CODECS else "uncompressed"
    _text_suffix(wanted)
    return wanted


def insert(
    catalog: Catalog, table: Table, connection: "DuckDBPyConnection", rows: str, cache: FileCache
) -> tuple[int, tuple[str, ...]]:
    """Write the rows of a DuckDB query with the table's columns; returns their number and the files.

    Raises TOO_MANY_OPEN_PARTITIONS for rows in more than 100 partitions, and NOT_SUPPORTED for a table with
    storage.location.template.
    """
    if is_projected(table) and "storage.location.template" in table.parameters:
        raise not_supported("INSERT into a table with storage.location.template in the local cloud")
    keys = [name for name, _ in partitions.keys(table)]
    codec, suffix = _compression(table)
    with cache.new_folder() as made:
        target = made / "data"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE writing AS {rows}")
        try:
            if keys:
                _check_partitions(connection, keys)
            found = connection.execute("SELECT count(*) FROM writing").fetchone()
            count = int(found[0]) if found else 0
            if count:
                _copy(connection, table, keys, codec, target)
        finally:
            connection.execute("DROP TABLE writing")
        return count, _publish(catalog, table, target, keys, suffix, cache) if count else ()


def _check_partitions(connection: "DuckDBPyConnection", keys: Sequence[str]) -> None:
    names = ", ".join(map(ident, keys))
    found = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM writing)").fetchone()
    if found is not None and found[0] > MAX_OPEN_PARTITIONS:
        raise too_many_open_partitions("hive", MAX_OPEN_PARTITIONS)


def _compression(table: Table) -> tuple[str, str]:
    """Return how new files are compressed, and their suffix, by which readers of text recognize it."""
    if is_parquet(table):
        wanted = table.parameters.get("parquet.compression", "gzip").lower()
        return wanted if wanted in _CODECS else "uncompressed", ".parquet"
    wanted = table.parameters.get("write.compression", "gzip").lower()
    return wanted, _text_suffix(wanted)


def _text_suffix(codec: str) -> str:
    if codec not in _TEXT_CODECS:
        raise not_supported(f"The local cloud does not compress text as {codec}")
    return _TEXT_CODECS[codec]


def _copy(
    connection: "DuckDBPyConnection", table: Table, keys: Sequence[str], codec: str, target: Path
) -> None:
    serde, source = table.serde.lower(), "FROM writing"
    if is_parquet(table):
        options = ["FORMAT parquet"]
    elif "lazysimple" in serde:
        delimiter = table.serde_parameters.get("field.delim", "\x01")
        header = "true" if _has_header(table) else "false"
        options = [
            f"FORMAT csv, HEADER {header}, DELIMITER {text(delimiter)}, QUOTE '', ESCAPE '', NULLSTR '\\N'"
        ]
    elif "json" in serde and keys:
        # DuckDB cannot partition JSON. As one column of CSV without quotes, a line of JSON stays as it is.
        columns = (column.name.lower() for column in table.columns)
        row = ", ".join(f"{ident(name)} := {ident(name)}" for name in columns)
        source = f"SELECT to_json(struct_pack({row})), {', '.join(map(ident, keys))} FROM writing"
        options = ["FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE ''"]
    elif "json" in serde:
        options = ["FORMAT json"]
    else:
        message = f"The local cloud does not write the SerDe {table.serde}"
        raise AthenaError("HIVE_UNSUPPORTED_FORMAT", message)
    options.append(f"COMPRESSION {codec}")
    if keys:
        casts = ", ".join(f"CAST({ident(key)} AS VARCHAR) AS {ident(key)}" for key in keys)
        source = f"SELECT * REPLACE ({casts}) FROM ({source})"
        options += [f"PARTITION_BY ({', '.join(map(ident, keys))})", "OVERWRITE_OR_IGNORE"]
    else:
        options.append("FILE_SIZE_BYTES 134217728")
    connection.execute(f"COPY ({source}) TO {text(str(target))} ({', '.join(options)})")


def _has_header(table: Table) -> bool:
    """Whether readers skip the first line, which therefore must not be a row."""
    skipped = int(table.parameters.get("skip.header.line.count", "0"))
    if skipped > 1:
        raise not_supported(
            "Inserting into Hive table with value of skip.header.line.count property greater than 1 is not "
            "supported"
        )
    return skipped == 1


def _publish(
    catalog: Catalog, table: Table, target: Path, keys: Sequence[str], suffix: str, cache: FileCache
) -> tuple[str, ...]:
    known = {one.values: one.location for one in catalog.partitions(table)} if keys else {}
    opened: dict[tuple[str, ...], str] = {}
    written: list[str] = []
    for path in sorted(found for found in target.rglob("*") if found.is_file()):
        place = table.location
        if keys:
            values = tuple(unquote(part.partition("=")[2]) for part in path.parent.relative_to(target).parts)
            place = known.get(values) or opened.setdefault(values, _place(table, keys, values))
        written.append(f"{folder(place)}{uuid.uuid4().hex}{suffix}")
        cache.upload(path, written[-1])
    if opened:
        catalog.add_partitions(table, list(opened.items()))
    return tuple(written)


def _place(table: Table, keys: Sequence[str], values: Sequence[str]) -> str:
    parts = (f"{key}={_escaped(value)}" for key, value in zip(keys, values, strict=True))
    return folder(table.location) + "/".join(parts)


def _escaped(value: str) -> str:
    """Escape a value for a folder name as Hive does."""
    return quote(value, safe=" !$&()+,-.;<>@[]^_`{|}~")
