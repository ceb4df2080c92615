"""The output of `dm deploy`: changed values, unchanged stacks, costs, and which states are failures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from control.cli import deploy
from control.cli.deploy_context import UNKNOWN, Context
from control.cli.deploy_output import print_costs, print_plan, print_removals, progress
from control.config import Settings
from control.deploy import apply, order, parameters, template
from control.deploy.apply import Environment, Planned, Removal
from control.deploy.prices import Line
from control.errors import NotFoundError
from control.stacks import Drift, ResourceChange, SeenStack

INFRA = Path(__file__).parents[3] / "infra"
SIZE = ResourceChange("Modify", "IngestFunction", "AWS::Lambda::Function", "f", "False", ("MemorySize",))


class Deployed:
    """Stacks in these states, deployed with the values of dev."""

    def __init__(self, states: dict[str, str]) -> None:
        self.states, self.values = states, parameters.of_environment(INFRA, "dev")

    def get(self, name: str) -> SeenStack | None:
        status = self.states.get(name.removeprefix("beer-dev-"))
        reason = "a reason" if status and "FAILED" in status else ""
        return SeenStack(name, status, reason, self.values, ()) if status else None

    def propose(self, _name: str, _body: str, values: dict[str, str]) -> tuple[ResourceChange, ...]:
        differ = any(self.values.get(key, value) != value for key, value in values.items())
        return (SIZE,) if differ else ()

    def drift(self, _name: str) -> tuple[Drift, ...]:
        return ()

    def withdraw(self, _name: str) -> None:
        """Do nothing."""


def environment(*names: str, **values: str) -> Environment:
    templates = template.read(INFRA / "templates")
    given = {**parameters.of_environment(INFRA, "dev"), **UNKNOWN, **values}
    return Environment(templates, given, names or order.order(templates))


def said_of(what: str, monkeypatch: pytest.MonkeyPatch, states: dict[str, str], *names: str) -> Result:
    stacks: Any = Deployed(states)
    nobody: Any = None
    context = Context(environment(*names), Settings(), stacks, nobody, nobody)
    monkeypatch.setattr(deploy, "open_context", lambda *_, **__: context)
    return CliRunner().invoke(deploy.command, [what, "dev", *names, "--infra", str(INFRA)])


def status(monkeypatch: pytest.MonkeyPatch, states: dict[str, str], *names: str) -> Result:
    return said_of("status", monkeypatch, states, *names)


def test_a_plan_shows_changed_values_and_the_properties_they_change(capsys: Any) -> None:
    stacks: Any = Deployed({"keys": "CREATE_COMPLETE", "control": "UPDATE_COMPLETE"})
    print_plan(list(apply.plan(environment("keys", "control", IngestMemoryMb="2048"), stacks)), "dev")
    said = capsys.readouterr().out
    assert "control: IngestMemoryMb is 3008 and becomes 2048" in said
    assert "control.IngestFunction: modify (MemorySize)" in said
    assert "1 of 2 stacks would change: dm deploy apply dev" in said
    [keys] = [line for line in said.splitlines() if line.startswith("keys")]
    assert keys.split() == ["keys", "CREATE_COMPLETE", "0", "0", "0", "0", "nothing"]


def test_a_plan_without_a_change_says_so(capsys: Any) -> None:
    stacks: Any = Deployed({"keys": "CREATE_COMPLETE"})
    print_plan(list(apply.plan(environment("keys"), stacks)), "dev")
    assert capsys.readouterr().out.endswith("Nothing would change.\n")


def test_a_removal_of_data_is_reported_separately(capsys: Any) -> None:
    lost = replace(SIZE, logical="LakeBucket", replacement="True")
    print_plan([Planned("storage", "UPDATE_COMPLETE", "update", (lost,), (lost,))], "dev")
    said = capsys.readouterr()
    assert "storage.LakeBucket: replaced (MemorySize)" in said.out
    assert said.err == "refused: storage.LakeBucket holds data and would be removed\n"


def test_costs_are_aligned_and_unknown_ones_are_named(capsys: Any) -> None:
    print_costs([Line("a", "key", 2, 2.0), Line("a", "db", 1, 1438.0), Line("a", "AWS::SQS::Queue", 1, None)])
    said = capsys.readouterr().out
    points = {line.rstrip().rindex(".") for line in said.splitlines() if line.startswith("a ")}
    assert len(points) == 1
    assert "1,440.00 dollars a month" in said
    assert "not estimated (billed by use, or no public price): SQS::Queue" in said


def test_deleting_keys_warns_of_data_that_an_earlier_destroy_left(capsys: Any) -> None:
    keys = Removal("keys", True, (("LakeKey", "AWS::KMS::Key", "k"),))
    storage = Removal("storage", True, (("LakeBucket", "AWS::S3::Bucket", "b"),))
    templates = template.read(INFRA / "templates")
    print_removals([keys], templates, with_data=True)
    said = capsys.readouterr().err
    assert "LakeKey (AWS::KMS::Key) k: DELETED WITH ITS DATA" in said
    assert (
        "not deployed: catalog, control, source, storage, stream. Data that an earlier destroy left" in said
    )
    print_removals([storage, keys], templates, with_data=True)
    assert "not deployed: catalog, control, source, stream." in capsys.readouterr().err
    print_removals([replace(keys, goes=False)], templates, with_data=False)
    assert capsys.readouterr().err.splitlines() == [
        "keys: stays, because its keys have no name to find them by",
        "  LakeKey (AWS::KMS::Key) k: stays",
    ]


def test_a_missing_stack_fails_status_only_if_named_or_if_all_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = status(monkeypatch, {"keys": "CREATE_COMPLETE"})
    assert found.exit_code == 0
    assert "1 of 10 stacks exist" in found.output
    assert status(monkeypatch, {"keys": "CREATE_COMPLETE"}, "stream").exit_code == 1
    assert status(monkeypatch, {}).exit_code == 1


def test_drift_skips_missing_stacks_unless_named_or_all_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = said_of("drift", monkeypatch, {"keys": "CREATE_COMPLETE"})
    assert (found.exit_code, found.output) == (0, "1 stack compared; resources that differ: 0\n")
    for states, names in (({}, ()), ({"keys": "CREATE_COMPLETE"}, ("stream",))):
        found = said_of("drift", monkeypatch, states, *names)
        assert isinstance(found.exception, NotFoundError)
        assert "of dev in us-east-1 do not exist: stream" in found.exception.message or not names
        assert found.output == ""


def test_a_failed_stack_is_a_failure_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    found = status(monkeypatch, {"keys": "CREATE_COMPLETE", "storage": "UPDATE_ROLLBACK_FAILED"})
    assert found.exit_code == 1
    assert "a reason" in found.output


@pytest.mark.parametrize(
    ("event", "fields", "line"),
    [
        ("stack.changing", {"stack": "keys", "changes": 2}, "keys: 2 to change"),
        (
            "resource.event",
            {"stack": "p-keys", "resource": "LakeKey", "status": "CREATE_FAILED", "reason": "no leave"},
            "  p-keys.LakeKey: CREATE_FAILED: no leave",
        ),
        ("package.uploaded", {"key": "a.zip", "size_bytes": 1234}, "a.zip uploaded, 1,234 bytes"),
        ("something.new", {"a": 1, "b": 2}, "something.new: a 1, b 2"),
    ],
)
def test_progress_is_one_readable_line(event: str, fields: dict[str, object], line: str) -> None:
    assert progress(event, fields) == line
