"""A lakehouse for one test: a local cloud on free ports, and the commands that a person would type."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
from pyarrow.csv import ConvertOptions, ParseOptions, read_csv
from pyathena import connect
from pyathena.converter import DefaultTypeConverter

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOKEN_KEY = "a key for tests, as long as one has to be"
# Runs a command and returns what it prints.
Run = Callable[..., str]
Done = subprocess.CompletedProcess[str]
ICEBERG = (
    *(f"silver.{name}_state" for name in ("breweries", "beers", "profiles", "reviews")),
    "silver.review_flat",
    "gold.top_beers_by_rating",
    "gold.top_breweries_by_rating",
    "gold.top_styles_by_popularity",
    "gold.state_by_review_volume",
    "gold.top_drinkers",
)


@cache
def connected(endpoint: str, region: str, key_id: str, secret: str) -> Any:
    """Return a connection to an Athena; opening one takes longer than a query."""
    return connect(
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        s3_staging_dir="s3://lake/athena-results/",
        poll_interval=0.05,
    )


@dataclass(frozen=True, slots=True)
class Lakehouse:
    """Runs commands against one local cloud; `folder` is its scratch folder.

    Commands run as programs. If `dbt` is given, it runs dbt's commands instead, without the start-up time.
    """

    folder: Path
    env: dict[str, str]
    dbt: Callable[[Sequence[str], Path, Mapping[str, str]], Done] | None = None

    def run(self, *command: str, expect: int = 0, **env: str) -> str:
        """Run a command in the repository; return its stdout, plus stderr if it failed."""
        done = self.execute(command, ROOT, {**self.env, **env})
        assert done.returncode == expect, f"{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def execute(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Done:
        """Run a command in a folder with exactly the environment `env`, to its end."""
        program, *arguments = command
        if program == "dbt" and self.dbt is not None:
            return self.dbt(arguments, cwd, env)
        return subprocess.run(
            [str(BIN / program), *arguments],
            cwd=cwd,
            env=dict(env),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=500,
        )

    def dm(self, *arguments: str) -> Any:
        """Run a `dm` command with --json and return its parsed result."""
        return json.loads(self.run("dm", *arguments, "--json"))

    def build(self, *arguments: str, expect: int = 0) -> str:
        """Run `dbt build` on the target `local`, without unit tests, which tests/models runs."""
        paths = ("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs"))
        options = ("--profiles-dir", "profiles", "--exclude-resource-type", "unit_test")
        return self.run("dbt", "build", *options, *paths, *arguments, expect=expect)

    def results(self) -> dict[str, str]:
        """Return the status of every node of the last build."""
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        return {r["unique_id"]: r["status"] for r in results}

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Run a statement on the local Athena; return typed values."""
        cursor = self._executed(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return all rows of a table, from its result file: paging takes five times as long for 60,000."""
        cursor = self._executed(f"select * from {name}")
        bucket, _, key = cursor.output_location.removeprefix("s3://").partition("/")
        body = self.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        types = {column[0]: column[1] for column in cursor.description}
        found = read_csv(
            io.BytesIO(body),
            parse_options=ParseOptions(newlines_in_values=True),
            convert_options=ConvertOptions(
                column_types=dict.fromkeys(types, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        convert = DefaultTypeConverter().convert
        columns = [
            [convert(kind, value) for value in found[name].to_pylist()] for name, kind in types.items()
        ]
        return [dict(zip(types, row, strict=True)) for row in zip(*columns, strict=True)]

    def _executed(self, sql: str) -> Any:
        named = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return connected(*(self.env[name] for name in named)).cursor().execute(sql)

    def snapshots(self) -> dict[str, int]:
        """Return the number of snapshots of each table that dbt writes."""
        counts = {}
        for table in ICEBERG:
            schema, name = table.split(".")
            counts[table] = self.query(f'select count(*) as n from {schema}."{name}$snapshots"')[0]["n"]
        return counts

    def s3(self) -> Any:
        """Return a boto3 S3 client for this cloud."""
        return self._client("s3")

    def glue(self) -> Any:
        """Return a boto3 Glue client for this cloud."""
        return self._client("glue")

    def athena(self) -> Any:
        """Return a boto3 Athena client for this cloud."""
        return self._client("athena")

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def put(self, key: str, body: bytes) -> None:
        """Land one raw object."""
        self.s3().put_object(Bucket="lake", Key=key, Body=body)

    def download_raw(self) -> Path:
        """Copy every raw object to a folder, for the oracle."""
        target = self.folder / "raw-copy"
        client = self.s3()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix="raw/"):
            for item in page.get("Contents", []):
                path = target / item["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(client.get_object(Bucket="lake", Key=item["Key"])["Body"].read())
        return target


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would point at another cloud."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DM_", "DBT_"))}


def attach(folder: Path, cloud: Path) -> Lakehouse:
    """Return a lakehouse on the running local cloud of the folder `cloud`."""
    house = Lakehouse(folder, clean_environment() | {"DM_TOKEN_KEY": TOKEN_KEY})
    exports = json.loads(house.run("dm", "env", "--dir", str(cloud), "--json"))
    return Lakehouse(folder, house.env | exports)


def start(folder: Path, *options: str) -> Lakehouse:
    """Start a local cloud in `folder` on free ports with these options of `dm local up`."""
    cloud = folder / "cloud"
    up = ("dm", "local", "up", "--dir", str(cloud), "--port", "0", *options)
    Lakehouse(folder, clean_environment()).run(*up)
    return attach(folder, cloud)


@contextmanager
def temporary(folder: Path, *options: str) -> Iterator[Lakehouse]:
    """Yield a lakehouse in `folder`, as `start` makes it, and remove it afterwards."""
    house = start(folder, *options)
    try:
        yield house
    finally:
        house.run("dm", "local", "reset", "--dir", str(folder / "cloud"))
