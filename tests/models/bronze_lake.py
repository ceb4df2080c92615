"""A local cloud with hand-written bronze tables, dbt on top of it, and queries on its Athena."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import loaded_dbt
import pyarrow as pa
import pyarrow.parquet as pq
from pyathena import connect

from bronze import contract
from bronze.events import EVENT_HIVE_COLUMNS, EVENT_SCHEMA

ROOT = Path(__file__).resolve().parents[2]
BRONZE = ("brewery", "beer", "profile", "review")
INGESTED = "2024-05-01"
AWS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
Row = dict[str, Any]
_epochs = count(1)


@cache
def connected(endpoint: str) -> Any:
    """Return a connection to the cloud's Athena; opening one takes longer than a query."""
    return connect(
        endpoint_url=endpoint, s3_staging_dir="s3://lake/athena-results/", poll_interval=0.05, **AWS
    )


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that say where AWS or the lake is."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DM_", "DBT_"))}


def dbt(folder: Path, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run dbt in the repository; it writes its files to `folder`."""
    paths = ("--profiles-dir", "profiles", "--target-path", str(folder / "target"), "--log-path", str(folder))
    return loaded_dbt.run(("--no-use-colors", *arguments, *paths), ROOT, env)


@dataclass(frozen=True, slots=True)
class Lake:
    """A local cloud: publish bronze batches, run dbt, query Athena."""

    folder: Path
    endpoint: str
    published: dict[str, list[list[Row]]] = field(default_factory=lambda: {table: [] for table in BRONZE})
    # In the paths of its bronze files, which no other lake of the same cloud has.
    epoch: int = field(default_factory=_epochs.__next__)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this cloud."""
        return boto3.client(service, endpoint_url=self.endpoint, **AWS)

    def publish(self, table: str, rows: Iterable[Row], events: Iterable[Row] = ()) -> None:
        """Write `rows` as the next batch of a bronze table, its events first, as ingestion does."""
        self.published[table].append(list(rows))
        batch = len(self.published[table])
        common = {"_file_id": "f", "_line": 1, "_record": 0}
        if events := [{**common, **event} for event in events]:
            self._add_partition(f"{table}_events", batch, pa.Table.from_pylist(events, EVENT_SCHEMA))
        schema = contract.load(ROOT / f"contracts/bronze/{table}.yaml").arrow_schema
        found = pa.Table.from_pylist([{**common, **row} for row in self.published[table][-1]], schema)
        self._add_partition(table, batch, found)

    def _add_partition(self, table: str, batch: int, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        folder = f"bronze/{table}/{self.epoch}/{batch}"
        body = sink.getvalue().to_pybytes()
        self.client("s3").put_object(Bucket="lake", Key=f"{folder}/f-00000.parquet", Body=body)
        self.client("glue").create_partition(
            DatabaseName="bronze",
            TableName=table,
            PartitionInput={
                "Values": [INGESTED, str(batch)],
                "Parameters": {},
                "StorageDescriptor": storage(table, f"s3://lake/{folder}"),
            },
        )

    def create_bronze(self) -> None:
        """Register the four bronze tables and their event tables, without any batch."""
        glue = self.client("glue")
        glue.create_database(DatabaseInput={"Name": "bronze"})
        for table in (*BRONZE, *(f"{name}_events" for name in BRONZE)):
            glue.create_table(
                DatabaseName="bronze",
                TableInput={
                    "Name": table,
                    "TableType": "EXTERNAL_TABLE",
                    "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
                    "PartitionKeys": [
                        {"Name": "ingest_date", "Type": "string"},
                        {"Name": "batch", "Type": "bigint"},
                    ],
                    "StorageDescriptor": storage(table, f"s3://lake/bronze/{table}"),
                },
            )

    def emptied(self) -> "Lake":
        """Return the same cloud with an empty lake in it."""
        glue, s3 = self.client("glue"), self.client("s3")
        for database in glue.get_databases()["DatabaseList"]:
            glue.delete_database(Name=database["Name"])
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="lake"):
            found = [{"Key": one["Key"]} for one in page.get("Contents", [])]
            if found:
                s3.delete_objects(Bucket="lake", Delete={"Objects": found})
        lake = Lake(self.folder, self.endpoint)
        lake.create_bronze()
        return lake

    def dbt(self, *arguments: str, expect: int = 0) -> str:
        """Run dbt on the target `local` and return its output."""
        done = dbt(self.folder, *arguments, env=clean_environment() | {"AWS_ENDPOINT_URL": self.endpoint})
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def dm(self, *arguments: str, expect: int = 0) -> str:
        """Run dm on this cloud and return its output."""
        env = clean_environment() | {"AWS_ENDPOINT_URL": self.endpoint}
        env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        command = [str(Path(sys.executable).parent / "dm"), *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def statuses(self) -> dict[str, str]:
        """Return the status of every model of the last run, by name."""
        results = json.loads((self.folder / "target/run_results.json").read_text())["results"]
        models = (result for result in results if result["unique_id"].startswith("model."))
        return {result["unique_id"].split(".")[2]: result["status"] for result in models}

    def rows(self, sql: str) -> list[Row]:
        """Run a query on Athena; return typed values by column name."""
        cursor = connected(self.endpoint).cursor()
        cursor.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def storage(table: str, location: str) -> dict[str, Any]:
    """Return Glue's storage descriptor of a bronze table or partition."""
    columns = EVENT_HIVE_COLUMNS
    if not table.endswith("_events"):
        columns = contract.load(ROOT / f"contracts/bronze/{table}.yaml").hive_columns
    formats = "org.apache.hadoop.hive.ql.io.parquet."
    return {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        "Location": location,
        "InputFormat": formats + "MapredParquetInputFormat",
        "OutputFormat": formats + "MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": formats + "serde.ParquetHiveSerDe"},
    }


def local_cloud(*arguments: str, folder: Path) -> str:
    """Run a command of the local cloud whose state is in `folder`."""
    command = [sys.executable, "-m", "localcloud", *arguments, "--dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
