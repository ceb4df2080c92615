"""Check the catalog for leftovers of dead builds and for tables that endanger each other."""

import re
from collections.abc import Iterable, Iterator, Sequence

from control.model import Finding
from control.ports import Listing, TableEntry

LAYERS = ("silver", "gold", "ops")
# Names of the temporary tables of dbt-athena and of our audit.
_ASIDE = re.compile(r"^(?P<table>.+?)__(?P<kind>bkp|ha|audit|dbt_tmp.*|tmp_not_partitioned)$")
_UNIQUE = re.compile(r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/?$")


def examine(listing: Listing, prefix: str) -> list[Finding]:
    """Return the findings in the databases of our layers."""
    tables = [table for layer in LAYERS for table in listing.tables(f"{prefix}{layer}")]
    return [*_leftovers(tables), *_overlaps(tables), *_formats(tables), *_names(tables)]


def governed(listing: Listing, prefix: str, places: Iterable[str]) -> list[Finding]:
    """Return an error for each Iceberg table where Lake Formation governs the location: DDL fails there."""
    tables = [table for layer in LAYERS for table in listing.tables(f"{prefix}{layer}")]
    roots = [place.rstrip("/") + "/" for place in places]
    return [
        Finding(
            "lake-formation",
            "error",
            f"{table.database}.{table.name}",
            f"Lake Formation governs {root}, where Athena runs no DDL on Iceberg tables: a new column, VACUUM"
            " and OPTIMIZE would fail. Register only bronze and quarantine, or grant access with IAM here",
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
                f"a swap was interrupted: {match['table']} is gone, and this has its data. Rename it back:"
                f" alter table {where} rename to {table.database}.{match['table']}",
            )
        elif match["kind"] in ("bkp", "ha", "tmp_not_partitioned"):
            yield Finding(
                "leftover",
                "warning",
                where,
                f"a dead build left it behind: drop table {where} when no build is running",
            )
        else:
            yield Finding(
                "leftover",
                "warning",
                where,
                "a running build has staged it, or a dead one: the next dbt build drops it",
            )


def _overlaps(tables: Iterable[TableEntry]) -> Iterator[Finding]:
    """Find tables in the folder of another table: emptying the outer folder would empty both."""
    placed = sorted(
        (table.location.rstrip("/") + "/", f"{table.database}.{table.name}")
        for table in tables
        if table.location and not table.is_view
    )
    around: list[tuple[str, str]] = []  # the tables whose folders may contain the next one, innermost last
    for inner, name in placed:
        while around and not inner.startswith(around[-1][0]):
            around.pop()
        if around:
            message = f"its files at {inner} are inside the folder of {around[-1][1]}, and would go with it"
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
    """Find published tables in a folder that does not end in a UUID, unlike those of `*_unique` namings."""
    for table in tables:
        if _is_iceberg(table) and not table.database.endswith("ops") and not _UNIQUE.search(table.location):
            yield Finding(
                "naming",
                "error",
                f"{table.database}.{table.name}",
                f"its folder {table.location} has no unique name: recreating the table would delete its own"
                " files. Set s3_data_naming to schema_table_unique in the profile, then rebuild it under"
                " another name",
            )


def _is_iceberg(table: TableEntry) -> bool:
    return table.parameters.get("table_type", "").lower() == "iceberg"
