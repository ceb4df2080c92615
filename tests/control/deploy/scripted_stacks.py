"""Stacks that go through scripted states and record the requested actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from control.stacks import Drift, ResourceChange, SeenStack, StackEvent, StackOutput

CHANGE = ResourceChange("Add", "Bucket", "AWS::S3::Bucket")


@dataclass
class ScriptedStacks:
    """`get` returns the `states` of a stack one after the other; the last one stays."""

    states: dict[str, list[str | None]] = field(default_factory=dict)
    changes: dict[str, tuple[ResourceChange, ...]] = field(default_factory=dict)
    history: dict[str, tuple[StackEvent, ...]] = field(default_factory=dict)
    parts: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    after: dict[str, list[str | None]] = field(default_factory=dict)
    """What the states become once a stack was executed, deleted or rolled back further."""

    def get(self, name: str) -> SeenStack | None:
        states = self.states.setdefault(name, [None])
        status = states.pop(0) if len(states) > 1 else states[0]
        return (
            None if status is None else SeenStack(name, status, "a reason", {}, (StackOutput("A", "b", ""),))
        )

    def propose(
        self, name: str, body: str, parameters: Mapping[str, str], role: str = ""
    ) -> tuple[ResourceChange, ...]:
        self.asked.append(f"propose {name}" + (f" by {role}" if role else ""))
        return self.changes.get(name, (CHANGE,))

    def withdraw(self, name: str) -> None:
        self.asked.append(f"withdraw {name}")

    def execute(self, name: str) -> None:
        self._done("execute", name, ["UPDATE_COMPLETE"])

    def continue_rollback(self, name: str) -> None:
        self._done("continue", name, ["UPDATE_ROLLBACK_COMPLETE"])

    def delete(self, name: str) -> None:
        self._done("delete", name, [None])

    def events(self, name: str) -> tuple[StackEvent, ...]:
        return self.history.get(name, ())

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        return self.parts.get(name, {})

    def drift(self, name: str) -> tuple[Drift, ...]:
        return ()

    def erase(self, type_name: str, physical: str) -> bool:
        self.asked.append(f"erase {physical}")
        return type_name != "AWS::RDS::DBCluster"

    def _done(self, verb: str, name: str, otherwise: list[str | None]) -> None:
        self.asked.append(f"{verb} {name}")
        self.states[name] = self.after.get(f"{verb} {name}", otherwise)


class NoClock:
    """A clock whose sleeps end at once."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        return None
