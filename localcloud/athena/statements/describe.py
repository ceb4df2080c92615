"""DESCRIBE of a Hive table, an Iceberg table or a view; each has its own output format."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog, Table, TableColumn
from localcloud.athena.errors import AthenaError, entity_not_found
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.statements import kinds, names, views
from localcloud.athena.statements.nodes import Describe
from localcloud.athena.types import Type, parse_hive, walk

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable

_WIDTH = 20


def padded(text: str) -> str:
    """Pad a field to 20 characters, as Hive does; it never truncates."""
    return text.ljust(_WIDTH)


def table(node: Describe, catalog: Catalog, context: Context) -> Answer:
    """Describe the columns of a table or view, and its partitioning."""
    found = catalog.find_table(*names.full(node.name, context))
    if found is None:
        raise entity_not_found()
    if found.is_view:
        return view(found)
    lines = _iceberg(found, catalog) if found.is_iceberg else _hive(found)
    if node.extended:
        lines = (*lines, "", f"Detailed Table Information\t{found.location}\t{dict(found.parameters)}")
    columns = tuple(Column(name, "string") for name in ("col_name", "data_type", "comment"))
    return Answer(node.kind.statement, node.kind.substatement, columns, lines=lines)


def view(found: Table) -> Answer:
    """Describe the columns of a view, with their types in Athena's spelling."""
    columns = tuple(Column(name, "varchar") for name in ("column", "type"))
    lines = tuple(f"{column.name}\t{column.type}" for column in views.columns(found))
    kind = kinds.DESCRIBE_VIEW
    return Answer(kind.statement, kind.substatement, columns, lines=lines)


def _hive(found: Table) -> tuple[str, ...]:
    lines = [_hive_line(column) for column in (*found.columns, *found.partition_keys)]
    if found.partition_keys:
        heading = "\t".join((padded("# col_name"), padded("data_type"), padded("comment")))
        lines += ["\t \t ", "# Partition Information\t \t ", f"{heading}", "\t \t "]
        lines += [_hive_line(column) for column in found.partition_keys]
    return tuple(lines)


def _hive_line(column: TableColumn) -> str:
    comment = padded(column.comment).partition("\t")[0]
    return "\t".join((padded(column.name), padded(column.type), comment))


def _iceberg(found: Table, catalog: Catalog) -> tuple[str, ...]:
    spelled = [(column, parse_hive(column.type)) for column in found.columns]
    if any(part.name in ("time", "uuid") for _, type_ in spelled for part in walk(type_)):
        raise AthenaError("ICEBERG_DDL", "Table has unsupported column types", error_type=1100)
    fields = partition_fields(iceberg.load(catalog, found.database, found.name))
    return (
        "# Table schema:\t\t",
        "# col_name\tdata_type\tcomment",
        *(f"{column.name}\t{_iceberg_type(type_)}\t{column.comment}" for column, type_ in spelled),
        "\t\t",
        "# Partition spec:\t\t",
        "# field_name\tfield_transform\tcolumn_name",
        *("\t".join(field) for field in fields),
    )


def _iceberg_type(type_: Type) -> str:
    """Return Iceberg's spelling of a type: Hive's, with blanks."""
    if type_.name == "decimal":
        return f"decimal({type_.numbers[0]}, {type_.numbers[1]})"
    if type_.name == "row":
        return f"struct<{', '.join(f'{name}: {_iceberg_type(part)}' for name, part in type_.parts)}>"
    if type_.parts:
        return f"{type_.name}<{', '.join(_iceberg_type(part) for _, part in type_.parts)}>"
    return type_.hive


def partition_fields(found: "IcebergTable") -> Iterator[tuple[str, str, str]]:
    """Yield name, transform and source column of each field of an Iceberg table's partition spec."""
    for field in found.spec().fields:
        yield field.name, str(field.transform), str(found.schema().find_column_name(field.source_id))


def listed(columns: Sequence[TableColumn]) -> list[str]:
    """Return the lines of columns in CREATE EXTERNAL TABLE."""
    lines = [
        f"  `{column.name}` {column.type}" + (f" COMMENT '{column.comment}'" if column.comment else "")
        for column in columns
    ]
    return [*(f"{line}, " for line in lines[:-1]), f"{lines[-1]})"] if lines else [")"]
