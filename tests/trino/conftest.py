"""`make conformance-trino` runs these tests; they need `make trino` once, so `make test` leaves them out."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "localcloud/athena/sequences"))

from clouds import Clouds
from lakehouse import Lakehouse, start

from localcloud.config import ENGINES


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Start both clouds, empty, for the whole run: Trino needs half a minute to start."""
    folder = tmp_path_factory.mktemp("clouds")
    found: dict[str, Lakehouse] = {}
    try:
        for engine in ENGINES:
            found[engine] = start(folder / engine, "--engine", engine)
        yield Clouds(**found)
    finally:
        for house in found.values():
            house.run("dm", "local", "reset", "--dir", str(house.folder / "cloud"))


@pytest.fixture(scope="session")
def seed() -> int:
    """Return SEED of the environment, or a random one; failures print it."""
    return int(os.environ.get("SEED") or int.from_bytes(os.urandom(4)))
