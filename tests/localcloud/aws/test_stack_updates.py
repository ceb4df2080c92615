"""A failed update restores everything, also resources that had been replaced."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.cloudformation import kinds, work
from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.kinds import Kind, Made
from localcloud.cloudformation.model import Stack


@dataclass
class Boxes:
    """Boxes by name; a new one is empty. `bad` cannot be created, and `stuck` cannot be deleted."""

    there: dict[str, str] = field(default_factory=dict)

    def secret(self, arn: str, version: str) -> str:
        return f"{arn} {version}"

    def create(self, properties: Any) -> Made:
        name = properties["Name"]
        if name == "bad" or name in self.there:
            raise ValidationError(f"{name} cannot be made")
        self.there[name] = ""
        return Made(name, {"Name": name})

    def adopt(self, properties: Any) -> Made | None:
        name = properties["Name"]
        return Made(name, {"Name": name}) if name in self.there else None

    def delete(self, physical: str) -> None:
        if physical == "stuck":
            raise ValidationError("stuck cannot be deleted")
        del self.there[physical]


BOX = Kind(
    frozenset({"Name", "Near"}),
    lambda boxes, properties: boxes.create(properties),  # type: ignore[attr-defined]
    lambda boxes, physical: boxes.delete(physical),  # type: ignore[attr-defined]
    lambda _boxes, _physical, _properties: None,
    replaced_by=frozenset({"Name"}),
    adopt=lambda boxes, properties: boxes.adopt(properties),  # type: ignore[attr-defined]
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> work.World:
    monkeypatch.setattr(kinds, "of", lambda _: BOX)
    return work.World(Boxes(), {}, dict)  # type: ignore[arg-type]


def template(**names: str) -> dict[str, Any]:
    """Return a template of boxes with these names, each created after the one before."""
    resources: dict[str, Any] = {}
    for logical, name in names.items():
        near = {"Near": {"Ref": list(resources)[-1]}} if resources else {}
        resources[logical] = {"Type": "Box", "Properties": {"Name": name, **near}}
    return {"Resources": resources}


def made(world: work.World, **names: str) -> tuple[Stack, dict[str, str]]:
    stack = Stack("s", "id", "REVIEW_IN_PROGRESS")
    work.create(stack, template(**names), {}, world, False)
    there: dict[str, str] = world.clients.there  # type: ignore[attr-defined]
    there |= dict.fromkeys(there, "data")
    return stack, there


def test_a_replaced_resource_is_restored_with_its_data_when_a_later_step_fails(world: work.World) -> None:
    stack, there = made(world, A="one", B="two")
    work.update(stack, template(A="other", B="two", C="bad"), {}, world, False)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert there == {"one": "data", "two": "data"}
    assert {one.logical: one.physical for one in stack.resources.values()} == {"A": "one", "B": "two"}
    assert stack.resources["B"].properties["Near"] == "one"


def test_a_removed_resource_is_restored_with_its_data_when_an_output_fails(world: work.World) -> None:
    stack, there = made(world, A="one", B="two")
    wrong = {"X": {"Value": {"Ref": "Nothing"}}}
    work.update(stack, {**template(A="one"), "Outputs": wrong}, {}, world, False)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert there == {"one": "data", "two": "data"}


def test_replaced_resources_are_deleted_last_and_may_fail_to_delete(world: work.World) -> None:
    stack, there = made(world, A="one", B="stuck")
    work.update(stack, template(A="other", B="free"), {}, world, False)
    assert stack.status == "UPDATE_COMPLETE"
    assert there == {"other": "", "free": "", "stuck": "data"}
    assert [one.physical for one in stack.events if one.status == "DELETE_FAILED"] == ["stuck"]


@pytest.mark.parametrize(
    ("policies", "stays"),
    [
        ({"UpdateReplacePolicy": "Retain"}, True),
        ({"UpdateReplacePolicy": "Snapshot"}, True),
        ({"DeletionPolicy": "Retain"}, False),
        ({"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Delete"}, False),
    ],
)
def test_only_the_update_replace_policy_retains_a_replaced_resource(
    world: work.World, policies: dict[str, str], stays: bool
) -> None:
    stack, there = made(world, A="one")
    other = template(A="other")
    other["Resources"]["A"] |= policies
    work.update(stack, other, {}, world, False)
    assert stack.status == "UPDATE_COMPLETE"
    assert ("one" in there) is stays


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("RetainExceptOnCreate", False)])
def test_a_failed_update_deletes_what_it_created_unless_retained(
    world: work.World, policy: str, stays: bool
) -> None:
    stack, there = made(world, A="one")
    wrong = template(A="one", B="new", C="bad")
    wrong["Resources"]["B"]["DeletionPolicy"] = policy
    work.update(stack, wrong, {}, world, False)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert there == {"one": "data", **({"new": ""} if stays else {})}
    assert list(stack.resources) == ["A"]


@pytest.mark.parametrize("first", [True, False])
def test_a_resource_older_than_its_stack_survives_a_failure(world: work.World, first: bool) -> None:
    if first:
        stack, there = Stack("s", "id", "REVIEW_IN_PROGRESS"), world.clients.there  # type: ignore[attr-defined]
        act = work.create
    else:
        stack, there = made(world, A="one")
        act = work.update
    there["old"] = "data"
    wrong = template(A="one", B="old", C="bad")
    wrong["Resources"]["B"]["DeletionPolicy"] = "RetainExceptOnCreate"
    act(stack, wrong, {}, world, True)
    assert stack.status == ("ROLLBACK_COMPLETE" if first else "UPDATE_ROLLBACK_COMPLETE")
    assert there == {"old": "data", **({} if first else {"one": "data"})}


def test_a_failed_rollback_is_reported_and_ends_the_operation(
    world: work.World,
) -> None:
    stack, there = made(world, A="stuck", B="bad")
    assert (stack.status, stack.reason) == ("ROLLBACK_FAILED", "stuck cannot be deleted")
    assert list(there) == ["stuck"]
    assert not stack.busy


def test_a_resource_cannot_change_its_type(world: work.World) -> None:
    stack, _ = made(world, A="one")
    other = {"Resources": {"A": {"Type": "Crate", "Properties": {"Name": "one"}}}}
    with pytest.raises(ValidationError, match=r"resource type is not permitted.*: \[A\]$"):
        work.changes(stack, other, {}, world)


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"A": {"Near": {"Ref": "B"}}, "B": {"Near": {"Ref": "A"}}}, r"Circular dependency .*: \[A, B\]$"),
        ({"A": {"Near": {"Ref": "A"}}}, r"Circular dependency between resources: \[A\]$"),
    ],
)
def test_resources_that_refer_to_each_other_are_refused(
    world: work.World, resources: dict[str, Any], why: str
) -> None:
    found = {name: {"Type": "Box", "Properties": one} for name, one in resources.items()}
    with pytest.raises(ValidationError, match=why):
        work.changes(Stack("s", "id", ""), {"Resources": found}, {}, world)


@pytest.mark.parametrize("key", ["DependsOn", "Condition"])
def test_a_reference_to_a_missing_resource_or_condition_is_named(world: work.World, key: str) -> None:
    box = {"Type": "Box", "Properties": {"Name": "one"}, key: "Nowhere"}
    with pytest.raises(ValidationError, match=r"Unresolved .* \[Nowhere\] in the Resources block"):
        work.changes(Stack("s", "id", ""), {"Resources": {"A": box}}, {}, world)
