"""Plan, apply and destroy an environment's stacks, one after the other, whatever state they are in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from control.deploy import conditions, order, parameters, states
from control.deploy.template import Template, holds_data
from control.errors import ControlError, UpstreamError, UsageError
from control.ports import Clock, Say
from control.stacks import ResourceChange, SeenStack, Stacks

POLL_SECONDS = 2.0
# Two hours: Aurora alone takes half an hour.
MAX_POLLS = 3600


@dataclass(frozen=True)
class Environment:
    """Templates and values of one environment; `chosen` are the stacks to work on, in order."""

    templates: Mapping[str, Template]
    values: Mapping[str, str]
    chosen: tuple[str, ...]

    @property
    def chosen_templates(self) -> dict[str, Template]:
        """The templates of the chosen stacks, in order."""
        return {name: self.templates[name] for name in self.chosen}

    def stack_name(self, name: str) -> str:
        """The full name of a stack."""
        return f"{self.values['Project']}-{self.values['Environment']}-{name}"

    @property
    def stacks_role(self) -> str:
        """ARN of the role with which CloudFormation changes stacks; empty for the caller's own rights."""
        return self.values.get("StacksRole", "")

    def values_of(self, name: str) -> dict[str, str]:
        """The values that a stack's template declares."""
        return parameters.of_template(self.templates[name], self.values)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one stack. `refused` are changes that would lose data.

    `values` are the parameters of an existing stack that would change: name, old value, new value.
    """

    name: str
    status: str
    step: states.Step
    changes: tuple[ResourceChange, ...]
    refused: tuple[ResourceChange, ...]
    values: tuple[tuple[str, str, str], ...] = ()


def plan(environment: Environment, stacks: Stacks) -> Iterator[Planned]:
    """Yield what applying would do to each stack, without leaving change sets behind."""
    for name in environment.chosen:
        whole = environment.stack_name(name)
        seen = stacks.get(whole)
        step = states.next_step(seen.status if seen else None)
        if step == "update":
            changes = stacks.propose(whole, environment.templates[name].body, environment.values_of(name))
            stacks.withdraw(whole)
        elif step in ("create", "clear"):
            # Its imports may not exist yet, so CloudFormation could not create a change set.
            found = conditions.made(environment.templates[name], environment.values_of(name))
            changes = tuple(ResourceChange("Add", key, one["Type"]) for key, one in found.items())
        else:
            changes = ()
        refused = dangers(changes, environment.templates[name])
        deployed = seen.parameters if seen and step == "update" else {}
        values = tuple(
            (key, deployed[key], value)
            for key, value in environment.values_of(name).items()
            if deployed.get(key, value) != value
        )
        yield Planned(name, seen.status if seen else "", step, changes, refused, values)


def dangers(changes: Sequence[ResourceChange], template: Template) -> tuple[ResourceChange, ...]:
    """Return the changes that would replace or remove a resource that holds data."""
    kept_types = {one["Type"] for one in template.resources.values() if holds_data(one)}
    return tuple(
        change
        for change in changes
        if (change.action == "Remove" and change.type in kept_types | ALWAYS_DATA)
        or (
            change.action == "Modify"
            and change.replacement in ("True", "Conditional")
            and holds_data(template.resources.get(change.logical, {}))
        )
    )


# Types that hold data, for resources whose template no longer says so.
ALWAYS_DATA = {
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::RDS::DBCluster",
}


def apply(
    environment: Environment,
    stacks: Stacks,
    clock: Clock,
    say: Say,
    *,
    before: Callable[[str], None] = lambda _name: None,
    allowed: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Create or update every chosen stack; return the names of those that changed.

    Safe to call again after any interruption, whatever state the stacks are in. `before` is called with each
    stack's name just before it is changed. Raises UsageError if a change would replace or remove a resource
    that holds data and is not among `allowed` (`stack.LogicalId`), UpstreamError if CloudFormation failed.
    """
    return tuple(
        name
        for name in environment.chosen
        if _apply_one(name, environment, stacks, clock, say, before, allowed)
    )


def _apply_one(
    name: str,
    environment: Environment,
    stacks: Stacks,
    clock: Clock,
    say: Say,
    before: Callable[[str], None],
    allowed: frozenset[str],
) -> bool:
    whole, template = environment.stack_name(name), environment.templates[name]
    heal(whole, stacks, clock, say)
    before(name)
    changes = stacks.propose(whole, template.body, environment.values_of(name), role=environment.stacks_role)
    if not changes:
        stacks.withdraw(whole)
        say("stack.unchanged", {"stack": name})
        return False
    refused = [one for one in dangers(changes, template) if f"{name}.{one.logical}" not in allowed]
    if refused:
        stacks.withdraw(whole)
        named = ", ".join(f"{name}.{one.logical} ({one.action.lower()})" for one in refused)
        raise UsageError(
            f"this would replace or remove data, so nothing of {name} was changed: {named}",
            hint="undo that change; or, if you mean it, copy the data first and add "
            + " ".join(f"--allow-replace {name}.{one.logical}" for one in refused),
        )
    say("stack.changing", {"stack": name, "changes": len(changes)})
    stacks.execute(whole)
    seen = follow(whole, stacks, clock, say)
    if seen is None or seen.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        raise _failure(name, whole, seen, stacks)
    say("stack.changed", {"stack": name, "status": seen.status})
    return True


