"""What tests of `dm` do to a lake of two tables: land files, run commands, read rows."""

import gzip
import io
import json
from typing import Any

import click.testing
import pyarrow.parquet as pq

from control.adapters.aws import client
from control.adapters.s3 import S3Objects
from control.cli.main import dm
from control.config import Settings

BREWERIES = b"brewery_id,brewery_name\n1,Alpha\n2,Beta\nx,Gamma\n"
PROFILES = b"profile_id,profile_name,email,state\n7,ann,ann@example.org,OR\n8,bob,bob@example.org\n"


def land(lake: Settings, key: str, body: bytes) -> None:
    """Land one raw file, packed."""
    S3Objects(lake).put(f"s3://{lake.bucket}/raw/{key}", gzip.compress(body, mtime=0))


def invoke(*arguments: str, code: int = 0) -> click.testing.Result:
    """Run `dm`, which has to end with `code`."""
    result = click.testing.CliRunner().invoke(dm, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def answer(*arguments: str, code: int = 0) -> Any:
    """What `dm` says as JSON."""
    return json.loads(invoke(*arguments, "--json", code=code).stdout)


def rows(lake: Settings, table: str) -> list[dict[str, Any]]:
    """Rows of a bronze table as a reader finds them: through Glue's partitions."""
    glue = client(lake, "glue").get_partitions(DatabaseName=f"{lake.schema_prefix}bronze", TableName=table)
    objects = S3Objects(lake)
    found = []
    for partition in glue["Partitions"]:
        for stored in objects.list(partition["StorageDescriptor"]["Location"]):
            table_rows = pq.read_table(io.BytesIO(objects.get(stored.uri))).to_pylist()
            found += [{**row, "batch": int(partition["Values"][1])} for row in table_rows]
    return sorted(found, key=lambda row: (row["batch"], row["_line"]))
