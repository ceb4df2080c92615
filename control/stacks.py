"""The interface to CloudFormation for deployment: stacks, change sets (proposals), events, drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StackOutput:
    """An output of a stack; `description` names the setting that it provides, if any."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class SeenStack:
    """A stack as it is now; `status` and `reason` are CloudFormation's."""

    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: tuple[StackOutput, ...]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A planned change to one resource; `replacement` is True, False or Conditional, as in CloudFormation."""

    action: str
    logical: str
    type: str
    physical: str = ""
    replacement: str = ""
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """A resource that differs from its template: MODIFIED or DELETED, and in which properties."""

    logical: str
    type: str
    status: str
    differences: tuple[tuple[str, str, str], ...]
    """Path, expected, actual."""


@dataclass(frozen=True, slots=True)
class StackEvent:
    """An event in a stack's history."""

    event_id: str
    logical: str
    type: str
    status: str
    reason: str


class Stacks(Protocol):
    """CloudFormation stacks, changed through proposals. All names are full stack names."""

    def get(self, name: str) -> SeenStack | None:
        """Read one stack, or None."""

    def propose(
        self, name: str, body: str, parameters: Mapping[str, str], role: str = ""
    ) -> tuple[ResourceChange, ...]:
        """Create the proposal for a stack, replacing an older one, and return its changes, if any.

        With the ARN of a `role`, CloudFormation changes the stack as this role from then on, not as the
        caller.
        Raises UsageError if the template or the values are refused, or a permission is missing.
        """

    def withdraw(self, name: str) -> None:
        """Delete the proposal, and the stack if it consists of nothing else (REVIEW_IN_PROGRESS)."""

    def execute(self, name: str) -> None:
        """Start to execute the proposal."""

    def continue_rollback(self, name: str) -> None:
        """Retry a rollback that failed."""

    def delete(self, name: str) -> None:
        """Start to delete a stack. Resources that hold data are retained. A missing stack is not an error."""

    def events(self, name: str) -> tuple[StackEvent, ...]:
        """The newest events of a stack, newest first: one page of them."""

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Map the logical id of each resource of a stack to its type and physical id."""

    def drift(self, name: str) -> tuple[Drift, ...]:
        """Compare the resources of a stack with its template, and wait for the result."""

    def erase(self, type_name: str, physical: str) -> bool:
        """Delete a resource that was retained, with all its data; False if the type is not supported."""
