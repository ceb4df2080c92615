"""The demo's steps under the deployed roles, with IAM enforced: they are allowed, and nothing else is."""

import io
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from call_patterns import key_names, summary
from record_calls import DEPLOYERS, aws, make_stacks_role
from rendered import properties
from rich.console import Console

from control.deploy import packages
from demo import demo, report, roles
from demo.steps import ROOT, StepFailedError, Steps
from localcloud.iam.policies import matches

DBT = ("dbt", "--no-use-colors", "build", "--profiles-dir", "profiles", "--target", "dev")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    """Start a cloud that enforces IAM, with its roles."""
    folder = str(tmp_path_factory.mktemp("roles") / "cloud")
    found = Steps(Console(quiet=True))
    demo.start_cloud(found, folder, "enforce")
    found.env = {**found.env, "FOLDER": folder}
    roles.take(found, folder, ("retention",))
    yield found
    found.run_quietly("dm", "local", "reset", "--dir", folder)


@pytest.fixture(scope="module")
def steps(cloud: Steps) -> Steps:
    """Return that cloud with the state of breweries built, each step in its role."""
    folder = cloud.env["FOLDER"]
    land = ("dm", "sample", "land", "--rows", "100")
    cloud.run("land", *land, role="engineer")
    cloud.run("ingest", "dm", "ingest", "run", "--table", "brewery", "--until-idle", role="ingest")
    # dbt tests that read other tables are for builds that create those.
    select = ("--select", "breweries_state", "breweries", "--indirect-selection", "cautious")
    cloud.run(
        "build",
        *DBT,
        *select,
        "--exclude-resource-type",
        "unit_test",
        "--log-path",
        f"{folder}-logs",
        role="dbt",
    )
    return cloud


def test_each_step_is_allowed_and_makes_only_recorded_calls(steps: Steps) -> None:
    files = json.loads(steps.run_quietly("dm", "files", "list", "--json", role="engineer"))
    refused = [file["file_id"] for file in files if file["quarantined"]]
    steps.run("waive", "dm", "quarantine", "waive", *refused, "--reason", "seen", role="engineer")
    let_go = retention(steps, *(f"--{kind}-days=0" for kind in ("raw", "bronze", "quarantine")))
    assert sum(objects["tagged"] for objects in let_go) > 0
    assert [objects for objects in retention(steps) if objects["returned"]], "too young objects are restored"
    used = ("engineer", "ingest", "dbt", "retention")
    assert refused_or_new(steps, *used) == ([], []), "for new calls: make record-calls"


# Like CodeBuild after the install phase: the libraries are there, and nothing of this repository.
PYTHON = f"""#!/bin/sh
PYTHONPATH="$PYTHONPATH:{sysconfig.get_path("purelib")}" exec {sys.executable} -S "$@"
"""


def test_scheduled_maintenance_works_from_its_archive_in_its_role(steps: Steps, tmp_path: Path) -> None:
    table = "silver.breweries_state"
    for _ in range(5):
        columns = "brewery_id, brewery_name, _seq, _rev, _deleted, _batch"
        report.query(
            steps.env_of("dbt"),
            f"insert into {{prefix}}{table} select -brewery_id, {columns.partition(', ')[2]}"
            f" from {{prefix}}{table} limit 1",
        )
    assert made_of(steps, table)["files"] > 5
    [content] = packages.project(ROOT).objects.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text(PYTHON)
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)

    lease = "update {prefix}ops.lease set holder = '%s', who = 'bob'"
    report.query(steps.env_of("dbt"), lease % "b1")
    assert "skipped: build b1 of bob is at work" in started(steps, tmp_path)
    assert made_of(steps, table)["files"] > 5
    report.query(steps.env_of("dbt"), lease % "")
    assert f"{steps.env['DM_SCHEMA_PREFIX']}{table} is in order." in started(steps, tmp_path)
    assert made_of(steps, table)["files"] == 1
    kept = made_of(steps, table)["versions"]
    assert kept > 5, "the snapshots are younger than five days"
    steps.run("maintain", "dm", "maintain", "run", "--keep-days", "0", role="dbt")
    assert made_of(steps, table)["versions"] == 1
    assert refused_or_new(steps, "dbt") == ([], []), "for new calls: make record-calls"


