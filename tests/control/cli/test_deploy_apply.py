"""`dm deploy apply` uploads archives, reports what it did, and writes the settings."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from control.adapters.memory import MemoryObjects
from control.cli import deploy
from control.cli.deploy_context import UNKNOWN, Context
from control.config import Settings
from control.deploy import parameters, template
from control.deploy.apply import Environment
from control.deploy.packages import Package
from control.errors import UsageError
from control.stacks import ResourceChange, SeenStack, StackOutput

INFRA = Path(__file__).parents[3] / "infra"
OUTPUTS = {
    "beer-dev-storage": (
        StackOutput("CodeBucket", "beer-dev-code", ""),
        StackOutput("Lake", "beer's lake", "DM_BUCKET"),
    )
}


class Growing:
    """Stacks that exist once their change set is executed, and never change after that."""

    def __init__(self, objects: MemoryObjects) -> None:
        self.objects, self.there = objects, dict[str, dict[str, str]]()
        self.proposed: dict[str, dict[str, str]] = {}
        self.uploaded_before: list[str] = []

    def get(self, name: str) -> SeenStack | None:
        if name not in self.there:
            return None
        return SeenStack(name, "CREATE_COMPLETE", "", self.there[name], OUTPUTS.get(name, ()))

    def propose(self, name: str, _body: str, values: dict[str, str], role: str = "") -> tuple[Any, ...]:
        self.proposed[name] = dict(values)
        if self.there.get(name) == values:
            return ()
        self.uploaded_before += [f"{name}: {one.key}" for one in self.objects.list("s3://beer-dev-code/")]
        return (ResourceChange("Add", "Thing", "AWS::S3::Bucket"),)

    def withdraw(self, _name: str) -> None:
        """Do nothing."""

    def execute(self, name: str) -> None:
        self.there[name] = self.proposed[name]

    def events(self, _name: str) -> tuple[()]:
        return ()


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def stacks(objects: MemoryObjects) -> Growing:
    return Growing(objects)


@pytest.fixture
def apply(
    stacks: Growing, objects: MemoryObjects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Result]:
    given = {**parameters.of_environment(INFRA, "dev"), **UNKNOWN}
    environment = Environment(template.read(INFRA / "templates"), given, ("storage", "control", "compute"))
    standing: Any = stacks
    nobody: Any = None
    context = Context(environment, Settings(region="eu-west-1"), standing, objects, nobody)
    project = Package("ProjectCodeKey", "project/1.zip", {"project/1.zip": b"project"})
    monkeypatch.setattr(deploy, "open_context", lambda *_, **__: context)
    monkeypatch.setattr(deploy, "archives", lambda _: [project])
    (tmp_path / "control.zip").write_bytes(b"functions")
    common = ["--control-zip", str(tmp_path / "control.zip"), "--write", str(tmp_path / "new" / "dev.env")]
    return lambda *more: CliRunner().invoke(deploy.command, ["apply", "dev", *common, *more])


def test_archives_are_uploaded_once_and_before_the_stack_that_names_them(
    apply: Callable[..., Result], stacks: Growing, objects: MemoryObjects
) -> None:
    first = apply("--yes", "--json")
    assert first.exit_code == 0, first.output
    control = stacks.there["beer-dev-control"]["ControlCodeKey"]
    assert stacks.uploaded_before == [
        f"beer-dev-control: {control}",
        f"beer-dev-compute: {control}",
        "beer-dev-compute: project/1.zip",
    ]
    assert objects.get(f"s3://beer-dev-code/{control}") == b"functions"
    said = [json.loads(line)["event"] for line in first.stderr.splitlines()]
    assert said.count("package.uploaded") == 2
    again = apply("--yes", "--json")
    assert json.loads(again.stdout)["changed"] == []
    said = [json.loads(line)["event"] for line in again.stderr.splitlines()]
    assert (said.count("package.known"), said.count("package.uploaded")) == (2, 0)


def test_the_settings_file_can_be_sourced(apply: Callable[..., Result], tmp_path: Path) -> None:
    result = apply("--yes")
    target = tmp_path / "new" / "dev.env"
    assert result.stdout == f"3 of 3 stacks changed\nsettings for dm and dbt are in {target}: source it\n"
    shown = subprocess.run(
        ["/bin/sh", "-c", f". '{target}' && echo \"$AWS_REGION $DM_BUCKET\""],
        capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    assert shown.stdout == "eu-west-1 beer's lake\n"


def test_without_confirmation_nothing_is_created_or_uploaded(
    apply: Callable[..., Result], stacks: Growing, objects: MemoryObjects
) -> None:
    assert isinstance(apply().exception, UsageError)
    assert (stacks.there, list(objects.list("s3://"))) == ({}, [])
