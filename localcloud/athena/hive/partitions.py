"""The partitions of a Hive table: their values, which of them a query needs, `t$partitions`."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from localcloud.athena.catalog import Catalog, Partition, Table
from localcloud.athena.errors import not_supported
from localcloud.athena.translate.scope import Field, Filter
from localcloud.athena.translate.terms import ident
from localcloud.athena.types import Type, parse_hive

NULL = "__HIVE_DEFAULT_PARTITION__"
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")


def keys(table: Table) -> tuple[tuple[str, Type], ...]:
    """The partition keys and their types."""
    return tuple((key.name.lower(), parse_hive(key.type)) for key in table.partition_keys)


def needed(catalog: Catalog, table: Table, filters: Sequence[Filter]) -> list[Partition]:
    """The partitions whose values pass the filters on partition keys, in the order of their values."""
    passes = passing(table, filters)
    chosen = (partition for partition in catalog.partitions(table) if passes(partition.values))
    return sorted(chosen, key=lambda partition: partition.values)


def passing(table: Table, filters: Sequence[Filter]) -> Callable[[Sequence[str]], bool]:
    """A function that tells whether the values of a partition pass the filters on partition keys."""
    wanted = [
        (at, type_, filter_)
        for at, (name, type_) in enumerate(keys(table))
        for filter_ in filters
        if filter_.column == name
    ]
    return lambda values: all(_passes(value_of(values[at], type_), filter_) for at, type_, filter_ in wanted)


def value_of(written: str, type_: Type) -> Any:
    """A partition value as Python has it, None for Hive's name of null."""
    if written == NULL:
        return None
    if type_.name in _INTEGERS:
        return int(written)
    if type_.name == "date":
        return date.fromisoformat(written)
    if type_.name == "decimal":
        return Decimal(written)
    if type_.name == "boolean":
        return written.lower() == "true"
    return written


def _passes(value: Any, filter_: Filter) -> bool:
    """Whether a row with this value may pass; a null passes no comparison."""
    if value is None:
        return False
    values: Sequence[Any] = filter_.values
    if not all(type(other) is type(value) for other in values):
        return True
    match filter_.op:
        case "=":
            return bool(value == values[0])
        case "<":
            return bool(value < values[0])
        case "<=":
            return bool(value <= values[0])
        case ">":
            return bool(value > values[0])
        case ">=":
            return bool(value >= values[0])
        case "in":
            return value in values
    return True


_ARROW: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "varchar": pa.string(),
    "char": pa.string(),
}


def partitions_table(catalog: Catalog, table: Table) -> tuple[tuple[Field, ...], pa.Table] | None:
    """`t$partitions`: one row a partition, one column a key; None for a table without partitions."""
    found = keys(table)
    if not found:
        return None
    fields = tuple(Field(name, type_, ident(name)) for name, type_ in found)
    columns = []
    partitions = sorted(catalog.partitions(table), key=lambda partition: partition.values)
    for at, (_, type_) in enumerate(found):
        arrow = pa.decimal128(*type_.numbers) if type_.name == "decimal" else _ARROW.get(type_.name)
        if arrow is None:
            raise not_supported(f"Partition keys of type {type_.athena} in the local cloud")
        columns.append(pa.array([value_of(one.values[at], type_) for one in partitions], arrow))
    return fields, pa.table(columns, names=[name for name, _ in found])
