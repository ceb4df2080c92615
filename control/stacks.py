"""What deployment asks of CloudFormation: stacks, what a proposal would do to them, what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StackOutput:
    """What a stack tells; `description` names the setting that it is, if any."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class SeenStack:
    """A stack as it is now, with the state that CloudFormation gives it and why."""

    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: tuple[StackOutput, ...]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What would happen to one resource; `replacement` is True, False or Conditional for a change."""

    action: str
    logical: str
    type: str
    physical: str = ""
    replacement: str = ""
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """A resource that is not as its template says: MODIFIED or DELETED, and in which properties."""

    logical: str
    type: str
    status: str
    differences: tuple[tuple[str, str, str], ...]
    """Path, expected, actual."""


@dataclass(frozen=True, slots=True)
class StackEvent:
    """A line of a stack's history."""

    event_id: str
    logical: str
    type: str
    status: str
    reason: str


class Stacks(Protocol):
    """Stacks of templates, changed by proposals. All names are whole names of stacks."""

    def get(self, name: str) -> SeenStack | None:
        """Read one stack, or None."""

    def propose(
        self, name: str, body: str, parameters: Mapping[str, str], role: str = ""
    ) -> tuple[ResourceChange, ...]:
        """Leave a proposal at the stack, in place of an older one, and say what it would do; none: nothing.

        With the ARN of a `role` the stack is changed by it from then on, and not by who asks.
        Raises UsageError when the template or the values are refused, or a permission is missing.
        """

    def withdraw(self, name: str) -> None:
        """Forget the proposal; a stack that is nothing but a proposal goes with it."""

    def execute(self, name: str) -> None:
        """Begin to do what the proposal says."""

    def continue_rollback(self, name: str) -> None:
        """Try once more to bring a stack back."""

    def delete(self, name: str) -> None:
        """Begin to delete a stack. What holds data stays; one that is not there is no error."""

    def events(self, name: str) -> tuple[StackEvent, ...]:
        """What happened to a stack, the newest first, as far as one page goes."""

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Logical id -> type and physical id of what a stack has."""

    def drift(self, name: str) -> tuple[Drift, ...]:
        """Compare what a stack has with what it was given, and wait for the answer."""

    def erase(self, type_name: str, physical: str) -> bool:
        """Delete a resource that outlived its stack, with all data in it; False for a type that it cannot."""
