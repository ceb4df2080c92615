"""SHOW DATABASES, TABLES, VIEWS, COLUMNS, TBLPROPERTIES, CREATE TABLE, CREATE VIEW."""

import re
from collections.abc import Iterable, Mapping

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog, Table
from localcloud.athena.errors import entity_not_found, hive_execution, hive_semantic
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.statements import describe, names, partitions, tables, views
from localcloud.athena.statements import kinds as k
from localcloud.athena.statements.kinds import Kind
from localcloud.athena.statements.nodes import ShowNames, ShowTable


def _answer(kind: Kind, columns: Iterable[str], lines: Iterable[str], type_: str = "string") -> Answer:
    named = tuple(Column(name, type_) for name in columns)
    return Answer(kind.statement, kind.substatement, named, lines=tuple(lines))


def list_names(node: ShowNames, catalog: Catalog, context: Context) -> Answer:
    """List databases, tables and views, or views only. Raises Hive's error 10072."""
    if node.kind == k.SHOW_DATABASES:
        found = [str(database["Name"]) for database in catalog.databases()]
        return _answer(node.kind, ["database_name"], _like_databases(found, node.pattern))
    database = node.database or context.database.lower()
    if catalog.find_database(database) is None:
        raise names.database_missing(database)
    found = [table.name for table in catalog.tables(database) if node.kind == k.SHOW_TABLES or table.is_view]
    shown = _like_tables(found, node.pattern)
    if node.kind == k.SHOW_VIEWS:
        return _answer(node.kind, ["views"], shown, "varchar")
    return _answer(node.kind, ["tab_name"], shown)


def _like_databases(found: list[str], pattern: str | None) -> list[str]:
    """Filter by a Java regular expression that matches the whole name; a lone `*` matches everything."""
    if pattern in (None, "*"):
        return found
    try:
        return [name for name in found if re.fullmatch(str(pattern), name)]
    except re.error as error:
        text = f"Unable to get databases: java.util.regex.PatternSyntaxException: {error}"
        raise hive_execution(f"MetaException(message:{text})") from None


def _like_tables(found: list[str], pattern: str | None) -> list[str]:
    """Filter by a Hive pattern: `*` is any text, `|` is or, and a dot is any character."""
    if pattern is None:
        return found
    try:
        wanted = re.compile(pattern.replace("*", ".*").replace("..*", ".*"), re.IGNORECASE)
    except re.error as error:
        text = f"java.util.regex.PatternSyntaxException: {error}"
        raise hive_execution(f"MetaException(message:{text})") from None
    return [name for name in found if wanted.fullmatch(name)]


def one_table(node: ShowTable, catalog: Catalog, context: Context) -> Answer:
    """Run a SHOW about one table or view. Raises Hive's error 10001 when there is none."""
    if node.kind == k.SHOW_COLUMNS:
        return _columns(node, catalog, context)
    if node.kind == k.SHOW_PARTITIONS:
        return partitions.show(node, catalog, context)
    table = names.table(node.name, catalog, context)
    if node.kind == k.SHOW_PROPERTIES:
        lines = _properties(table, node.key, catalog)
        return _answer(node.kind, ["prpt_name", "prpt_value"], lines)
    if node.kind == k.SHOW_CREATE_VIEW:
        return _answer(node.kind, ["create view"], views.statement(table).split("\n"), "varchar")
    if table.is_view:
        raise hive_semantic(f"[Error 10132]: {table.name} is a view: use SHOW CREATE VIEW")
    lines = _create_iceberg(table, catalog) if table.is_iceberg else _create_hive(table)
    return _answer(node.kind, ["createtab_stmt"], lines)


def _columns(node: ShowTable, catalog: Catalog, context: Context) -> Answer:
    table = catalog.find_table(*names.full(node.name, context))
    if table is None:
        raise entity_not_found()
    if table.is_view:
        return describe.view(table)
    shown = [column.name for column in (*table.columns, *table.partition_keys)]
    return _answer(node.kind, ["field"], shown if table.is_iceberg else map(describe.padded, shown))


def _properties(table: Table, key: str, catalog: Catalog) -> list[str]:
    found = _iceberg_properties(table, catalog) if table.is_iceberg else dict(table.parameters)
    if key:
        missing = f"Table {table.database}.{table.name} does not have property: {key}"
        return [found.get(key, missing)]
    # A value with newlines fills several rows, as in Athena.
    return "\n".join(f"{name}\t{value}" for name, value in found.items()).split("\n")


def _iceberg_properties(table: Table, catalog: Catalog) -> dict[str, str]:
    """Return the properties of an Iceberg table that Athena shows, under Athena's names.

    They come from the table's metadata: Glue's copies remain when properties are unset.
    """
    found = iceberg.load(catalog, table.database, table.name).properties
    shown = {"write_compression": found.get("write.parquet.compression-codec", "zstd").upper()}
    return {**shown, **{key: value for key, value in found.items() if key in tables.ICEBERG_PROPERTIES}}


def _create_hive(table: Table) -> list[str]:
    lines = [f"CREATE EXTERNAL TABLE `{table.name}`(", *describe.listed(table.columns)]
    if table.partition_keys:
        lines += ["PARTITIONED BY ( ", *describe.listed(table.partition_keys)]
    lines += ["ROW FORMAT SERDE ", f"  '{table.serde}' "]
    if table.serde_parameters:
        lines += ["WITH SERDEPROPERTIES ( ", *_pairs(table.serde_parameters)]
        lines[-1] += " "
    lines += ["STORED AS INPUTFORMAT ", f"  '{table.storage.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{table.storage.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{table.location}'"]
    shown = {key: value for key, value in sorted(table.parameters.items()) if key != "EXTERNAL"}
    return [*lines, "TBLPROPERTIES (", *_pairs(shown)]


def _pairs(found: Mapping[str, str]) -> list[str]:
    lines = [f"  '{key}'='{_escaped(value)}'" for key, value in found.items()] or ["  "]
    return [*(f"{line}, " for line in lines[:-1]), f"{lines[-1]})"]


def _escaped(value: str) -> str:
    return value.encode("unicode_escape").decode() if not value.isprintable() else value


def _create_iceberg(table: Table, catalog: Catalog) -> list[str]:
    columns = [f"  {column.name} {column.type}" for column in table.columns]
    lines = [f"CREATE TABLE {table.database}.{table.name} (", *",\n".join(columns).split("\n")]
    lines[-1] += ")"
    spec = [
        f"`{column}`" if transform == "identity" else _term(transform, column)
        for _, transform, column in describe.partition_fields(
            iceberg.load(catalog, table.database, table.name)
        )
    ]
    if spec:
        lines.append(f"PARTITIONED BY ({', '.join(spec)})")
    lines += [f"LOCATION '{table.location}'", "TBLPROPERTIES ("]
    properties = {"table_type": "iceberg", **_iceberg_properties(table, catalog)}
    lines += ",\n".join(f"  '{key}'='{value}'" for key, value in properties.items()).split("\n")
    return [*lines, ");"]


def _term(transform: str, column: str) -> str:
    name, _, number = transform.rstrip("]").partition("[")
    return f"{name}({number}, `{column}`)" if number else f"{name}(`{column}`)"
