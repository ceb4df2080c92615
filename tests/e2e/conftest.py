import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "control" / "catalog"))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from lakehouse import Lakehouse, start


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    """An empty lakehouse that ends with the test."""
    house = start(tmp_path)
    try:
        yield house
    finally:
        house.run("dm", "local", "reset", "--dir", str(tmp_path / "cloud"))
