"""Apply and destroy from every state that CloudFormation can leave a stack in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_stacks import NoClock, ScriptedStacks

from control.deploy import apply, order, states
from control.deploy.apply import Environment
from control.deploy.template import Template
from control.errors import UpstreamError, UsageError
from control.stacks import ResourceChange, StackEvent

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
STORE = Template(
    "store",
    {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", **KEPT}, "Role": {"Type": "AWS::IAM::Role"}},
        "Outputs": {"B": {"Value": "b", "Export": {"Name": "B"}}},
    },
)
WORK = Template(
    "work",
    {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"B": {"Fn::ImportValue": "B"}}}}},
)
TEMPLATES = {"work": WORK, "store": STORE}
VALUES = {"Project": "p", "Environment": "dev"}
BOTH = Environment(TEMPLATES, VALUES, order.order(TEMPLATES))
ONE = replace(BOTH, chosen=("store",))


def _apply(environment: Environment, stacks: ScriptedStacks, **options: object) -> tuple[str, ...]:
    return apply.apply(environment, stacks, NoClock(), lambda *_: None, **options)  # type: ignore[arg-type]


def test_stacks_are_created_after_those_that_they_import_from() -> None:
    stacks = ScriptedStacks()
    assert _apply(BOTH, stacks) == ("store", "work")
    assert stacks.asked == [
        "propose p-dev-store",
        "execute p-dev-store",
        "propose p-dev-work",
        "execute p-dev-work",
    ]


def test_apply_uses_the_stacks_role_and_plan_does_not() -> None:
    named, stacks = replace(ONE, values={**VALUES, "StacksRole": "arn:r"}), ScriptedStacks()
    _apply(named, stacks)
    stacks.states["p-dev-store"] = ["CREATE_COMPLETE"]
    list(apply.plan(named, stacks))
    proposed = [one for one in stacks.asked if one.startswith("propose")]
    assert proposed == ["propose p-dev-store by arn:r", "propose p-dev-store"]


def test_a_stack_without_changes_is_not_updated() -> None:
    stacks = ScriptedStacks({"p-dev-store": ["CREATE_COMPLETE"]}, {"p-dev-store": ()})
    assert _apply(ONE, stacks) == ()
    assert stacks.asked == ["propose p-dev-store", "withdraw p-dev-store"]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_a_failed_creation_is_deleted_and_repeated(status: str) -> None:
    stacks = ScriptedStacks({"p-dev-store": [status]})
    assert _apply(ONE, stacks) == ("store",)
    assert stacks.asked == ["delete p-dev-store", "propose p-dev-store", "execute p-dev-store"]


def test_a_failed_rollback_is_continued_first() -> None:
    stacks = ScriptedStacks({"p-dev-store": ["UPDATE_ROLLBACK_FAILED"]})
    assert _apply(ONE, stacks) == ("store",)
    assert stacks.asked[0] == "continue p-dev-store"


def test_a_rollback_that_keeps_failing_is_an_error_after_a_few_tries() -> None:
    again: list[str | None] = ["UPDATE_ROLLBACK_FAILED"]
    stacks = ScriptedStacks({"p-dev-store": list(again)}, after={"continue p-dev-store": again})
    with pytest.raises(UpstreamError, match="stays in UPDATE_ROLLBACK_FAILED"):
        _apply(ONE, stacks)
    assert stacks.asked.count("continue p-dev-store") == 4


def test_apply_waits_for_another_runs_update() -> None:
    stacks = ScriptedStacks(
        {"p-dev-store": ["UPDATE_IN_PROGRESS"] * 5 + ["UPDATE_COMPLETE"]}, {"p-dev-store": ()}
    )
    assert _apply(ONE, stacks) == ()


def test_an_abandoned_proposal_is_replaced() -> None:
    stacks = ScriptedStacks({"p-dev-store": ["REVIEW_IN_PROGRESS"]})
    assert _apply(ONE, stacks) == ("store",)
    assert stacks.asked == ["propose p-dev-store", "execute p-dev-store"]


def test_a_failed_deletion_needs_a_person() -> None:
    stacks = ScriptedStacks({"p-dev-store": ["DELETE_FAILED"]})
    with pytest.raises(UpstreamError, match="DELETE_FAILED") as caught:
        _apply(ONE, stacks)
    assert "delete it again" in caught.value.hint
    assert stacks.asked == []


@given(st.sampled_from(["CREATE", "UPDATE", "ROLLBACK", "DELETE", "IMPORT", "UPDATE_ROLLBACK", "NEW"]),
       st.sampled_from(["IN_PROGRESS", "COMPLETE", "FAILED", "COMPLETE_CLEANUP_IN_PROGRESS"]))  # fmt: skip
def test_every_state_has_a_step_and_only_finished_stacks_are_updated(verb: str, end: str) -> None:
    step = states.next_step(f"{verb}_{end}")
    assert step in ("create", "update", "wait", "clear", "roll back", "stop")
    assert (step == "wait") is end.endswith("IN_PROGRESS")
    # Stacks that may hold data are never deleted.
    assert step != "clear" or verb in ("ROLLBACK", "CREATE")


@pytest.mark.parametrize(
    "change",
    [
        ResourceChange("Modify", "Bucket", "AWS::S3::Bucket", "b", "True", ("BucketName",)),
        ResourceChange("Modify", "Bucket", "AWS::S3::Bucket", "b", "Conditional", ("BucketName",)),
        ResourceChange("Remove", "Gone", "AWS::DynamoDB::Table", "t"),
    ],
)
def test_data_is_not_replaced_or_removed_unless_it_is_named(change: ResourceChange) -> None:
    stacks = ScriptedStacks({"p-dev-store": ["UPDATE_COMPLETE"]}, {"p-dev-store": (change,)})
    with pytest.raises(UsageError, match="would replace or remove data") as caught:
        _apply(ONE, stacks)
    assert f"--allow-replace store.{change.logical}" in caught.value.hint
    assert stacks.asked == ["propose p-dev-store", "withdraw p-dev-store"]
    assert _apply(ONE, stacks, allowed=frozenset({f"store.{change.logical}"})) == ("store",)


def test_resources_without_data_may_be_replaced() -> None:
    change = ResourceChange("Modify", "Role", "AWS::IAM::Role", "r", "True", ("RoleName",))
    stacks = ScriptedStacks({"p-dev-store": ["UPDATE_COMPLETE"]}, {"p-dev-store": (change,)})
    assert _apply(ONE, stacks) == ("store",)


def test_the_cause_of_a_failure_is_named_not_its_consequences() -> None:
    failed = (
        StackEvent("3", "Role", "AWS::IAM::Role", "CREATE_FAILED", "Resource creation cancelled"),
        StackEvent("2", "Bucket", "AWS::S3::Bucket", "CREATE_FAILED", "b already exists"),
        StackEvent("1", "Bucket", "AWS::S3::Bucket", "CREATE_IN_PROGRESS", ""),
    )
    stacks = ScriptedStacks(
        history={"p-dev-store": failed},
        after={"execute p-dev-store": ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]},
    )
    with pytest.raises(UpstreamError, match=r"Bucket \(AWS::S3::Bucket\): b already exists"):
        _apply(BOTH, stacks)
    assert "propose p-dev-work" not in stacks.asked


def test_the_error_for_a_missing_permission_has_a_hint() -> None:
    failed = (
        StackEvent(
            "1", "F", "AWS::Lambda::Function", "CREATE_FAILED", "X is not authorized to perform: kms:D"
        ),
    )
    stacks = ScriptedStacks(
        history={"p-dev-store": failed}, after={"execute p-dev-store": ["ROLLBACK_COMPLETE"]}
    )
    with pytest.raises(UpstreamError, match="kms:D") as caught:
        _apply(ONE, stacks)
    assert "permission" in caught.value.hint


def test_an_interrupted_run_continues_where_it_stopped() -> None:
    stacks = ScriptedStacks(
        after={"execute p-dev-store": ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]}
    )

    class Interrupted(NoClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply.apply(BOTH, stacks, Interrupted(), lambda *_: None)
    stacks.changes["p-dev-store"] = ()
    assert _apply(BOTH, stacks) == ("work",)


def test_planning_leaves_nothing_behind() -> None:
    stacks = ScriptedStacks({"p-dev-store": ["CREATE_COMPLETE"]})
    store, work = apply.plan(BOTH, stacks)
    assert [change.logical for change in work.changes] == ["F"]
    assert (store.step, work.step) == ("update", "create")
    assert stacks.asked == ["propose p-dev-store", "withdraw p-dev-store"]


def test_stacks_are_deleted_in_reverse_order_and_kept_data_is_named() -> None:
    stacks = ScriptedStacks(
        {"p-dev-store": ["CREATE_COMPLETE"], "p-dev-work": ["CREATE_COMPLETE"]},
        parts={"p-dev-store": {"Bucket": ("AWS::S3::Bucket", "b"), "Role": ("AWS::IAM::Role", "r")}},
    )
    removals = list(apply.removals(ONE, stacks, with_data=False))
    assert [(one.name, one.goes) for one in removals] == [("work", True), ("store", True)]
    assert removals[1].kept == (("Bucket", "AWS::S3::Bucket", "b"),)
    assert apply.destroy(removals, ONE, stacks, NoClock(), lambda *_: None, with_data=False) == ()
    assert stacks.asked == ["delete p-dev-work", "delete p-dev-store"]


def test_keys_stay_unless_data_is_deleted_too() -> None:
    keys = Template("keys", {"Resources": {"Key": {"Type": "AWS::KMS::Key", **KEPT}}})
    environment = Environment({"keys": keys}, VALUES, ("keys",))
    stacks = ScriptedStacks(
        {"p-dev-keys": ["CREATE_COMPLETE"]}, parts={"p-dev-keys": {"Key": ("AWS::KMS::Key", "k")}}
    )
    [kept] = apply.removals(environment, stacks, with_data=False)
    assert not kept.goes
    [gone] = apply.removals(environment, stacks, with_data=True)
    apply.destroy([gone], environment, stacks, NoClock(), lambda *_: None, with_data=True)
    assert stacks.asked == ["delete p-dev-keys", "erase k"]


def test_resources_that_could_not_be_deleted_are_returned() -> None:
    source = Template(
        "source", {"Resources": {"S": {"Type": "AWS::RDS::DBCluster", "DeletionPolicy": "Snapshot"}}}
    )
    environment = Environment({"source": source}, VALUES, ("source",))
    stacks = ScriptedStacks(
        {"p-dev-source": ["CREATE_COMPLETE"]}, parts={"p-dev-source": {"S": ("AWS::RDS::DBCluster", "c")}}
    )
    removals = list(apply.removals(environment, stacks, with_data=True))
    assert apply.destroy(removals, environment, stacks, NoClock(), lambda *_: None, with_data=True) == ("c",)


def test_a_cycle_of_imports_is_refused() -> None:
    circle = {
        name: Template(
            name,
            {
                "Resources": {"R": {"Type": "T", "Properties": {"P": {"Fn::ImportValue": other}}}},
                "Outputs": {"O": {"Value": "v", "Export": {"Name": name}}},
            },
        )
        for name, other in (("a", "b"), ("b", "a"))
    }
    with pytest.raises(UsageError, match="import from one another"):
        order.order(circle)


def test_an_import_without_an_export_is_refused() -> None:
    with pytest.raises(UsageError, match="work imports B"):
        order.order({"work": WORK})
