"""`dm deploy destroy` deletes nothing without confirmation, and data only if the environment is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from control.cli import deploy
from control.cli.deploy_context import UNKNOWN, Context
from control.config import Settings
from control.deploy import order, parameters, template
from control.deploy.apply import Environment
from control.errors import UsageError
from control.stacks import SeenStack

INFRA = Path(__file__).parents[3] / "infra"
BUCKET = {"LakeBucket": ("AWS::S3::Bucket", "beer-dev-lake")}
KEY = {"LakeKey": ("AWS::KMS::Key", "key-1")}


class Standing:
    """Two stacks that exist until they are deleted, one with a bucket and one with a key."""

    def __init__(self) -> None:
        self.there = {"beer-dev-storage": BUCKET, "beer-dev-keys": KEY}
        self.erased: list[str] = []
        self.stubborn = ""

    def get(self, name: str) -> SeenStack | None:
        return SeenStack(name, "CREATE_COMPLETE", "", {}, ()) if name in self.there else None

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        return self.there[name]

    def events(self, _name: str) -> tuple[()]:
        return ()

    def delete(self, name: str) -> None:
        del self.there[name]

    def erase(self, _kind: str, physical: str) -> bool:
        self.erased.append(physical)
        return physical != self.stubborn


@pytest.fixture
def stacks() -> Standing:
    return Standing()


@pytest.fixture
def destroy(stacks: Standing, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    templates = template.read(INFRA / "templates")
    given = {**parameters.of_environment(INFRA, "dev"), **UNKNOWN}
    standing: Any = stacks
    nobody: Any = None
    environment = Environment(templates, given, order.order(templates))
    context = Context(environment, Settings(), standing, nobody, nobody)
    monkeypatch.setattr(deploy, "open_context", lambda *_, **__: context)
    return lambda *arguments: CliRunner().invoke(deploy.command, ["destroy", "dev", *arguments])


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("--delete-data",),
        ("--delete-data", "--yes"),
        ("--delete-data", "--confirm", "beer"),
        ("--delete-data", "--yes", "--confirm", "beer-prod"),
    ],
)
def test_nothing_is_deleted_without_confirmation_nor_data_without_the_whole_name(
    stacks: Standing, destroy: Callable[..., Result], said: tuple[str, ...]
) -> None:
    result = destroy(*said)
    assert isinstance(result.exception, UsageError)
    assert "nothing was changed" in result.exception.message or "--yes" in result.exception.hint
    assert (set(stacks.there), stacks.erased) == ({"beer-dev-storage", "beer-dev-keys"}, [])


def test_destroying_only_stacks_keeps_data_and_its_keys(
    stacks: Standing, destroy: Callable[..., Result]
) -> None:
    result = destroy("--yes")
    assert (result.exit_code, "1 stack deleted" in result.output) == (0, True), result.output
    assert (set(stacks.there), stacks.erased) == ({"beer-dev-keys"}, [])


def test_data_is_deleted_with_its_stacks_if_the_environment_is_named(
    stacks: Standing, destroy: Callable[..., Result]
) -> None:
    result = destroy("--delete-data", "--confirm", "beer-dev")
    assert result.exit_code == 0, result.output
    assert (stacks.there, stacks.erased) == ({}, ["beer-dev-lake", "key-1"])


def test_leftovers_are_named_and_fail_the_command(stacks: Standing, destroy: Callable[..., Result]) -> None:
    stacks.stubborn = "beer-dev-lake"
    result = destroy("--delete-data", "--confirm", "beer-dev")
    assert result.exit_code == 1
    assert "left: beer-dev-lake" in result.output
