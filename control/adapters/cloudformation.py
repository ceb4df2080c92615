"""CloudFormation stacks, changed through change sets only."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from control.adapters.aws import REFUSED, client, translated
from control.config import Settings
from control.errors import UpstreamError, UsageError
from control.stacks import Drift, ResourceChange, SeenStack, StackEvent, StackOutput

# One name for all change sets: a newer one replaces the older one.
CHANGE_SET = "dm-deploy"
POLL_SECONDS = 1.0
MAX_POLLS = 600
UNCHANGED = ("didn't contain changes", "No updates are to be performed")


class CloudFormation:
    """The stacks of one account and region."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._endpoint, self._sleep = settings, settings.endpoint, sleep
        self._client = client(settings, "cloudformation")

    def get(self, name: str) -> SeenStack | None:
        """See Stacks."""
        answer = self._ask(name, self._client.describe_stacks)
        if answer is None:
            return None
        found = answer["Stacks"][0]
        return SeenStack(
            name,
            found["StackStatus"],
            found.get("StackStatusReason", ""),
            {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", ())},
            tuple(
                StackOutput(one["OutputKey"], one["OutputValue"], one.get("Description", ""))
                for one in found.get("Outputs", ())
            ),
        )

    def propose(
        self, name: str, body: str, parameters: Mapping[str, str], role: str = ""
    ) -> tuple[ResourceChange, ...]:
        """See Stacks."""
        seen = self.get(name)
        fresh = seen is None or seen.status == "REVIEW_IN_PROGRESS"
        self._drop_proposal(name)
        with self._translated(name):
            self._client.create_change_set(
                StackName=name,
                ChangeSetName=CHANGE_SET,
                ChangeSetType="CREATE" if fresh else "UPDATE",
                TemplateBody=body,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
                ],
                Capabilities=["CAPABILITY_NAMED_IAM"],
                # Adopts resources that an earlier stack of this name has retained, with their data.
                ImportExistingResources=True,
                **({"RoleARN": role} if role else {}),
            )
        return self._proposed(name)

    def withdraw(self, name: str) -> None:
        """See Stacks."""
        self._drop_proposal(name)
        seen = self.get(name)
        if seen is not None and seen.status == "REVIEW_IN_PROGRESS":
            self.delete(name)

    def execute(self, name: str) -> None:
        """See Stacks."""
        with self._translated(name):
            self._client.execute_change_set(StackName=name, ChangeSetName=CHANGE_SET)

    def continue_rollback(self, name: str) -> None:
        """See Stacks."""
        with self._translated(name):
            self._client.continue_update_rollback(StackName=name)

    def delete(self, name: str) -> None:
        """See Stacks."""
        with self._translated(name):
            self._client.delete_stack(StackName=name)

    def events(self, name: str) -> tuple[StackEvent, ...]:
        """See Stacks."""
        found = (self._ask(name, self._client.describe_stack_events) or {}).get("StackEvents", ())
        return tuple(
            StackEvent(
                one["EventId"],
                one["LogicalResourceId"],
                one["ResourceType"],
                one["ResourceStatus"],
                one.get("ResourceStatusReason", ""),
            )
            for one in found
        )

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """See Stacks."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
        with self._translated(name):
            return {
                one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", ""))
                for page in pages
                for one in page["StackResourceSummaries"]
                if one["ResourceStatus"] != "DELETE_COMPLETE"
            }

    def drift(self, name: str) -> tuple[Drift, ...]:
        """See Stacks."""
        with self._translated(name):
            detection = self._client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
            for _ in range(MAX_POLLS):
                state = self._client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
                if state["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                    break
                self._sleep(POLL_SECONDS)
            else:
                raise UpstreamError(
                    f"{name}: its drift is still being detected", hint="run the same command again later"
                )
            if state["DetectionStatus"] == "DETECTION_FAILED":
                raise UpstreamError(
                    f"{name}: {state.get('DetectionStatusReason', 'no drift could be detected')}"
                )
            return tuple(self._drifts(name))

    def erase(self, type_name: str, physical: str) -> bool:
        """See Stacks."""
        from control.adapters.erasing import ERASERS

        if type_name not in ERASERS:
            return False
        with translated(physical, self._endpoint):
            ERASERS[type_name](self._settings, physical)
        return True

    def _drifts(self, name: str) -> Iterator[Drift]:
        token: dict[str, str] = {}
        while True:
            page = self._client.describe_stack_resource_drifts(
                StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **token
            )
            for one in page["StackResourceDrifts"]:
                if one["StackResourceDriftStatus"] in ("MODIFIED", "DELETED"):
                    yield Drift(
                        one["LogicalResourceId"],
                        one["ResourceType"],
                        one["StackResourceDriftStatus"],
                        tuple(
                            (found["PropertyPath"], found["ExpectedValue"], found["ActualValue"])
                            for found in one.get("PropertyDifferences", ())
                        ),
                    )
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _proposed(self, name: str) -> tuple[ResourceChange, ...]:
        """Wait until the change set is created, and return its changes. Raises UsageError if it fails."""
        for _ in range(MAX_POLLS):
            with self._translated(name):
                found = self._client.describe_change_set(StackName=name, ChangeSetName=CHANGE_SET)
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                if any(words in reason for words in UNCHANGED):
                    return ()
                self._drop_proposal(name)
                raise UsageError(f"{name}: {reason}", hint="correct the template or the values")
            if found["Status"] == "CREATE_COMPLETE":
                return self._changes(name, found)
            self._sleep(POLL_SECONDS)
        raise UpstreamError(f"{name}: the change set is not ready yet", hint="run the same command again")

    def _changes(self, name: str, page: dict[str, Any]) -> tuple[ResourceChange, ...]:
        found = [one["ResourceChange"] for one in page.get("Changes", ())]
        while page.get("NextToken"):
            with self._translated(name):
                page = self._client.describe_change_set(
                    StackName=name, ChangeSetName=CHANGE_SET, NextToken=page["NextToken"]
                )
            found += [one["ResourceChange"] for one in page.get("Changes", ())]
        changes = tuple(
            ResourceChange(
                one["Action"],
                one["LogicalResourceId"],
                one["ResourceType"],
                one.get("PhysicalResourceId", ""),
                one.get("Replacement", ""),
                tuple(
                    sorted(
                        {
                            detail["Target"]["Name"]
                            for detail in one.get("Details", ())
                            if detail["Target"].get("Name")
                        }
                    )
                ),
            )
            for one in found
        )
        # If only outputs change, the change set lists no resource.
        return changes or (ResourceChange("Modify", "Outputs", "AWS::CloudFormation::Stack"),)

    def _drop_proposal(self, name: str) -> None:
        self._ask(name, self._client.delete_change_set, ChangeSetName=CHANGE_SET)

    def _ask(self, name: str, call: Callable[..., Any], **request: str) -> dict[str, Any] | None:
        """Return the response of a call, None if there is no such stack or change set."""
        with self._translated(name):
            try:
                answer: dict[str, Any] = call(StackName=name, **request)
            except ClientError as error:
                if "does not exist" in _said(error) or _code(error) == "ChangeSetNotFound":
                    return None
                raise
        return answer

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Like `translated`, but keep CloudFormation's message about an invalid template or a permission."""
        with translated(name, self._endpoint):
            try:
                yield
            except ClientError as error:
                if _code(error) in REFUSED and "not authorized" in _said(error):
                    raise UsageError(
                        f"{name}: {_said(error)}",
                        hint="grant the deploying role the permission that it names, and run this again",
                    ) from error
                if _code(error) == "ValidationError":
                    hint = "correct it and run the same command again"
                    raise UsageError(f"{name}: {_said(error)}", hint=hint) from error
                raise


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _said(error: ClientError) -> str:
    return str(error.response["Error"].get("Message", ""))
