import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import processes, supervisor
from localcloud.athena.catalog import Catalog, connect
from localcloud.config import Settings

FAKE_ATHENA = Path(__file__).parents[1] / "life" / "fake_athena.py"
BUCKET = "lake"


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a local cloud for this session: S3, Glue and the rest, with a fake instead of its Athena."""
    folder = tmp_path_factory.mktemp("cloud")
    settings = Settings(folder=folder, port=0, buckets=(BUCKET,), athena=(sys.executable, str(FAKE_ATHENA)))
    record = supervisor.up(settings, lambda _: None).record
    yield record.endpoint
    for part in record.parts:
        processes.kill(part.pid, part.started)


@pytest.fixture(scope="session")
def catalog(endpoint: str) -> Catalog:
    """Return the gateway's own clients of that cloud."""
    return connect(endpoint)


@pytest.fixture
def database(catalog: Catalog, request: pytest.FixtureRequest) -> str:
    """Create an empty database for the test."""
    name = f"d{abs(hash(request.node.nodeid))}"
    catalog.glue.create_database(DatabaseInput={"Name": name})
    return name
