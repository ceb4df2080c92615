"""The demo's steps under the roles of the deployment, with IAM enforced: they pass, and nothing else does."""

import json
from collections.abc import Iterator

import boto3
import pytest
import yaml
from call_patterns import key_names, summary
from rich.console import Console

from demo import demo, report, roles
from demo.steps import ROOT, StepFailedError, Steps
from localcloud.iam.policies import matches

DBT = ("dbt", "--no-use-colors", "build", "--profiles-dir", "profiles", "--target", "dev")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    folder = str(tmp_path_factory.mktemp("roles") / "cloud")
    found = Steps(Console(quiet=True))
    demo.start_cloud(found, folder, "enforce")
    found.env = {**found.env, "FOLDER": folder}
    yield found
    found.run_quietly("dm", "local", "reset", "--dir", folder)


def test_each_step_may_do_what_it_does_and_asks_for_nothing_that_was_not_recorded(steps: Steps) -> None:
    folder = steps.env["FOLDER"]
    land = ("dm", "sample", "land", "--rows", "100")
    steps.run("land", *land, role="engineer")
    steps.run("ingest", "dm", "ingest", "run", "--table", "brewery", "--until-idle", role="ingest")
    # Tests that look at other tables wait for a build that makes those.
    select = ("--select", "breweries_state", "breweries", "--indirect-selection", "cautious")
    steps.run(
        "build",
        *DBT,
        *select,
        "--exclude-resource-type",
        "unit_test",
        "--log-path",
        f"{folder}-logs",
        role="dbt",
    )
    calls = json.loads(steps.run_quietly("dm", "local", "calls", "--dir", folder, "--json"))
    assert [one for one in calls if one["refused"] or one["unjudged"]] == []
    env = steps.env
    stacks = boto3.client("cloudformation", env["AWS_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"],
                          aws_access_key_id="local", aws_secret_access_key="local")  # fmt: skip
    recorded = yaml.safe_load((ROOT / "infra" / "calls.yaml").read_text())["roles"]
    new = [
        f"{role}: {action} on {resource}"
        for role, actions in summary(calls, key_names(stacks)).items()
        for action, resources in actions.items()
        for resource in resources
        if not any(matches(one, resource) for one in recorded[role].get(action, ()))
    ]
    assert new == [], "record anew: make record-calls"


def test_an_analyst_reads_gold_only(steps: Steps) -> None:
    env = steps.env_of("analyst")
    assert isinstance(report.query(env, "show tables in {prefix}gold"), list)
    with pytest.raises(Exception, match="not authorized to perform: glue:GetTable") as refused:
        report.query(env, "select * from {prefix}bronze.brewery")
    assert "Insufficient permissions to execute the query" in str(refused.value)
    with pytest.raises(Exception, match="not authorized to perform: athena:StartQueryExecution"):
        report.query({**env, "DM_WORKGROUP": roles.name("build")}, "select 1")


def test_a_command_in_the_wrong_role_says_which_right_it_lacks(steps: Steps) -> None:
    with pytest.raises(StepFailedError, match="exit code 2") as refused:
        steps.run("ingest", "dm", "ingest", "run", "--table", "brewery", role="analyst")
    assert "assumed-role/beer-dev-analyst/local is not authorized to perform: dynamodb:" in str(refused.value)
    assert "table/beer-dev-control" in str(refused.value)
