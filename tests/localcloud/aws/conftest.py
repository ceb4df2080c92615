import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud import processes, supervisor
from localcloud.config import Settings

FAKE_ATHENA = Path(__file__).parents[1] / "life" / "fake_athena.py"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[supervisor.Record]:
    """Start one local cloud for all tests of this folder, with a fake Athena part."""
    folder = tmp_path_factory.mktemp("cloud")
    settings = Settings(folder=folder, port=0, athena=(sys.executable, str(FAKE_ATHENA)))
    record = supervisor.up(settings, lambda _: None).record
    yield record
    for part in record.parts:
        processes.kill(part.pid, part.started)


@pytest.fixture(scope="session")
def endpoint(running: supervisor.Record) -> str:
    return running.endpoint


@pytest.fixture(scope="session")
def client(endpoint: str) -> Callable[[str], Any]:
    @cache
    def make(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(max_pool_connections=32),
        )

    return make


@pytest.fixture
def changed(client: Callable[[str], Any]) -> Callable[[str, str, str], tuple[str, str]]:
    """Return a function that executes a change set; it returns the stack's status and the reason."""
    cloudformation = client("cloudformation")

    def change(stack: str, body: str, kind: str) -> tuple[str, str]:
        named = {"StackName": stack, "ChangeSetName": "c"}
        cloudformation.create_change_set(**named, ChangeSetType=kind, TemplateBody=body)
        cloudformation.execute_change_set(**named)
        while True:
            [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found["StackStatus"], found.get("StackStatusReason", "")
            time.sleep(0.02)

    return change


@pytest.fixture
def bucket(client: Callable[[str], Any], request: pytest.FixtureRequest) -> str:
    """Create a bucket for the test."""
    name = f"b{abs(hash(request.node.nodeid))}"
    client("s3").create_bucket(Bucket=name)
    return name
