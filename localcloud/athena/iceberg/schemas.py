"""Convert types, columns and partition transforms between Athena and Iceberg."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyiceberg.exceptions import TableAlreadyExistsError
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import CreateTableTransaction, Table
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from localcloud.athena.catalog import Catalog, NewTable
from localcloud.athena.errors import AthenaError, not_supported, table_already_exists
from localcloud.athena.iceberg.tables import glue_catalog
from localcloud.athena.types import Type

_PRIMITIVES: dict[str, IcebergType] = {
    "boolean": BooleanType(),
    "integer": IntegerType(),
    "bigint": LongType(),
    "real": FloatType(),
    "double": DoubleType(),
    "varchar": StringType(),
    "varbinary": BinaryType(),
    "date": DateType(),
    "uuid": UUIDType(),
    "time": TimeType(),
    "timestamp": TimestampType(),
    "timestamp with time zone": TimestamptzType(),
}
_TRANSFORM = re.compile(r"(?P<name>\w+)\s*\(\s*(?P<first>[^,()]+?)\s*(?:,\s*(?P<second>[^,()]+?)\s*)?\)")
_TIMED: dict[str, Transform[Any, Any]] = {
    "year": YearTransform(),
    "month": MonthTransform(),
    "day": DayTransform(),
    "hour": HourTransform(),
}
_WIDTHS: dict[str, Callable[[int], Transform[Any, Any]]] = {
    "bucket": BucketTransform,
    "truncate": TruncateTransform,
}


def iceberg_type(type_: Type) -> IcebergType:
    """Convert to an Iceberg type. Raises NOT_SUPPORTED where Athena's Iceberg lacks the type or precision."""
    if type_.name in ("timestamp", "timestamp with time zone", "time") and type_.numbers != (6,):
        kind, _, _ = type_.name.partition(" with time zone")
        tail = " with time zone" if type_.name != kind else ""
        raise not_supported(
            f"{kind.capitalize()} precision ({type_.numbers[0]}) not supported for Iceberg. "
            f'Use "{kind}(6){tail}" instead.'
        )
    # Field ids are reassigned for the whole schema later; here they only have to differ.
    if type_.name == "array":
        return ListType(1, iceberg_type(type_.element), element_required=False)
    if type_.name == "map":
        key, value = (iceberg_type(part) for _, part in type_.parts)
        return MapType(1, key, 2, value, value_required=False)
    if type_.name == "row":
        if not all(name for name, _ in type_.parts):
            raise not_supported(f"Row type field does not have a name: {type_.athena}")
        return StructType(
            *(
                NestedField(at, name, iceberg_type(part), required=False)
                for at, (name, part) in enumerate(type_.parts, 1)
            )
        )
    if type_.name == "decimal":
        return DecimalType(*type_.numbers)
    found = _PRIMITIVES.get(type_.name)
    if found is None:
        raise not_supported(f"Type not supported for Iceberg: {type_.athena}")
    return found


def athena_type(type_: IcebergType) -> Type:
    """Convert the type of an Iceberg column to Athena's."""
    match type_:
        case ListType():
            return Type("array", (), (("", athena_type(type_.element_type)),))
        case MapType():
            return Type("map", (), (("", athena_type(type_.key_type)), ("", athena_type(type_.value_type))))
        case StructType():
            return Type(
                "row", (), tuple((field.name, athena_type(field.field_type)) for field in type_.fields)
            )
        case DecimalType():
            return Type("decimal", (type_.precision, type_.scale))
    for name, primitive in _PRIMITIVES.items():
        if primitive == type_:
            return Type(name, (6,) if name.startswith("time") else ())
    raise not_supported(f"Type not supported for Iceberg: {type_}")


def columns(schema: Schema) -> tuple[tuple[str, Type], ...]:
    """Names and Athena types of the columns."""
    return tuple((field.name, athena_type(field.field_type)) for field in schema.fields)


