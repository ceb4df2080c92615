from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud import processes, supervisor
from localcloud.config import Settings

# Parsed AWS models are shared, connections are not. Not thread-safe: create clients before threads start.
SESSION = boto3.Session("local", "local", region_name="us-east-1")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the endpoint of a whole local cloud with a database `d`."""
    settings = Settings(tmp_path_factory.mktemp("cloud"), port=0, save_every=1)
    record = supervisor.up(settings, lambda _: None).record
    new_client(record.endpoint, "glue").create_database(DatabaseInput={"Name": "d"})
    yield record.endpoint
    for part in record.parts:
        processes.kill(part.pid, part.started)


def new_client(endpoint: str, service: str) -> Any:
    return SESSION.client(service, endpoint_url=endpoint, config=Config(max_pool_connections=4))


class Client:
    """boto3 with its own connections, like a separate program."""

    def __init__(self, endpoint: str) -> None:
        self.athena = new_client(endpoint, "athena")

    def start(self, sql: str) -> str:
        context = {"Database": "d"}
        started = self.athena.start_query_execution(QueryString=sql, QueryExecutionContext=context)
        return str(started["QueryExecutionId"])

    def states(self, *queries: str) -> set[str]:
        """Return the current states. GetQueryExecution would wait a while for each query's end."""
        found = self.athena.batch_get_query_execution(QueryExecutionIds=list(queries))["QueryExecutions"]
        return {one["Status"]["State"] for one in found}

    def end(self, query: str) -> str:
        while True:
            found = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] in ENDED:
                return str(found["Status"]["State"])

    def run(self, sql: str) -> list[tuple[str, ...]]:
        query = self.start(sql)
        state = self.end(query)
        assert state == "SUCCEEDED", self.athena.get_query_execution(QueryExecutionId=query)
        rows = self.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return [tuple(one.get("VarCharValue", "") for one in row["Data"]) for row in rows[1:]]


@pytest.fixture(scope="session")
def new(endpoint: str) -> Callable[[], Client]:
    """Return a function that creates clients which share nothing."""
    return lambda: Client(endpoint)