def heal(whole: str, stacks: Stacks, clock: Clock, say: Say) -> None:
    """Bring a stack into a state in which it can be changed. Raises UpstreamError if that is impossible."""
    for _ in range(4):
        seen = stacks.get(whole)
        step = states.next_step(seen.status if seen else None)
        if step in ("create", "update"):
            return
        assert seen is not None
        say("stack.healing", {"stack": whole, "status": seen.status, "step": step})
        if step == "clear":
            stacks.delete(whole)
        elif step == "roll back":
            stacks.continue_rollback(whole)
        elif step == "stop":
            raise UpstreamError(
                f"{whole} is in the state {seen.status}: {seen.reason}",
                hint=states.way_out(whole, seen.status),
            )
        follow(whole, stacks, clock, say)
    seen = stacks.get(whole)
    raise UpstreamError(
        f"{whole} stays in {seen.status if seen else 'its state'}: {seen.reason if seen else ''}",
        hint=states.way_out(whole, seen.status if seen else ""),
    )


def follow(whole: str, stacks: Stacks, clock: Clock, say: Say) -> SeenStack | None:
    """Wait until no operation on a stack is in progress, reporting its events; return it, None if deleted."""
    told = {one.event_id for one in stacks.events(whole)}
    for _ in range(MAX_POLLS):
        seen = stacks.get(whole)
        for event in reversed(stacks.events(whole) if seen else ()):
            if event.event_id not in told:
                told.add(event.event_id)
                fields = {"stack": whole, "resource": event.logical, "status": event.status}
                say("resource.event", {**fields, **({"reason": event.reason} if event.reason else {})})
        if seen is None or states.next_step(seen.status) != "wait":
            return seen
        clock.sleep(POLL_SECONDS)
    raise UpstreamError(
        f"{whole} is still in progress after {MAX_POLLS * POLL_SECONDS / 3600:.0f} hours",
        hint="run the same command again: it continues from here",
    )


def _failure(name: str, whole: str, seen: SeenStack | None, stacks: Stacks) -> ControlError:
    """Return an error that names the first failed event, which is the cause of the later ones."""
    failed = [one for one in stacks.events(whole) if one.status.endswith("_FAILED")] if seen else []
    cause = failed[-1] if failed else None
    status = seen.status if seen else "gone"
    why = f"{cause.logical} ({cause.type}): {cause.reason}" if cause else (seen.reason if seen else "")
    hint = "fix the cause and run the same command again: it continues from here"
    if "not authorized" in why or "AccessDenied" in why:
        hint = "grant the deploying role the permission that it names, and run the same command again"
    return UpstreamError(f"{name} ended as {status}: {why}", hint=hint)


@dataclass(frozen=True, slots=True)
class Removal:
    """What destroying would do to a stack: delete it, or keep it as its keys could not be found again."""

    name: str
    goes: bool
    kept: tuple[tuple[str, str, str], ...]
    """Logical id, type and physical id of each resource that holds data."""


def removals(environment: Environment, stacks: Stacks, *, with_data: bool) -> Iterator[Removal]:
    """Yield what destroying would do to each existing stack, in the order of deletion."""
    for name in order.with_dependents(environment.chosen, environment.templates):
        whole = environment.stack_name(name)
        if stacks.get(whole) is None:
            continue
        resources = environment.templates[name].resources
        kept = tuple(
            (logical, kind, physical)
            for logical, (kind, physical) in stacks.resources(whole).items()
            if logical in resources and holds_data(resources[logical])
        )
        nameless = any(kind == "AWS::KMS::Key" for _, kind, _ in kept)
        yield Removal(name, with_data or not nameless, kept)


def destroy(
    removals: Sequence[Removal],
    environment: Environment,
    stacks: Stacks,
    clock: Clock,
    say: Say,
    *,
    with_data: bool,
) -> tuple[str, ...]:
    """Delete the stacks, and with `with_data` their retained resources; return what could not be deleted."""
    left = []
    for removal in removals:
        whole = environment.stack_name(removal.name)
        if not removal.goes:
            say("stack.kept", {"stack": removal.name})
            continue
        stacks.delete(whole)
        seen = follow(whole, stacks, clock, say)
        if seen is not None:
            raise _failure(removal.name, whole, seen, stacks)
        say("stack.deleted", {"stack": removal.name})
        if with_data:
            for logical, kind, physical in removal.kept:
                erased = stacks.erase(kind, physical)
                say(
                    "data.deleted" if erased else "data.left",
                    {"resource": logical, "type": kind, "id": physical},
                )
                left += [] if erased else [physical]
    return tuple(left)


def summary(changes: Sequence[ResourceChange]) -> dict[str, Any]:
    """Return how many resources would be added, changed, replaced and removed."""
    replaced = [one for one in changes if one.replacement == "True"]
    return {
        "add": sum(one.action == "Add" for one in changes),
        "change": sum(one.action == "Modify" for one in changes) - len(replaced),
        "replace": len(replaced),
        "remove": sum(one.action == "Remove" for one in changes),
    }
