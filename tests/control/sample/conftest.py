import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from control.sample.delivery import Plan
from control.sample.landing import into_folder, land
from control.sample.shop import DATA, open_shop

Land = Callable[..., Path]


@pytest.fixture(scope="session")
def few_parents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with only its first 4,000 beers and profiles, so that tests do not read 100,000 loads."""
    folder = tmp_path_factory.mktemp("few")
    beers = rows("beer")[:4001]
    breweries = {beer[1] for beer in beers}
    write(folder, "beer", beers)
    write(folder, "brewery", [row for row in rows("brewery") if row[0] in breweries])
    write(folder, "profile", rows("profile")[:4001])
    return folder


@pytest.fixture(scope="session")
def landed(few_parents: Path, tmp_path_factory: pytest.TempPathFactory) -> Land:
    """Return a function that lands deliveries in a new folder: `landed([1, 2], rows=20_000, seed=1)`."""

    def run(deliveries: list[int], *, rows: int, seed: int = 1, chaos: int | None = None) -> Path:
        folder = tmp_path_factory.mktemp("lake")
        shop = open_shop(few_parents, rows=rows, seed=seed)
        for _ in land(shop, Plan(seed, chaos), deliveries, into_folder(folder)):
            pass
        return folder

    return run


def rows(table: str) -> list[list[str]]:
    with gzip.open(DATA / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def write(folder: Path, table: str, rows: list[list[str]]) -> None:
    with gzip.open(folder / f"{table}.csv.gz", "wt", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)
