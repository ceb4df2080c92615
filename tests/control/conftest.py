import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from control.config import Settings

sys.path.insert(0, str(Path(__file__).parent))
_names = itertools.count()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Start a moto server (S3, Glue and DynamoDB over HTTP) for the session and return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings of a lake on that server whose bucket, table and databases no other test uses."""
    number = next(_names)
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "DM_BUCKET": f"lake{number}",
        "DM_CONTROL_TABLE": f"control{number}",
        "DM_SCHEMA_PREFIX": f"t{number}_",
        "DM_CONTRACTS": str(tmp_path / "contracts"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(
        bucket=environment["DM_BUCKET"],
        control_table=environment["DM_CONTROL_TABLE"],
        schema_prefix=environment["DM_SCHEMA_PREFIX"],
        contracts=tmp_path / "contracts",
        endpoint=endpoint,
    )
