"""What the catalog lists and should not: leftovers of dead builds, tables in each other's way."""

import re
from collections.abc import Iterable, Iterator, Sequence

from control.model import Finding
from control.ports import Listing, TableEntry

LAYERS = ("silver", "gold", "ops")
# What dbt-athena and our audit call the tables that they build aside.
_ASIDE = re.compile(r"^(?P<table>.+?)__(?P<kind>bkp|ha|audit|dbt_tmp.*|tmp_not_partitioned)$")
_UNIQUE = re.compile(r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/?$")


def examine(listing: Listing, prefix: str) -> list[Finding]:
    """Findings in the databases of the layers."""
    tables = [table for layer in LAYERS for table in listing.tables(f"{prefix}{layer}")]
    return [*_leftovers(tables), *_overlaps(tables), *_formats(tables), *_names(tables)]


def governed(listing: Listing, prefix: str, places: Iterable[str]) -> list[Finding]:
    """Tables in places that Lake Formation governs, on which Athena runs no DDL."""
    tables = [table for layer in LAYERS for table in listing.tables(f"{prefix}{layer}")]
    roots = [place.rstrip("/") + "/" for place in places]
    return [
        Finding(
            "lake-formation",
            "error",
            f"{table.database}.{table.name}",
            f"Lake Formation governs {root}, where Athena runs no DDL on Iceberg tables: a new column, VACUUM"
            " and OPTIMIZE would fail. Register bronze and quarantine only, or grant by IAM here",
        )
        for table in tables
        for root in roots
        if _is_iceberg(table) and f"{table.location.rstrip('/')}/".startswith(root)
    ]


def _leftovers(tables: Sequence[TableEntry]) -> Iterator[Finding]:
    names = {(table.database, table.name) for table in tables}
    for table in tables:
        match = _ASIDE.match(table.name)
        if match is None:
            continue
        where = f"{table.database}.{table.name}"
        if match["kind"] == "bkp" and (table.database, match["table"]) not in names:
            yield Finding(
                "lost-table",
                "error",
                where,
                f"a swap died half-way: {match['table']} is gone and this is its data. Rename it back:"
                f" alter table {where} rename to {table.database}.{match['table']}",
            )
        elif match["kind"] in ("bkp", "ha", "tmp_not_partitioned"):
            yield Finding(
                "leftover",
                "warning",
                where,
                f"a build died and left it behind: drop table {where} when no build is running",
            )
        else:
            yield Finding(
                "leftover",
                "warning",
                where,
                "a build that is at work has staged it, or one that died: the next dbt build drops it",
            )


def _overlaps(tables: Iterable[TableEntry]) -> Iterator[Finding]:
    """Tables of which one lies in the other's folder: whoever empties the outer one empties both."""
    placed = sorted(
        (table.location.rstrip("/") + "/", f"{table.database}.{table.name}")
        for table in tables
        if table.location and not table.is_view
    )
    around: list[tuple[str, str]] = []  # the tables whose folders the next one may lie in, the innermost last
    for inner, name in placed:
        while around and not inner.startswith(around[-1][0]):
            around.pop()
        if around:
            message = f"its files at {inner} are inside of {around[-1][1]}, and would go with it"
            yield Finding("overlap", "error", name, message)
        around.append((inner, name))


def _formats(tables: Iterable[TableEntry]) -> Iterator[Finding]:
    for table in tables:
        version = table.parameters.get("format-version", "2")
        if _is_iceberg(table) and version != "2":
            yield Finding(
                "format-version",
                "error",
                f"{table.database}.{table.name}",
                f"it has format version {version}; Athena writes 2 only",
            )


def _names(tables: Iterable[TableEntry]) -> Iterator[Finding]:
    """Tables of readers in a folder whose name does not end in a uuid, as the `*_unique` namings give it."""
    for table in tables:
        if _is_iceberg(table) and not table.database.endswith("ops") and not _UNIQUE.search(table.location):
            yield Finding(
                "naming",
                "error",
                f"{table.database}.{table.name}",
                f"its folder {table.location} is named after it alone: making the table anew deletes its own"
                " files. Set s3_data_naming to schema_table_unique in the profile, then rebuild it under"
                " another name",
            )


def _is_iceberg(table: TableEntry) -> bool:
    return table.parameters.get("table_type", "").lower() == "iceberg"
