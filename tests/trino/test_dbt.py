"""The whole dbt project builds on Trino, and makes the tables that it makes on DuckDB."""

from pathlib import Path
from typing import Any

from clouds import Clouds
from lakehouse import ROOT, Lakehouse

ROWS = "20000"
SEED = "11"
TABLES = sorted(
    f"{path.parent.name}.{path.stem}"
    for path in (Path(ROOT) / "models").glob("*/*.sql")
    if path.parent.name in ("silver", "gold")
)


def _deliver(house: Lakehouse, number: int) -> None:
    house.dm("sample", "land", "--rows", ROWS, "--seed", SEED, "--delivery", str(number))
    house.dm("ingest", "run", "--until-idle")
    house.build()


def _rows(house: Lakehouse, table: str) -> list[str]:
    """Every row of a table as text, sorted; columns in the table's order."""
    return sorted(map(_text, house.query(f"select * from {table}")))


def _text(row: dict[str, Any]) -> str:
    return repr(list(row.items()))


def test_two_deliveries_make_the_same_tables_on_both_engines(clouds: Clouds) -> None:
    assert len(TABLES) > 10
    for delivery in (1, 2):
        for house in clouds.both:
            _deliver(house, delivery)
        for table in TABLES:
            on_duckdb, on_trino = (_rows(house, table) for house in clouds.both)
            assert len(on_trino) == len(on_duckdb), (delivery, table)
            assert on_trino == on_duckdb, (delivery, table)
            print(f"delivery {delivery}: {table}: {len(on_trino)} rows are the same")
