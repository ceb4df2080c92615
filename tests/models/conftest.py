import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from bronze_lake import Lake, local_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a cloud for the process; return its endpoint."""
    folder = tmp_path_factory.mktemp("cloud")
    started = json.loads(local_cloud("up", "--port", "0", "--bucket", "lake", "--json", folder=folder))
    try:
        yield started["endpoint"]
    finally:
        local_cloud("reset", folder=folder)


@pytest.fixture(scope="module")
def lake(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return that cloud with a lake of four empty bronze tables, and a folder of its own."""
    return Lake(tmp_path_factory.mktemp("lake"), cloud).emptied()
