"""Build DuckDB text that reads a Hive table of any format, with the columns and types of its Glue entry."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from localcloud.athena.cache import FileCache
from localcloud.athena.catalog import Catalog, Partition, Table
from localcloud.athena.errors import AthenaError
from localcloud.athena.hive import coercions, footers, partitions
from localcloud.athena.hive.projection import projection, utc_now
from localcloud.athena.objects import folder, split
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.reads import Filter, Path, Scanned
from localcloud.athena.translate.terms import VARCHAR, Term, duckdb_type, ident, text
from localcloud.athena.types import Type, parse_hive

# Up to this many partitions, each gets its own scan, whose key values are constants to DuckDB. Beyond, one
# scan of all files is joined with a list of key values, which is planned in a fraction of the time.
_SEPARATE_SCANS = 32


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the table, and the values of the partition it belongs to."""

    uri: str
    tag: str
    bytes: int
    values: tuple[str, ...]


def columns(table: Table) -> tuple[tuple[str, Type], ...]:
    """Names and types of the data columns, then of the partition keys."""
    data = tuple((column.name.lower(), parse_hive(column.type)) for column in table.columns)
    return data + partitions.keys(table)


def relation(catalog: Catalog, table: Table, filters: Sequence[Filter], cache: FileCache) -> Scanned:
    """Return DuckDB text of the rows that may pass the filters, with `$path` as the last column."""
    found = _objects(catalog, table, filters)
    groups: dict[tuple[str, ...], list[Found]] = {}
    for one in found:
        groups.setdefault(one.values, []).append(one)
    size = partial(_size, is_parquet(table), found, cache)
    if not found:
        return Scanned(_empty(table))
    if len(groups) > _SEPARATE_SCANS:
        return Scanned(f"({_joined(table, found, cache)})", size)
    scans = [_scan(table, group, values, cache) for values, group in groups.items()]
    return Scanned(f"({' UNION ALL '.join(scans)})", size)


def _size(parquet: bool, found: Sequence[Found], cache: FileCache, columns: Collection[Path]) -> int:
    """Count bytes as Athena does: of Parquet the columns' chunks, of other formats everything."""
    if parquet:
        return footers.size(((one.uri, one.tag) for one in found), columns, cache)
    return sum(one.bytes for one in found)


def _objects(catalog: Catalog, table: Table, filters: Sequence[Filter]) -> list[Found]:
    if not table.partition_keys:
        return _below(catalog, table.location, ())
    projected = projection(table, filters, utc_now)
    if projected is not None:
        passes = partitions.passing(table, filters)
        below = (
            replace(one, values=values)
            for one in _below(catalog, projected.root, ())
            if (values := projected.values(one.uri)) is not None and passes(values)
        )
        return sorted(below, key=lambda one: one.values)
    found: list[Found] = []
    for partition in partitions.needed(catalog, table, filters):
        if is_parquet(table):  # the others match columns by position and read text as any type
            coercions.check(table, partition)
        found.extend(_below(catalog, _location(partition, table), partition.values))
    return found


def _location(partition: Partition, table: Table) -> str:
    if partition.location:
        return partition.location
    keys = zip(table.partition_keys, partition.values, strict=True)
    return folder(table.location) + "/".join(f"{key.name}={value}" for key, value in keys)


def _below(catalog: Catalog, location: str, values: tuple[str, ...]) -> list[Found]:
    """Return the data objects in a folder; skip empty ones and names like `_SUCCESS` or `.part`."""
    bucket, prefix = split(folder(location))
    found = []
    for page in catalog.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            inside = item["Key"][len(prefix) :]
            if item["Size"] and not any(part.startswith(("_", ".")) for part in inside.split("/")):
                found.append(Found(f"s3://{bucket}/{item['Key']}", item["ETag"], item["Size"], values))
    return found


def _scan(table: Table, group: Sequence[Found], values: tuple[str, ...], cache: FileCache) -> str:
    items = [_typed(name, type_, table) for name, type_ in _data_columns(table)]
    for (name, type_), value in zip(partitions.keys(table), values, strict=True):
        items.append(f"{_key_value(value, type_)} AS {ident(name)}")
    return f"SELECT {', '.join(items)}, {_path(cache)} FROM {_source(table, group, cache)}"


def _joined(table: Table, found: Sequence[Found], cache: FileCache) -> str:
    items = [_typed(name, type_, table) for name, type_ in _data_columns(table)]
    keys = partitions.keys(table)
    items += [
        f"{_as_declared(f'CAST(p.k{at} AS {duckdb_type(type_)})', type_)} AS {ident(name)}"
        for at, (name, type_) in enumerate(keys)
    ]
    rows = []
    for one in found:
        values = ("NULL" if value == partitions.NULL else text(value) for value in one.values)
        rows.append(f"({text(str(cache.local(one.uri, one.tag)))}, {', '.join(values)})")
    labels = ", ".join(f"k{at}" for at in range(len(keys)))
    return (
        f"SELECT {', '.join(items)}, {_path(cache)} FROM {_source(table, found, cache)} "
        f"JOIN (VALUES {', '.join(rows)}) AS p(file, {labels}) ON __file = p.file"
    )


def _key_value(value: str, type_: Type) -> str:
    if value == partitions.NULL:
        return f"CAST(NULL AS {duckdb_type(type_)})"
    return _as_declared(f"CAST({text(value)} AS {duckdb_type(type_)})", type_)


