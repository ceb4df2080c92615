import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from bronze_lake import Lake, local_cloud


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Start a cloud for the module; return its lake of four empty bronze tables."""
    folder = tmp_path_factory.mktemp("lake")
    started = json.loads(
        local_cloud("up", "--port", "0", "--bucket", "lake", "--json", folder=folder / "cloud")
    )
    lake = Lake(folder, started["endpoint"])
    try:
        lake.create_bronze()
        yield lake
    finally:
        local_cloud("reset", folder=folder / "cloud")
