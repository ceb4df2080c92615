"""The whole dbt project builds on Trino, and creates the same tables as on DuckDB."""

import csv
import io
import os

import pytest
from clouds import Clouds
from gateway import Gateway
from lakehouse import ROOT, Lakehouse

ROWS = os.environ.get("ROWS") or "10000"
SEED = "11"
BUILD = "_build"
TABLES = sorted(
    f"{path.parent.name}.{path.stem}"
    for path in ROOT.joinpath("models").glob("*/*.sql")
    if path.parent.name in ("silver", "gold")
)


@pytest.mark.timeout(3600)
def test_two_deliveries_give_the_same_tables_on_both_engines(clouds: Clouds) -> None:
    assert len(TABLES) > 10
    for delivery in (1, 2):
        for house in clouds.both:
            _deliver(house, delivery)
        for table in TABLES:
            on_duckdb, on_trino = (_rows(house, table) for house in clouds.both)
            assert len(on_trino) == len(on_duckdb), (delivery, table)
            different = [row for row, other in zip(on_trino, on_duckdb, strict=True) if row != other]
            assert different == [], (delivery, table)
            print(f"delivery {delivery}: {table}: {len(on_trino) - 1} rows are the same", flush=True)


def _deliver(house: Lakehouse, number: int) -> None:
    house.dm("sample", "land", "--rows", ROWS, "--seed", SEED, "--delivery", str(number))
    house.dm("ingest", "run", "--until-idle")
    house.build()


def _rows(house: Lakehouse, table: str) -> list[list[str]]:
    """Return the result file of all rows: the header, then the rows sorted by their text.

    The column that names the build is left out, because it differs in every build.
    """
    text = Gateway(house).result_file(f"select * from {table}").decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    kept = [at for at, name in enumerate(header) if name != BUILD]
    return [header, *sorted([row[at] for at in kept] for row in rows)]
