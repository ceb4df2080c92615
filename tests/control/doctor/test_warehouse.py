"""Leftovers of dead builds in the catalog, and tables in each other's folders, are found."""

from collections.abc import Iterable
from dataclasses import dataclass

from control.doctor.warehouse import examine, governed
from control.ports import TableEntry


@dataclass(frozen=True)
class Listed:
    """A catalog with these tables."""

    entries: tuple[TableEntry, ...]

    def tables(self, database: str) -> Iterable[TableEntry]:
        return [entry for entry in self.entries if entry.database == database]


UUID = "178deea3-2ae1-495a-9d3a-6c1186c38d8d"


def table(name: str, location: str = "", **parameters: str) -> TableEntry:
    database, _, short = name.partition(".")
    return TableEntry(database, short, location or f"s3://lake/{name}", False, parameters)


def codes(*entries: TableEntry, prefix: str = "") -> list[tuple[str, str, str]]:
    return [(f.code, f.severity, f.where) for f in examine(Listed(entries), prefix)]


def test_a_clean_catalog_has_no_finding() -> None:
    beers = table("silver.beers_state", f"s3://lake/silver/beers_state/{UUID}", table_type="ICEBERG")
    assert codes(beers, table("ops.consumed"), table("ops.lease", table_type="ICEBERG")) == []


def test_leftovers_of_dead_builds_are_warnings() -> None:
    found = codes(
        table("silver.beers_state__audit"),
        table("ops.beers_state__dbt_tmp_0a1b"),
        table("gold.top_drinkers"),
        table("gold.top_drinkers__bkp"),
    )
    assert found == [
        ("leftover", "warning", "silver.beers_state__audit"),
        ("leftover", "warning", "gold.top_drinkers__bkp"),
        ("leftover", "warning", "ops.beers_state__dbt_tmp_0a1b"),
    ]


def test_nobody_is_told_to_drop_what_a_running_build_may_have_staged() -> None:
    for name in ("silver.beers_state__audit", "ops.beers_state__dbt_tmp_0a1b"):
        (found,) = examine(Listed((table("silver.beers_state"), table(name))), "")
        assert "a running build has staged it, or a dead one" in found.message
        assert "drop table" not in found.message


def test_a_backup_without_its_table_is_an_error_with_the_way_to_restore_it() -> None:
    (found,) = examine(Listed((table("gold.top_drinkers__bkp"),)), "")
    assert (found.code, found.severity) == ("lost-table", "error")
    assert "rename to gold.top_drinkers" in found.message


def test_a_table_in_the_folder_of_another_is_an_error() -> None:
    outer, inner = table("silver.a", "s3://lake/a"), table("silver.b", "s3://lake/a/b")
    assert codes(outer, inner, table("silver.c", "s3://lake/ab")) == [("overlap", "error", "silver.b")]


def test_a_format_that_athena_cannot_write_is_an_error() -> None:
    entry = table("gold.t", f"s3://lake/t/{UUID}", **{"table_type": "ICEBERG", "format-version": "3"})
    assert codes(entry) == [("format-version", "error", "gold.t")]


def test_only_schemas_with_the_prefix_are_examined() -> None:
    assert codes(table("dev_gold.t__bkp"), table("gold.u__bkp"), prefix="dev_") == [
        ("lost-table", "error", "dev_gold.t__bkp")
    ]


def test_an_iceberg_table_in_a_folder_without_a_unique_suffix_is_an_error() -> None:
    assert codes(table("silver.beers_state", "s3://lake/silver/beers_state", table_type="ICEBERG")) == [
        ("naming", "error", "silver.beers_state")
    ]


def test_only_tables_where_lake_formation_forbids_ddl_are_errors() -> None:
    entries = (
        table("silver.a", "s3://lake/warehouse/silver/a", table_type="ICEBERG"),
        table("silver.b", "s3://lake/warehouse2/silver/b", table_type="ICEBERG"),
        table("ops.consumed", "s3://lake/warehouse/ops/consumed"),
    )
    found = governed(Listed(entries), "", ["s3://lake/warehouse", "s3://another"])
    assert [(finding.code, finding.severity, finding.where) for finding in found] == [
        ("lake-formation", "error", "silver.a")
    ]
    assert governed(Listed(entries), "", []) == []


def test_every_table_in_or_below_the_folder_of_another_is_reported() -> None:
    outer, deep = table("silver.a", "s3://lake/a"), table("silver.c", "s3://lake/a/b/c")
    inner, beside = table("silver.b", "s3://lake/a/b"), table("silver.d", "s3://lake/a/d")
    found = [("overlap", "error", f"silver.{name}") for name in "bcd"]
    assert codes(outer, inner, deep, beside) == found
    assert codes(outer, table("silver.same", "s3://lake/a/")) == [("overlap", "error", "silver.same")]
