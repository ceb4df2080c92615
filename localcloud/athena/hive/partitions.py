"""The partitions of a Hive table: their values, pruning, and `t$partitions`."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError

from localcloud.athena.catalog import Catalog, Partition, Table, code_of
from localcloud.athena.errors import not_supported
from localcloud.athena.translate.reads import Filter
from localcloud.athena.translate.scope import Field
from localcloud.athena.translate.terms import ident
from localcloud.athena.types import Type, parse_hive

NULL = "__HIVE_DEFAULT_PARTITION__"
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
# Names that moto accepts in an expression.
_ASKABLE = re.compile(r"[a-z_.]+")


def keys(table: Table) -> tuple[tuple[str, Type], ...]:
    """The partition keys and their types."""
    return tuple((key.name.lower(), parse_hive(key.type)) for key in table.partition_keys)


def needed(catalog: Catalog, table: Table, filters: Sequence[Filter]) -> list[Partition]:
    """Return the partitions that pass the filters on partition keys, ordered by value."""
    passes = passing(table, filters)
    chosen = (partition for partition in _listed(catalog, table, filters) if passes(partition.values))
    return sorted(chosen, key=lambda partition: partition.values)


def _listed(catalog: Catalog, table: Table, filters: Sequence[Filter]) -> list[Partition]:
    """Return the partitions that Glue selects; it is sent only the comparisons of integers.

    Each partition that Glue returns takes a millisecond or more.
    """
    integers = {name for name, type_ in keys(table) if type_.name in _INTEGERS and _ASKABLE.fullmatch(name)}
    asked = " AND ".join(_asked(one) for one in filters if one.column in integers and _has_integers(one))
    try:
        return list(catalog.partitions(table, asked))
    except ClientError as error:
        if not asked or code_of(error) != "InvalidStateException":
            raise
        return list(catalog.partitions(table))  # Glue cannot compare the null value of one of them


def _has_integers(filter_: Filter) -> bool:
    return all(type(value) is int for value in filter_.values)


def _asked(filter_: Filter) -> str:
    values = ", ".join(map(str, filter_.values))
    return (
        f"{filter_.column} IN ({values})" if filter_.op == "in" else f"{filter_.column} {filter_.op} {values}"
    )


def passing(table: Table, filters: Sequence[Filter]) -> Callable[[Sequence[str]], bool]:
    """Return a predicate: do the values of a partition pass the filters on partition keys?"""
    wanted = [
        (at, type_, filter_)
        for at, (name, type_) in enumerate(keys(table))
        for filter_ in filters
        if filter_.column == name
    ]
    return lambda values: all(_passes(value_of(values[at], type_), filter_) for at, type_, filter_ in wanted)


def value_of(written: str, type_: Type) -> Any:
    """Convert a partition value to Python; Hive's name of null becomes None."""
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
    """Whether rows with this value may pass; null passes no comparison."""
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


def fields(table: Table) -> tuple[Field, ...]:
    """The columns of `t$partitions`: one per partition key."""
    return tuple(Field(name, type_, ident(name)) for name, type_ in keys(table))


def partitions_table(catalog: Catalog, table: Table, filters: Sequence[Filter]) -> pa.Table:
    """`t$partitions`: one row per partition that may pass the filters."""
    found, columns = needed(catalog, table, filters), []
    for at, (_, type_) in enumerate(keys(table)):
        arrow = pa.decimal128(*type_.numbers) if type_.name == "decimal" else _ARROW.get(type_.name)
        if arrow is None:
            raise not_supported(f"Partition keys of type {type_.athena} in the local cloud")
        columns.append(pa.array([value_of(one.values[at], type_) for one in found], arrow))
    return pa.table(columns, names=[name for name, _ in keys(table)])