def started(steps: Steps, folder: Path) -> str:
    """Run the build commands of the dbt project as the maintenance machine starts them; return the output."""
    project = properties("compute", "DbtProject", "dev")
    variables = {one["Name"]: str(one["Value"]) for one in project["Environment"]["EnvironmentVariables"]}
    definition = json.loads(properties("control", "MaintenanceMachine", "dev")["DefinitionString"])
    [state] = [one for one in definition["States"].values() if one["Type"] == "Task"]
    variables |= {one["Name"]: one["Value"] for one in state["Parameters"]["EnvironmentVariablesOverride"]}
    session = {name: value for name, value in steps.env_of("dbt").items() if name.startswith("AWS_")}
    output = ""
    for command in yaml.safe_load(project["Source"]["BuildSpec"])["phases"]["build"]["commands"]:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={"PATH": os.defpath, **variables, **session},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        output += done.stderr
    return output


def made_of(steps: Steps, table: str) -> dict[str, int]:
    """Return the numbers of files and snapshots of a table."""
    name = f"{steps.env['DM_SCHEMA_PREFIX']}{table}"
    [found] = json.loads(steps.run_quietly("dm", "maintain", "plan", name, "--json", role="engineer"))
    measure: dict[str, int] = found["before"]
    return measure


def retention(steps: Steps, *ages: str) -> list[Any]:
    """Run retention in the role of its function; return the objects of each table."""
    output = steps.run("retention", "dm", "retention", "run", "--json", *ages, role="retention")
    return [one["objects"] for one in json.loads(output)]


def refused_or_new(steps: Steps, *of: str) -> tuple[list[Any], list[str]]:
    """Return these roles' calls that were refused or unjudged, and those missing from the record."""
    names = {role: roles.name(role) for role in of}
    listed = steps.run_quietly("dm", "local", "calls", "--dir", steps.env["FOLDER"], "--json")
    calls = [one for one in json.loads(listed) if one["role"] in names.values()]
    assert {one["role"] for one in calls} == set(names.values())
    stacks = aws(steps.env)("cloudformation")
    recorded = yaml.safe_load((ROOT / "infra" / "calls.yaml").read_text())["roles"]
    new = [
        f"{role}: {action} on {resource}"
        for role, actions in summary(calls, key_names(stacks)).items()
        for action, resources in actions.items()
        for resource in resources
        if not any(matches(one, resource) for one in recorded[role].get(action, ()))
    ]
    return [one for one in calls if one["refused"] or one["unjudged"]], new


def test_a_deployer_plans_applies_checks_and_destroys_only_through_the_stack_role(
    steps: Steps, tmp_path: Path
) -> None:
    make_stacks_role(steps)
    values = [part for one in DEPLOYERS for part in ("--set", one)]
    steps.run("make the deployer", "dm", "deploy", "apply", "dev", "access", "--yes", *values)
    roles.take(steps, steps.env["FOLDER"], ("deploy",))
    archive = tmp_path / "functions.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("README", "Another archive than the one that is deployed.")
    both = ("control", "observability")
    for verb, *more in (
        ("plan", *both, *values),
        ("apply", *both, *values, "--yes", "--control-zip", str(archive)),
        ("apply", *both, *values, "--yes", "--control-zip", str(archive)),  # already uploaded
        ("status",),
        ("drift", "control"),
        ("destroy", "observability", "--yes"),
    ):
        steps.run(verb, "dm", "deploy", verb, "dev", *more, role="deploy")
    assert refused_or_new(steps, "deploy") == ([], []), "for new calls: make record-calls"
    env = steps.env_of("deploy")
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteTable"):
        aws(env)("dynamodb").delete_table(TableName=env["DM_CONTROL_TABLE"])
    other = ("--set", "StacksRole=arn:aws:iam::123456789012:role/administrator")
    with pytest.raises(StepFailedError, match="not authorized to perform: iam:PassRole"):
        steps.run("apply", "dm", "deploy", "apply", "dev", "control", "--yes", *other, role="deploy")


def test_an_analyst_reads_gold_only(steps: Steps) -> None:
    env = steps.env_of("analyst")
    assert isinstance(report.query(env, "show tables in {prefix}gold"), list)
    with pytest.raises(Exception, match="not authorized to perform: glue:GetTable") as refused:
        report.query(env, "select * from {prefix}bronze.brewery")
    assert "Insufficient permissions to execute the query" in str(refused.value)
    with pytest.raises(Exception, match="not authorized to perform: athena:StartQueryExecution"):
        report.query({**env, "DM_WORKGROUP": roles.name("build")}, "select 1")


def test_a_command_in_the_wrong_role_names_the_missing_permission(steps: Steps) -> None:
    with pytest.raises(StepFailedError, match="exit code 2") as refused:
        steps.run("ingest", "dm", "ingest", "run", "--table", "brewery", role="analyst")
    assert "assumed-role/beer-dev-analyst/local is not authorized to perform: dynamodb:" in str(refused.value)
    assert "table/beer-dev-control" in str(refused.value)
