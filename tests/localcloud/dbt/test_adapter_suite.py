"""The runner of dbt-athena's own suite: what it passes to the tests, and how it reports them."""

import subprocess
import sys
from pathlib import Path

SUITE = Path(__file__).with_name("adapter_suite.py")
TESTS = """
import os
import boto3
import pytest

def test_a_statement_runs():
    place = os.environ["DBT_TEST_ATHENA_S3_STAGING_DIR"]
    athena = boto3.client("athena", region_name=os.environ["DBT_TEST_ATHENA_REGION_NAME"])
    query = athena.start_query_execution(
        QueryString="select 1",
        WorkGroup=os.environ["DBT_TEST_ATHENA_WORK_GROUP"],
        ResultConfiguration={"OutputLocation": place},
    )["QueryExecutionId"]
    found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    assert found["Status"]["State"] == "SUCCEEDED"
    assert "AWS_PROFILE" not in os.environ

@pytest.mark.skip(reason="not for everyone")
def test_that_is_skipped(): ...

class TestAthenaEmptySeedFlag:
    def test_build(self):
        assert False
"""


def run(checkout: Path, tests: str) -> subprocess.CompletedProcess[str]:
    folder = checkout / "dbt-athena/tests/functional"
    folder.mkdir(parents=True)
    folder.joinpath("test_made_up.py").write_text(tests)
    command = [sys.executable, str(SUITE), str(checkout), "--workers", "0"]
    return subprocess.run(command, env={"AWS_PROFILE": "production"}, capture_output=True, text=True)


def test_a_test_that_cannot_pass_is_listed_with_its_reason_and_is_no_failure(tmp_path: Path) -> None:
    done = run(tmp_path, TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, not_ours, skipped, counts = done.stdout.splitlines()
    assert not_ours.endswith(
        "TestAthenaEmptySeedFlag::test_build: needs the option `seed --empty` of a newer dbt-core"
    )
    assert skipped.endswith("::test_that_is_skipped: not for everyone")
    assert counts == "1 not ours, 1 passed, 1 skipped"


def test_any_other_failure_is_listed_and_sets_the_exit_code(tmp_path: Path) -> None:
    done = run(tmp_path, TESTS.replace("SeedFlag", ""))
    assert done.returncode == 1
    assert "failed: tests.functional.test_made_up.TestAthenaEmpty::test_build: " in done.stdout
    assert done.stdout.endswith("1 failed, 1 passed, 1 skipped\n")


def test_a_folder_that_is_not_a_checkout_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SUITE), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "is no checkout of dbt-labs/dbt-adapters" in done.stderr