def _path(cache: FileCache) -> str:
    return f"{cache.uri_of('__file')} AS {ident('$path')}"


def _data_columns(table: Table) -> list[tuple[str, Type]]:
    return [(column.name.lower(), parse_hive(column.type)) for column in table.columns]


def _source(table: Table, found: Sequence[Found], cache: FileCache) -> str:
    local = cache.fetch((one.uri, one.tag) for one in found)
    files = f"[{', '.join(map(text, local))}]"
    serde = table.serde.rpartition(".")[2].lower()
    if is_parquet(table):
        return _parquet(files, _data_columns(table))
    if "opencsv" in serde:
        return _csv(table, files, quoted=True)
    if "lazysimple" in serde:
        return _csv(table, files, quoted=False)
    if "json" in serde:
        return _json(files, _data_columns(table))
    raise AthenaError("HIVE_UNSUPPORTED_FORMAT", f"The local cloud does not read the SerDe {table.serde}")


def is_parquet(table: Table) -> bool:
    """Whether the files of a table are Parquet, which an entry of Glue without a SerDe means, too."""
    serde = table.serde.rpartition(".")[2].lower()
    return "parquet" in serde or not serde


def _parquet(files: str, found: Sequence[tuple[str, Type]]) -> str:
    """Read columns by name. A union with an empty relation of all columns makes missing ones null."""
    nothing = ", ".join(f"CAST(NULL AS {duckdb_type(type_)}) AS {ident(name)}" for name, type_ in found)
    read = f"read_parquet({files}, union_by_name = true, hive_partitioning = false, filename = '__file')"
    empty = f"SELECT {nothing}, CAST(NULL AS VARCHAR) AS __file WHERE FALSE"
    return f"({empty} UNION ALL BY NAME SELECT * FROM {read})"


def _csv(table: Table, files: str, *, quoted: bool) -> str:
    given = table.serde_parameters
    if quoted:
        separator, quote = given.get("separatorChar", ","), given.get("quoteChar", '"')
        # Hive's reader accepts doubled quotes besides its own escape; Python's csv module writes them.
        escape = given.get("escapeChar", "\\")
        escape = quote if escape == "\\" else escape
        marks = f"delim = {text(separator)}, quote = {text(quote)}, escape = {text(escape)}"
    else:
        separator = given.get("field.delim", given.get("serialization.format", "\x01"))
        separator = chr(int(separator)) if separator.isdigit() else separator
        marks = f"delim = {text(separator)}, quote = '', escape = '', nullstr = '\\N'"
    columns_ = ", ".join(f"{text(name)}: 'VARCHAR'" for name, _ in _data_columns(table))
    skip = int(table.parameters.get("skip.header.line.count", "0"))
    return (
        f"read_csv({files}, auto_detect = false, header = false, skip = {skip}, "
        f"columns = {{{columns_}}}, {marks}, "
        f"null_padding = true, strict_mode = false, filename = '__file', hive_partitioning = false)"
    )


def _json(files: str, found: Sequence[tuple[str, Type]]) -> str:
    columns_ = ", ".join(f"{text(name)}: {text(duckdb_type(type_))}" for name, type_ in found)
    return (
        f"read_json({files}, columns = {{{columns_}}}, format = 'newline_delimited', filename = '__file', "
        f"hive_partitioning = false)"
    )


def _typed(name: str, type_: Type, table: Table) -> str:
    """Return a stored column as its declared type; as in Hive, text that does not parse becomes null."""
    column = ident(name)
    serde = table.serde.lower()
    if "opencsv" in serde and type_.name in ("varchar", "char"):
        value = f"coalesce({column}, '')"
    elif "opencsv" in serde or "lazysimple" in serde:
        value = _read_text(column, type_)
    else:
        value = f"CAST({column} AS {duckdb_type(type_)})"
    return f"{_as_declared(value, type_)} AS {column}"


def _as_declared(value: str, type_: Type) -> str:
    """Cut values, nested ones too, to their declared length and precision, which files may exceed."""
    return cast(Term(value, _as_stored(type_)), type_).sql


def _as_stored(type_: Type) -> Type:
    if type_.name in ("varchar", "char"):
        return VARCHAR
    numbers = (6,) if type_.name == "timestamp" else type_.numbers
    return replace(
        type_, numbers=numbers, parts=tuple((name, _as_stored(part)) for name, part in type_.parts)
    )


def _read_text(column: str, type_: Type) -> str:
    """Convert text to a type, null where Hive would not read it: DuckDB also accepts `no` and `1.5`."""
    made = f"TRY_CAST({column} AS {duckdb_type(type_)})"
    if type_.name == "boolean":
        return f"CASE WHEN lower({column}) IN ('true', 'false') THEN {made} END"
    if type_.name in ("tinyint", "smallint", "integer", "bigint"):
        return f"CASE WHEN regexp_full_match({column}, '[+-]?[0-9]+') THEN {made} END"
    return made


def _empty(table: Table) -> str:
    items = [f"CAST(NULL AS {duckdb_type(type_)}) AS {ident(name)}" for name, type_ in columns(table)]
    return f"(SELECT {', '.join(items)}, CAST(NULL AS VARCHAR) AS {ident('$path')} WHERE FALSE)"