def schema_of(found: Sequence[tuple[str, Type, str]]) -> Schema:
    """Build a new table's schema from names, types and comments. Raises DUPLICATE_COLUMN_NAME."""
    names = [name.lower() for name, _, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise AthenaError(
                "DUPLICATE_COLUMN_NAME", f"line 1:1: Column name '{name}' specified more than once"
            )
    fields = (
        NestedField(at, name.lower(), iceberg_type(type_), required=False, doc=comment or None)
        for at, (name, type_, comment) in enumerate(found, 1000)
    )
    return assign_fresh_schema_ids(Schema(*fields))


def partition_field(written: str, schema: Schema, field_id: int) -> PartitionField:
    """Parse `day(ts)`, `bucket(id, 4)`, `bucket(4, id)` or `col`. Raises for unknown columns, transforms."""
    match = _TRANSFORM.fullmatch(written.strip())
    transform: Transform[Any, Any] = IdentityTransform()
    if match is None:
        column = name = _plain(written)
    else:
        word = match["name"].lower().removesuffix("s")
        first, second = _plain(match["first"]), match["second"]
        column = _plain(second) if second and first.isdigit() else first
        transform = _transform(word, first if first.isdigit() else _plain(second or ""), written)
        name = f"{column}_{'trunc' if word == 'truncate' else word}"
    try:
        source = schema.find_field(column)
    except ValueError:
        raise AthenaError(
            "INVALID_TABLE_PROPERTY",
            f"Unable to parse partitioning value: Cannot find source column: {column}",
        ) from None
    if not transform.can_transform(source.field_type):
        raise AthenaError(
            "INVALID_TABLE_PROPERTY",
            "Unable to parse partitioning value: "
            f"Invalid source type {source.field_type} for transform: {written}",
        )
    return PartitionField(source_id=source.field_id, field_id=field_id, transform=transform, name=name)


def _plain(name: str) -> str:
    return name.strip().strip('`"').lower()


def _transform(word: str, width: str, written: str) -> Transform[Any, Any]:
    if word in _TIMED:
        return _TIMED[word]
    if word in _WIDTHS and width.isdigit() and int(width) > 0:
        return _WIDTHS[word](int(width))
    raise AthenaError(
        "INVALID_TABLE_PROPERTY",
        f"Unable to parse partitioning value: Invalid partition field declaration: {written}",
    )


def partition_spec(written: Sequence[str], schema: Schema) -> PartitionSpec:
    """The partition spec of a new table."""
    return PartitionSpec(*(partition_field(text, schema, 1000 + at) for at, text in enumerate(written)))


def properties_of(given: Mapping[str, str]) -> dict[str, str]:
    """Convert Athena's table properties to Iceberg's, which names format and compression differently."""
    found = {name.lower(): str(value) for name, value in given.items()}
    kept = {
        "write.format.default": found.pop("format", "parquet").lower(),
        "write.parquet.compression-codec": found.pop("write_compression", "zstd").lower(),
    }
    for ours in ("table_type", "is_external", "location", "external_location", "partitioning"):
        found.pop(ours, None)
    return {**kept, **found}


_ICEBERG_NAMES = {"format": "write.format.default", "write_compression": "write.parquet.compression-codec"}


def property_of(name: str) -> str:
    """Return Iceberg's name for one of Athena's table properties."""
    return _ICEBERG_NAMES.get(name.lower(), name)


def _described(new: NewTable) -> dict[str, Any]:
    """Return what pyiceberg has to know of a new table, which gets format version 2."""
    properties = properties_of(new.properties)
    if (wanted := properties["write.format.default"]) != "parquet":
        raise not_supported(f"The local cloud writes Iceberg tables as parquet only, not {wanted}")
    schema = schema_of(new.columns)
    return {
        "identifier": (new.database.lower(), new.name.lower()),
        "schema": schema,
        "location": new.location.rstrip("/"),
        "partition_spec": partition_spec(new.partitioning, schema),
        "properties": {**properties, "format-version": "2"},
    }


def create_table(catalog: Catalog, new: NewTable) -> Table:
    """Create an empty table. Raises TABLE_ALREADY_EXISTS."""
    try:
        return glue_catalog(catalog).create_table(**_described(new))
    except TableAlreadyExistsError:
        raise table_already_exists(new.database, new.name) from None


class StagedTable:
    """A table that becomes visible, with its rows, in one commit."""

    def __init__(self, transaction: CreateTableTransaction) -> None:
        self._transaction = transaction

    @property
    def table(self) -> Table:
        """The table to be created; not in the catalog yet."""
        return self._transaction._table

    def commit(self, files: Sequence[DataFile]) -> None:
        """Create the table with these files as its first snapshot."""
        with self._transaction.update_snapshot().fast_append() as add:
            for file in files:
                add.append_data_file(file)
        self._transaction.commit_transaction()


def staged(catalog: Catalog, new: NewTable) -> StagedTable:
    """Return a new table that enters the catalog only when it is committed."""
    return StagedTable(glue_catalog(catalog).create_table_transaction(**_described(new)))
