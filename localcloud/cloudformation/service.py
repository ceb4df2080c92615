"""CloudFormation's operations, on stacks that are saved in snapshots."""

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation import answers, bodies, drift, work
from localcloud.cloudformation.errors import ChangeSetNotFoundError, UnsupportedError, ValidationError
from localcloud.cloudformation.kinds import Clients
from localcloud.cloudformation.model import ChangeSet, Stack, from_json, to_json

NOTHING = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
ACCOUNT = "123456789012"
Request = Mapping[str, Any]


class CloudFormation:
    """The stacks of one region. Work on a stack runs in its own thread: clients poll, as on AWS."""

    def __init__(self, clients: Clients, kept: bytes, keep: Callable[[bytes], None]) -> None:
        self.stacks = {name: from_json(one) for name, one in json.loads(kept or b"{}").items()}
        self._keep, self._lock = keep, threading.RLock()
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": clients.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.world = work.World(clients, pseudo, self._exports)
        for stack in self.stacks.values():
            if stack.busy:  # the thread that worked on it ended with the last local cloud
                verb = stack.status.split("_")[0]
                state = "UPDATE_ROLLBACK_FAILED" if verb == "UPDATE" else f"{verb}_FAILED"
                stack.say(state, "The local cloud was stopped while it worked on this stack")

    def operations(self) -> Mapping[str, Callable[[Request], Any]]:
        """Return operation -> the method that does it."""
        return {
            "CreateChangeSet": self.create_change_set,
            "DescribeChangeSet": self.describe_change_set,
            "DeleteChangeSet": self.delete_change_set,
            "ExecuteChangeSet": self.execute_change_set,
            "CreateStack": self.create_stack,
            "DeleteStack": self.delete_stack,
            "ContinueUpdateRollback": self.continue_rollback,
            "UpdateTerminationProtection": self.protect,
            "DescribeStacks": self.describe_stacks,
            "DescribeStackEvents": self.describe_events,
            "DescribeStackResources": self.describe_resources,
            "ListStackResources": self.list_resources,
            "GetTemplate": self.get_template,
            "ListExports": self.list_exports,
            "DetectStackDrift": self.detect_drift,
            "DescribeStackDriftDetectionStatus": self.drift_status,
            "DescribeStackResourceDrifts": self.drifts,
        }

    def create_change_set(self, request: Request) -> Any:
        """Compute what a template would change; a new stack begins in review."""
        name, kind = request["StackName"], request.get("ChangeSetType", "UPDATE")
        template, values = bodies.read(request["TemplateBody"]), _parameters(request)
        self._check_role(request.get("RoleARN", ""))
        with self._lock:
            stack = self.stacks.get(name)
            if kind == "CREATE" and (stack is None or stack.status == "REVIEW_IN_PROGRESS"):
                fresh = Stack(name, _id("stack", name, self.world.clients.region), "REVIEW_IN_PROGRESS")
                stack = stack or fresh
            elif stack is None or kind == "CREATE" or stack.status == "REVIEW_IN_PROGRESS":
                found = f"is in {stack.status} state" if stack else "does not exist"
                raise ValidationError(f"Stack [{name}] {found} and can not be {kind.lower()}d.")
            elif stack.busy or not stack.status.endswith("_COMPLETE") or stack.status.startswith("ROLLBACK"):
                raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
            if request["ChangeSetName"] in stack.change_sets:
                raise ValidationError(f"ChangeSet {request['ChangeSetName']} already exists")
            made = ChangeSet(
                request["ChangeSetName"],
                _id("changeSet", request["ChangeSetName"], self.world.clients.region),
                kind,
                template,
                values,
                [],
                adopt=request.get("ImportExistingResources") == "true",
            )
            self.stacks[name] = stack
            try:
                made.changes = work.changes(stack, template, values, self.world)
            except UnsupportedError as error:
                made.status, made.execution, made.reason = "FAILED", "UNAVAILABLE", str(error)
            if made.status != "FAILED" and kind == "UPDATE" and not made.changes and _same(stack, made):
                made.status, made.execution, made.reason = "FAILED", "UNAVAILABLE", NOTHING
            stack.change_sets[made.name] = made
            self._save()
        return {"Id": made.id, "StackId": stack.id}

    def _check_role(self, arn: str) -> None:
        """Raise ValidationError unless the role exists and trusts CloudFormation. Its rights are ignored."""
        if not arn:
            return
        try:
            role = self.world.clients("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
            trusted = role["Arn"] == arn and "cloudformation.amazonaws.com" in json.dumps(
                role["AssumeRolePolicyDocument"]
            )
        except ClientError:
            trusted = False
        if not trusted:
            raise ValidationError(f"Role {arn} is invalid or cannot be assumed")

    def describe_change_set(self, request: Request) -> Any:
        """Describe one change set."""
        stack, found = self._change_set(request)
        return answers.of_change_set(stack, found)

    def delete_change_set(self, request: Request) -> Any:
        """Delete a change set."""
        stack, found = self._change_set(request)
        del stack.change_sets[found.name]
        self._save()
        return {}

    def execute_change_set(self, request: Request) -> Any:
        """Begin to execute a change set."""
        with self._lock:
            stack, found = self._change_set(request)
            if found.execution != "AVAILABLE":
                raise ValidationError(f"ChangeSet [{found.id}] cannot be executed in its current status")
            act = work.create if found.kind == "CREATE" else work.update
            stack.change_sets.clear()
            self._begin(stack, lambda: act(stack, found.template, found.parameters, self.world, found.adopt))
        return {}

    def create_stack(self, request: Request) -> Any:
        """Create a stack without a change set, and wait for it."""
        name = request["StackName"]
        template, values = bodies.read(request["TemplateBody"]), _parameters(request)
        with self._lock:
            if name in self.stacks:
                raise ValidationError(f"Stack [{name}] already exists")
            stack = self.stacks[name] = Stack(
                name, _id("stack", name, self.world.clients.region), "REVIEW_IN_PROGRESS"
            )
        work.create(stack, template, values, self.world, False)
        self._save()
        return {"StackId": stack.id}

    def delete_stack(self, request: Request) -> Any:
        """Begin to delete a stack; a stack that does not exist is not an error."""
        name = request["StackName"]
        with self._lock:
            stack = self.stacks.get(name)
            if stack is None:
                return {}
            if stack.protected:
                raise ValidationError(
                    f"Stack [{name}] cannot be deleted while TerminationProtection is enabled"
                )
            users = self._users(stack)
            if users:
                raise ValidationError(
                    f"Export {users[0][0]} cannot be deleted as it is in use by {users[0][1]}"
                )
            retain = set(_members(request, "RetainResources"))

            def act() -> None:
                work.delete(stack, self.world, retain)
                if stack.status == "DELETE_COMPLETE":
                    del self.stacks[name]

            self._begin(stack, act)
        return {}

    def continue_rollback(self, request: Request) -> Any:
        """Try the rollback of a stack again."""
        with self._lock:
            stack = self._stack(request)
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise ValidationError(
                    f"Stack:{stack.id} is in {stack.status} state and can not continue rollback"
                )
            stack.say("UPDATE_ROLLBACK_IN_PROGRESS")
            self._begin(stack, lambda: work.roll_back(stack, stack.template, stack.parameters, self.world))
        return {}

    def protect(self, request: Request) -> Any:
        """Set whether a stack may be deleted."""
        stack = self._stack(request)
        stack.protected = request["EnableTerminationProtection"] == "true"
        self._save()
        return {"StackId": stack.id}

    def describe_stacks(self, request: Request) -> Any:
        """Describe one stack or all."""
        stacks = [self._stack(request)] if request.get("StackName") else list(self.stacks.values())
        return {"Stacks": [answers.of_stack(one) for one in stacks]}

    def describe_events(self, request: Request) -> Any:
        """Return the events of a stack, the newest first."""
        stack = self._stack(request)
        return {
            "StackEvents": [
                {
                    "StackId": stack.id,
                    "StackName": stack.name,
                    "EventId": one.id,
                    "LogicalResourceId": one.logical,
                    "PhysicalResourceId": one.physical,
                    "ResourceType": one.type,
                    "ResourceStatus": one.status,
                    "ResourceStatusReason": one.reason,
                    "Timestamp": one.at,
                }
                for one in reversed(stack.events)
            ]
        }

    def describe_resources(self, request: Request) -> Any:
        """Describe a stack's resources."""
        return {"StackResources": self._resources(request, "Timestamp")}

    def list_resources(self, request: Request) -> Any:
        """List a stack's resources."""
        return {"StackResourceSummaries": self._resources(request, "LastUpdatedTimestamp")}

    def get_template(self, request: Request) -> Any:
        """Return the template of a stack."""
        return {"TemplateBody": json.dumps(self._stack(request).template), "StagesAvailable": ["Original"]}

    def list_exports(self, request: Request) -> Any:  # noqa: ARG002
        """List the exports of all stacks."""
        return {
            "Exports": [
                {"ExportingStackId": stack.id, "Name": name, "Value": value}
                for stack in self.stacks.values()
                for name, value in stack.exports.items()
            ]
        }

    def detect_drift(self, request: Request) -> Any:
        """Compare a stack with its actual resources."""
        stack = self._stack(request)
        stack.drift = drift.detect(stack, self.world.clients)
        self._save()
        return {"StackDriftDetectionId": stack.id}

    def drift_status(self, request: Request) -> Any:
        """Return the status of a drift detection, which is always complete by now."""
        stack = next(one for one in self.stacks.values() if one.id == request["StackDriftDetectionId"])
        drifted = [one for one in stack.drift or () if one.status in ("MODIFIED", "DELETED")]
        return {
            "StackId": stack.id,
            "StackDriftDetectionId": stack.id,
            "StackDriftStatus": "DRIFTED" if drifted else "IN_SYNC",
            "DetectionStatus": "DETECTION_COMPLETE",
            "DriftedStackResourceCount": len(drifted),
            "Timestamp": stack.created,
        }

    def drifts(self, request: Request) -> Any:
        """Return what the last drift detection found."""
        stack = self._stack(request)
        return {
            "StackResourceDrifts": [
                {
                    "StackId": stack.id,
                    "LogicalResourceId": one.logical,
                    "PhysicalResourceId": stack.resources[one.logical].physical,
                    "ResourceType": stack.resources[one.logical].type,
                    "StackResourceDriftStatus": one.status,
                    "Timestamp": stack.created,
                    "PropertyDifferences": [
                        {
                            "PropertyPath": found["path"],
                            "ExpectedValue": found["expected"],
                            "ActualValue": found["actual"],
                            "DifferenceType": found["kind"],
                        }
                        for found in one.differences
                    ],
                }
                for one in stack.drift or ()
                if one.logical in stack.resources
            ]
        }

    def _begin(self, stack: Stack, act: Callable[[], None]) -> None:
        if stack.status == "DELETE_IN_PROGRESS":
            return
        if not stack.busy:
            stack.status = {
                "REVIEW_IN_PROGRESS": "CREATE_IN_PROGRESS",
            }.get(stack.status, "UPDATE_IN_PROGRESS")
        self._save()

        def run() -> None:
            act()
            self._save()

        threading.Thread(target=run, name=f"stack {stack.name}", daemon=True).start()

    def _resources(self, request: Request, time: str) -> list[dict[str, str]]:
        stack = self._stack(request)
        return [
            {
                "StackName": stack.name,
                "StackId": stack.id,
                "LogicalResourceId": one.logical,
                "PhysicalResourceId": one.physical,
                "ResourceType": one.type,
                "ResourceStatus": one.status,
                time: stack.created,
            }
            for one in stack.resources.values()
        ]

    def _users(self, stack: Stack) -> list[tuple[str, str]]:
        """Return the used exports of a stack, with the stacks that import them."""
        names = stack.exports
        found = []
        for other in self.stacks.values():
            if other is stack or not other.template:
                continue
            scope = work.scope_of(other, other.template, other.parameters, self.world)
            found += [(name, other.name) for name in work.imported(other.template, scope) if name in names]
        return found

    def _stack(self, request: Request) -> Stack:
        wanted = request["StackName"]
        for stack in self.stacks.values():
            if wanted in (stack.name, stack.id):
                return stack
        raise ValidationError(f"Stack with id {wanted} does not exist")

    def _change_set(self, request: Request) -> tuple[Stack, ChangeSet]:
        wanted = request["ChangeSetName"]
        for stack in self.stacks.values():
            for found in stack.change_sets.values():
                if wanted == found.id or (
                    wanted == found.name and request.get("StackName") in (stack.name, stack.id)
                ):
                    return stack, found
        raise ChangeSetNotFoundError(f"ChangeSet [{wanted}] does not exist")

    def _exports(self) -> Mapping[str, str]:
        return {name: value for stack in self.stacks.values() for name, value in stack.exports.items()}

    def _save(self) -> None:
        with self._lock:
            stacks = {name: to_json(stack) for name, stack in list(self.stacks.items())}
            self._keep(json.dumps(stacks).encode())


def _same(stack: Stack, made: ChangeSet) -> bool:
    """Whether the outputs are the same, too: they can change without any resource."""
    return stack.template.get("Outputs") == made.template.get("Outputs")


def _parameters(request: Request) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in _members(request, "Parameters")}


def _members(request: Request, name: str) -> list[Any]:
    found = request.get(name, [])
    return found if isinstance(found, list) else []


def _id(kind: str, name: str, region: str) -> str:
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:{kind}/{name}/{uuid.uuid4()}"
