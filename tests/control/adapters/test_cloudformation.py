"""What CloudFormation takes long for, or cannot say: neither passes for a good answer."""

from typing import Any

import pytest

from control.adapters.cloudformation import MOST_LOOKS, CloudFormation
from control.config import Settings
from control.errors import UpstreamError


class Detecting:
    """CloudFormation while it compares a stack with what is there, whose detection ends in `state`."""

    def __init__(self, state: str, after: int) -> None:
        self.state, self.left = state, after

    def detect_stack_drift(self, **_: Any) -> dict[str, str]:
        return {"StackDriftDetectionId": "d-1"}

    def describe_stack_drift_detection_status(self, **_: Any) -> dict[str, str]:
        self.left -= 1
        why = {"DetectionStatusReason": "its role may not read the bucket"}
        return {"DetectionStatus": "DETECTION_IN_PROGRESS" if self.left >= 0 else self.state, **why}

    def describe_stack_resource_drifts(self, **_: Any) -> dict[str, Any]:
        return {"StackResourceDrifts": []}


def stacks(state: str, after: int) -> CloudFormation:
    found = CloudFormation(Settings(endpoint="http://127.0.0.1:1"), lambda _: None)
    found._client = Detecting(state, after)
    return found


def test_a_stack_without_drift_is_said_to_have_none_once_all_of_it_was_compared() -> None:
    assert stacks("DETECTION_COMPLETE", 3).drift("lake-dev-storage") == ()


def test_a_comparison_that_does_not_end_is_no_stack_without_drift() -> None:
    with pytest.raises(UpstreamError, match="still being detected"):
        stacks("DETECTION_COMPLETE", MOST_LOOKS).drift("lake-dev-storage")


def test_a_comparison_that_failed_says_why() -> None:
    with pytest.raises(UpstreamError, match="may not read the bucket"):
        stacks("DETECTION_FAILED", 0).drift("lake-dev-storage")
