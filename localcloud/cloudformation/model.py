"""Stacks, their resources and change sets, as plain values that a snapshot can hold."""

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

Action = Literal["Add", "Modify", "Remove"]


def now() -> str:
    """Return the current time as CloudFormation writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Resource:
    """One existing resource; `properties` are those that it was last given, with functions resolved."""

    logical: str
    type: str
    physical: str
    properties: dict[str, Any]
    attributes: dict[str, str]
    status: str
    retained: bool
    adopted: bool = False
    """Whether it existed before the stack; rolling back a failed step then does not delete it."""


@dataclass
class Change:
    """What a change set would do to one resource."""

    action: Action
    logical: str
    type: str
    physical: str = ""
    replacement: str = ""
    properties: list[str] = field(default_factory=list)


@dataclass
class ChangeSet:
    """A proposed template and its parameter values."""

    name: str
    id: str
    kind: str
    template: dict[str, Any]
    parameters: dict[str, str]
    changes: list[Change]
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution: str = "AVAILABLE"
    adopt: bool = False
    created: str = field(default_factory=now)


@dataclass
class Event:
    """One line of a stack's history."""

    logical: str
    physical: str
    type: str
    status: str
    reason: str
    at: str = field(default_factory=now)
    id: str = ""


@dataclass
class Drifted:
    """The result of drift detection for one resource."""

    logical: str
    status: str
    differences: list[dict[str, str]]


@dataclass
class Stack:
    """One stack."""

    name: str
    id: str
    status: str
    reason: str = ""
    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    protected: bool = False
    drift: list[Drifted] | None = None
    created: str = field(default_factory=now)

    @property
    def busy(self) -> bool:
        """Whether an operation on it is in progress."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def exports(self) -> dict[str, str]:
        """The exports that other stacks may import."""
        return {one["export"]: one["value"] for one in self.outputs.values() if one.get("export")}

    def say(self, status: str, reason: str = "", resource: Resource | None = None) -> None:
        """Add an event to the history; without a resource it sets the status of the stack itself."""
        if resource is None:
            self.status, self.reason = status, reason
            event = Event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)
        else:
            resource.status = status
            event = Event(resource.logical, resource.physical, resource.type, status, reason)
        event.id = f"{len(self.events)}"
        self.events.append(event)


def to_json(stack: Stack) -> dict[str, Any]:
    """Return a stack as JSON values."""
    return asdict(stack)


def from_json(found: dict[str, Any]) -> Stack:
    """Return the stack that `to_json` wrote."""
    sets = {
        name: ChangeSet(**{**one, "changes": [Change(**change) for change in one["changes"]]})
        for name, one in found["change_sets"].items()
    }
    known = {one.name for one in fields(Stack)}  # a snapshot of an older version may have others
    return Stack(
        **{
            **{name: value for name, value in found.items() if name in known},
            "resources": {name: Resource(**one) for name, one in found["resources"].items()},
            "change_sets": sets,
            "events": [Event(**one) for one in found["events"]],
            "drift": None if found["drift"] is None else [Drifted(**one) for one in found["drift"]],
        }
    )
