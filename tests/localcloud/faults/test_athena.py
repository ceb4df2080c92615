"""Faults inside Athena under unmodified dbt-athena and boto3: how they react, and what is left."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud import launch, processes, supervisor
from localcloud.config import Settings
from localcloud.instance import Folder

FAULTS = """
[[fault]]
do = "conflict"
table = "*.events"
on = [2]

[[fault]]
do = "throttle"
call = "athena:StartQueryExecution"
on = [1, 2]

[[fault]]
do = "lose"
call = "athena:StartQueryExecution"
on = [4]

[[fault]]
do = "lose"
call = "glue:UpdateTable"
on = [2]

[[fault]]
do = "die"
point = "before commit"
table = "*.dies_before"
on = [2]

[[fault]]
do = "die"
point = "after commit"
table = "*.dies_after"
on = [2]
"""
PROFILE = """
faulty:
  target: local
  outputs:
    local:
      type: athena
      database: awsdatacatalog
      schema: faulty
      region_name: us-east-1
      s3_staging_dir: s3://lake/staging/
      s3_data_dir: s3://lake/data/
      s3_data_naming: schema_table_unique
      poll_interval: 0.05
      threads: 1
"""
MODEL = """
{{ config(materialized='incremental', incremental_strategy='append', table_type='iceberg') }}
select {% if is_incremental() %} 2 {% else %} 1 {% endif %} as n
"""
TWICE = """
import sys
from dbt.cli.main import dbtRunner
for _ in range(2):
    done = dbtRunner().invoke(["--no-partial-parse", "run", "--profiles-dir", "."])
    if not done.success:
        sys.exit(1)
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    file = tmp_path_factory.mktemp("faults") / "faults.toml"
    file.write_text(FAULTS)
    settings = Settings(tmp_path_factory.mktemp("cloud"), port=0, save_every=0, faults=file)
    supervisor.up(settings, lambda _: None)
    yield settings
    record = Folder(settings.folder).read()
    for part in record.parts if record else ():
        processes.kill(part.pid, part.started)


def run_dbt(project: Path, endpoint: str) -> None:
    """Run the project twice in one process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DBT_"))}
    environment |= launch.client_environment(endpoint, "us-east-1")
    environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    done = subprocess.run(
        [sys.executable, "-c", TWICE],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def client(settings: Settings) -> Any:
    return boto3.client(
        "athena",
        endpoint_url=supervisor.status(settings.folder).endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 4, "mode": "standard"}),
    )


def start(athena: Any, sql: str) -> str:
    started = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "faulty"})
    return str(started["QueryExecutionId"])


def run(settings: Settings, sql: str) -> list[str]:
    """Run a statement that must succeed; return its first column."""
    athena = client(settings)
    query = start(athena, sql)
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [row["Data"][0]["VarCharValue"] for row in rows[1:]]


def create(settings: Settings, table: str) -> None:
    properties = "tblproperties ('table_type' = 'ICEBERG')"
    run(settings, f"create table {table} (n int) location 's3://lake/{table}' {properties}")


def log(settings: Settings, part: str) -> str:
    return Folder(settings.folder).log(part).read_text()


def test_dbt_survives_throttling_a_lost_commit_and_lost_responses_without_duplicates(faulty, tmp_path):
    tmp_path.joinpath("dbt_project.yml").write_text("name: faulty\nversion: 1.0.0\nprofile: faulty\n")
    tmp_path.joinpath("profiles.yml").write_text(PROFILE)
    tmp_path.joinpath("models").mkdir()
    tmp_path.joinpath("models", "events.sql").write_text(MODEL)
    run_dbt(tmp_path, supervisor.status(faulty.folder).endpoint)
    assert run(faulty, "select n from events order by n") == ["1", "2"]
    struck = log(faulty, "aws") + log(faulty, "athena")
    assert struck.count("do=throttle at=athena:StartQueryExecution") == 2
    assert struck.count("do=lose at=athena:StartQueryExecution") == 1
    assert struck.count("do=conflict at=before commit faulty.events") == 1
    ended = [line for line in log(faulty, "athena").splitlines() if "kind=INSERT" in line]
    assert ["code=ICEBERG_COMMIT_ERROR" in line for line in ended] == [True, False]
    # The response that makes this commit visible is lost: the gateway must not commit again.
    create(faulty, "lost")
    run(faulty, "insert into lost values (7)")
    assert "do=lose at=glue:UpdateTable" in log(faulty, "aws")
    assert run(faulty, "select n from lost") == ["7"]


def test_a_row_is_absent_after_a_crash_before_its_commit_and_present_once_after_it(faulty):
    run(faulty, "create database if not exists faulty")
    for table, left in (("dies_before", ["1"]), ("dies_after", ["1", "2"])):
        create(faulty, table)
        run(faulty, f"insert into {table} values (1)")
        athena = client(faulty)
        query = start(athena, f"insert into {table} values (2)")
        with pytest.raises(athena.exceptions.InternalServerException, match="dm local up"):
            deque(iter(partial(athena.get_query_execution, QueryExecutionId=query), None), maxlen=0)
        assert supervisor.up(faulty, lambda _: None).new == ("athena",)
        assert run(faulty, f"select n from {table} order by n") == left
