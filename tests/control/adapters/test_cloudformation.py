"""Answers that the local CloudFormation never gives: paged, late, refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from control.adapters.cloudformation import MAX_POLLS, CloudFormation
from control.config import Settings
from control.errors import ControlError, UpstreamError, UsageError
from control.stacks import SeenStack

NAME = "lake-dev-storage"


class Detecting:
    """CloudFormation with a drift detection that ends in `state`."""

    def __init__(self, state: str, after: int) -> None:
        self.state, self.left = state, after

    def detect_stack_drift(self, **_: Any) -> dict[str, str]:
        return {"StackDriftDetectionId": "d-1"}

    def describe_stack_drift_detection_status(self, **_: Any) -> dict[str, str]:
        self.left -= 1
        why = {"DetectionStatusReason": "its role may not read the bucket"}
        return {"DetectionStatus": "DETECTION_IN_PROGRESS" if self.left >= 0 else self.state, **why}

    def describe_stack_resource_drifts(self, NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        named = {"LogicalResourceId": f"Queue{NextToken}", "ResourceType": "AWS::SQS::Queue"}
        page = {"StackResourceDrifts": [{**named, "StackResourceDriftStatus": "DELETED"}]}
        return page if NextToken else {**page, "NextToken": "2"}


def asking(client: object) -> CloudFormation:
    found = CloudFormation(Settings(endpoint="http://127.0.0.1:1"), lambda _: None)
    found._client = client
    return found


def stacks(state: str, after: int) -> CloudFormation:
    return asking(Detecting(state, after))


def test_all_pages_of_drifts_are_read_once_the_detection_has_ended() -> None:
    found = stacks("DETECTION_COMPLETE", 3).drift(NAME)
    assert [(one.logical, one.status) for one in found] == [("Queue", "DELETED"), ("Queue2", "DELETED")]


def test_a_drift_detection_that_does_not_end_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="still being detected"):
        stacks("DETECTION_COMPLETE", MAX_POLLS).drift(NAME)


def test_a_failed_drift_detection_says_why() -> None:
    with pytest.raises(UpstreamError, match="may not read the bucket"):
        stacks("DETECTION_FAILED", 0).drift(NAME)


class Proposing:
    """CloudFormation with one change set, which goes through these states."""

    def __init__(self, *states: str, reason: str = "", stack: str = "UPDATE_COMPLETE") -> None:
        self.states, self.reason, self.stack = list(states), reason, stack
        self.asked: list[str] = []

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"StackStatus": self.stack}]}

    def delete_change_set(self, **_: Any) -> dict[str, Any]:
        self.asked.append("drop")
        return {}

    def create_change_set(self, **request: Any) -> None:
        self.asked.append(request["ChangeSetType"])

    def delete_stack(self, **_: Any) -> None:
        self.asked.append("delete")

    def describe_change_set(self, NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        if len(self.states) > 1:
            return {"Status": self.states.pop(0)}
        change = {
            "Action": "Remove",
            "LogicalResourceId": f"Bucket{NextToken}",
            "ResourceType": "AWS::S3::Bucket",
        }
        page = {
            "Status": self.states[0],
            "StatusReason": self.reason,
            "Changes": [{"ResourceChange": change}],
        }
        return page if NextToken else {**page, "NextToken": "2"}


def test_all_pages_of_changes_are_read_so_that_no_data_loss_is_missed() -> None:
    client = Proposing("CREATE_PENDING", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    found = asking(client).propose(NAME, "{}", {})
    assert [(one.action, one.logical) for one in found] == [("Remove", "Bucket"), ("Remove", "Bucket2")]
    assert client.asked == ["drop", "UPDATE"]


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_a_change_set_that_failed_because_nothing_changes_is_empty(reason: str) -> None:
    assert asking(Proposing("FAILED", reason=reason)).propose(NAME, "{}", {}) == ()


def test_a_failed_change_set_says_why_and_is_deleted() -> None:
    client = Proposing("FAILED", reason="Unresolved resource dependencies [Key]")
    with pytest.raises(UsageError, match=r"Unresolved resource dependencies \[Key\]"):
        asking(client).propose(NAME, "{}", {})
    assert client.asked == ["drop", "UPDATE", "drop"]


def test_a_change_set_that_never_becomes_ready_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="is not ready yet"):
        asking(Proposing(*["CREATE_PENDING"] * (MAX_POLLS + 1), "CREATE_COMPLETE")).propose(NAME, "{}", {})


@pytest.mark.parametrize(("state", "goes"), [("REVIEW_IN_PROGRESS", True), ("UPDATE_COMPLETE", False)])
def test_withdrawing_a_proposal_deletes_only_a_stack_that_was_never_created(state: str, goes: bool) -> None:
    client = Proposing("CREATE_COMPLETE", stack=state)
    asking(client).withdraw(NAME)
    assert client.asked == ["drop", *(["delete"] if goes else [])]


class Refusing:
    """CloudFormation that answers every call with one error."""

    def __init__(self, code: str, said: str) -> None:
        self.answer: Any = {"Error": {"Code": code, "Message": said}}

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise ClientError(self.answer, name)

        return call


@pytest.mark.parametrize(
    ("code", "said", "expected", "words"),
    [
        (
            "AccessDenied",
            "x is not authorized to perform: y",
            UsageError,
            "x is not authorized to perform: y",
        ),
        ("ValidationError", "Stack [s] is in a bad state", UsageError, r"Stack \[s\] is in a bad state"),
        ("InsufficientCapabilitiesException", "no", UpstreamError, r"was refused \(Insufficient"),
    ],
)
def test_a_refusal_quotes_cloudformations_message(
    code: str, said: str, expected: type[ControlError], words: str
) -> None:
    refusing = asking(Refusing(code, said))
    for call in (
        refusing.get,
        refusing.execute,
        refusing.continue_rollback,
        refusing.delete,
        refusing.events,
    ):
        with pytest.raises(expected, match=words):
            call(NAME)


def test_an_absent_stack_or_change_set_is_no_error() -> None:
    absent = asking(Refusing("ValidationError", f"Stack with id {NAME} does not exist"))
    assert (absent.get(NAME), absent.events(NAME)) == (None, ())
    asking(Refusing("ChangeSetNotFound", "no such change set")).withdraw(NAME)
    assert asking(Proposing("")).get(NAME) == SeenStack(NAME, "UPDATE_COMPLETE", "", {}, ())


def test_a_type_that_cannot_be_erased_is_left() -> None:
    assert not asking(None).erase("AWS::RDS::DBCluster", "c")
