"""Apply a template to its resources in the order of their references; roll back when a step fails."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localcloud.cloudformation import kinds
from localcloud.cloudformation.errors import UnsupportedError, ValidationError
from localcloud.cloudformation.model import Action, Change, Resource, Stack
from localcloud.cloudformation.resolve import Scope, holds, mentioned, resolve, with_secrets

_UNRESOLVED = "Template format error: Unresolved {} [{}] in the Resources block of the template"
KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
LASTING = ("Retain", "Snapshot")


@dataclass(frozen=True)
class World:
    """Where resources are created, and what a template may refer to outside its stack."""

    clients: kinds.Clients
    pseudo: Mapping[str, str]
    exports: Callable[[], Mapping[str, str]]


def scope_of(stack: Stack, template: Mapping[str, Any], parameters: Mapping[str, str], world: World) -> Scope:
    """Return what names mean in `template`.

    Raises ValidationError for a parameter without a value, and for a value without a parameter.
    """
    typed: dict[str, Any] = {}
    for name, declared in template.get("Parameters", {}).items():
        if name not in parameters and "Default" not in declared:
            raise ValidationError(f"Parameters: [{name}] must have values")
        value = parameters.get(name, declared.get("Default"))
        number = declared["Type"] == "Number"
        typed[name] = (float(value) if "." in str(value) else int(value)) if number else str(value)
    unknown = parameters.keys() - template.get("Parameters", {}).keys()
    if unknown:
        raise ValidationError(f"Parameters: {sorted(unknown)} do not exist in the template")
    pseudo = {**world.pseudo, "AWS::StackName": stack.name, "AWS::StackId": stack.id}
    scope = Scope(typed, pseudo, world.exports(), template.get("Conditions", {}))
    scope.references = {name: one.physical for name, one in stack.resources.items()}

    def attributes(name: str, attribute: str) -> str:
        if name not in stack.resources:
            raise ValidationError(f"Template error: {name} is referred to, but does not exist")
        found = stack.resources[name].attributes
        if attribute not in found:
            raise UnsupportedError(f"{stack.resources[name].type} has no attribute {attribute} here")
        return found[attribute]

    scope.attributes = attributes
    return scope


def wanted(template: Mapping[str, Any], scope: Scope) -> dict[str, dict[str, Any]]:
    """Return the resources whose condition holds, each after those that it refers to.

    Raises ValidationError for circular references, and for references to what is not in the template.
    """
    found = {}
    for name, one in template["Resources"].items():
        condition = one.get("Condition")
        if condition is not None and condition not in scope.conditions:
            raise ValidationError(_UNRESOLVED.format("condition dependency", condition))
        if condition is None or holds(scope.conditions[condition], scope):
            found[name] = one
    edges = {}
    for name, one in found.items():
        after = one.get("DependsOn", [])
        after = {after} if isinstance(after, str) else set(after)
        if unknown := sorted(after - template["Resources"].keys()):
            raise ValidationError(_UNRESOLVED.format("resource dependencies", ", ".join(unknown)))
        edges[name] = sorted((mentioned(one.get("Properties", {})) | after) & found.keys())
    try:
        return {name: found[name] for name in TopologicalSorter(edges).static_order()}
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise ValidationError(f"Circular dependency between resources: [{circle}]") from None


def changes(
    stack: Stack, template: Mapping[str, Any], parameters: Mapping[str, str], world: World
) -> list[Change]:
    """Return what applying `template` would change, as far as that is known in advance."""
    scope = scope_of(stack, template, parameters, world)
    scope.attributes = lambda name, attribute: (
        stack.resources[name].attributes.get(attribute, "") if name in stack.resources else ""
    )
    resources = wanted(template, scope)
    known = stack.resources
    if other := [name for name in resources if name in known and known[name].type != resources[name]["Type"]]:
        raise ValidationError(
            "Update of resource type is not permitted. The new template modifies resource type of the"
            f" following resources: [{', '.join(other)}]"
        )
    found = []
    for name, one in resources.items():
        scope.references.setdefault(name, name)
        old = stack.resources.get(name)
        if old is None:
            found.append(Change("Add", name, one["Type"]))
            continue
        properties = resolve(one.get("Properties", {}), scope)
        differing = [
            key
            for key in sorted(properties.keys() | old.properties.keys())
            if properties.get(key) != old.properties.get(key)
        ]
        if differing:
            replaced = set(differing) & kinds.of(one["Type"]).replaced_by
            change = Change("Modify", name, one["Type"], old.physical, "True" if replaced else "False")
            change.properties = differing
            found.append(change)
    for name, old in stack.resources.items():
        if name not in resources:
            found.append(Change("Remove", name, old.type, old.physical))
    return found


def create(
    stack: Stack, template: dict[str, Any], parameters: dict[str, str], world: World, adopt: bool
) -> None:
    """Create a stack's resources; roll back if one cannot be created."""
    stack.say("CREATE_IN_PROGRESS", "User Initiated")
    try:
        _apply(stack, template, parameters, world, adopt, {}, {})
        stack.say("CREATE_COMPLETE")
    except Exception as error:
        stack.say("ROLLBACK_IN_PROGRESS", _reason(error))
        try:
            for name in reversed(list(stack.resources)):
                _remove(stack, name, world, keep=_outlives_failure(stack, name, template))
            stack.say("ROLLBACK_COMPLETE", _reason(error))
        except Exception as failed:
            stack.say("ROLLBACK_FAILED", _reason(failed))


def update(
    stack: Stack, template: dict[str, Any], parameters: dict[str, str], world: World, adopt: bool
) -> None:
    """Update a stack to `template`; roll back if a step fails."""
    stack.say("UPDATE_IN_PROGRESS", "User Initiated")
    before = (stack.template, stack.parameters)
    known, replaced = dict(stack.resources), dict[str, Resource]()
    try:
        _apply(stack, template, parameters, world, adopt, known, replaced)
        stack.say("UPDATE_COMPLETE")
    except Exception as error:
        stack.say("UPDATE_ROLLBACK_IN_PROGRESS", _reason(error))
        made = [stack.resources[name] for name in replaced]
        # The replaced resources still exist, with all their contents.
        stack.resources.update(replaced)
        for name in stack.resources.keys() - known.keys():
            stack.resources[name].retained = _outlives_failure(stack, name, template)
        roll_back(stack, before[0], before[1], world)
        if stack.status == "UPDATE_ROLLBACK_COMPLETE":
            _clean_up(stack, made, world)


def _outlives_failure(stack: Stack, name: str, template: Mapping[str, Any]) -> bool:
    """Whether a resource that a failed operation created stays, outside its stack."""
    policy = template["Resources"][name].get("DeletionPolicy")
    return policy in LASTING or stack.resources[name].adopted


def _clean_up(stack: Stack, gone: Iterable[Resource], world: World) -> None:
    """Delete replaced resources. The stack is complete by then, so those that cannot be deleted stay."""
    for one in gone:
        if one.physical == stack.resources[one.logical].physical:
            continue
        try:
            kinds.of(one.type).delete(world.clients, one.physical)
        except Exception as error:
            stack.say("DELETE_FAILED", _reason(error), one)


def roll_back(stack: Stack, template: dict[str, Any], parameters: dict[str, str], world: World) -> None:
    """Return a stack to its old state after a failed update."""
    reason = stack.reason
    try:
        _apply(stack, template, parameters, world, False, dict(stack.resources), {})
        stack.say("UPDATE_ROLLBACK_COMPLETE", reason)
    except Exception as error:
        stack.template, stack.parameters = template, parameters
        stack.say("UPDATE_ROLLBACK_FAILED", _reason(error))


def delete(stack: Stack, world: World, retain: set[str]) -> None:
    """Delete a stack's resources, except for those to retain."""
    stack.say("DELETE_IN_PROGRESS", "User Initiated")
    try:
        for name in reversed(list(stack.resources)):
            _remove(stack, name, world, keep=stack.resources[name].retained or name in retain)
        stack.say("DELETE_COMPLETE")
    except Exception as error:
        stack.say("DELETE_FAILED", _reason(error))


def _apply(
    stack: Stack,
    template: dict[str, Any],
    parameters: dict[str, str],
    world: World,
    adopt: bool,
    known: dict[str, Resource],
    replaced: dict[str, Resource],
) -> None:
    """Apply `template`; add the resources that were replaced to `replaced`, by name."""
    scope = scope_of(stack, template, parameters, world)
    resources = wanted(template, scope)
    for name, one in resources.items():
        properties = resolve(one.get("Properties", {}), scope)
        kept = one.get("DeletionPolicy") in KEPT
        if _bring(stack, name, one["Type"], properties, world, adopt=adopt and kept):
            replaced[name] = known[name]
        stack.resources[name].retained = kept
        scope.references[name] = stack.resources[name].physical
    outputs = {
        name: {
            "value": str(resolve(one["Value"], scope)),
            "description": one.get("Description", ""),
            "export": resolve(one["Export"]["Name"], scope) if "Export" in one else "",
        }
        for name, one in template.get("Outputs", {}).items()
        if "Condition" not in one or holds(scope.conditions[one["Condition"]], scope)
    }
    # Only now, because a failed update needs these resources for its rollback.
    for name in [name for name in known if name not in resources]:
        _remove(stack, name, world, keep=known[name].retained)
    # AWS does not consider the DeletionPolicy here.
    gone = [
        old for name, old in replaced.items() if resources[name].get("UpdateReplacePolicy") not in LASTING
    ]
    _clean_up(stack, gone, world)
    stack.template, stack.parameters, stack.outputs = template, parameters, outputs


def _bring(
    stack: Stack, name: str, type_name: str, properties: dict[str, Any], world: World, *, adopt: bool
) -> bool:
    """Create, change or replace one resource unless it is as wanted; return whether it was replaced."""
    kind = kinds.of(type_name)
    kind.check(type_name, properties)
    old = stack.resources.get(name)
    if old is not None and old.properties == properties:
        return False
    before = old.properties if old else {}
    differing = {key for key in properties.keys() | before.keys() if properties.get(key) != before.get(key)}
    action: Action = "Add" if old is None or differing & kind.replaced_by else "Modify"
    verb = "CREATE" if action == "Add" else "UPDATE"
    resource = Resource(
        name, type_name, old.physical if old else "", properties, {}, "", old.retained if old else False
    )
    stack.say(f"{verb}_IN_PROGRESS", "", resource)
    try:
        given = with_secrets(properties, world.clients.secret)
        if action == "Add":
            made = kind.adopt(world.clients, given) if adopt else None
            resource.adopted = made is not None
            made = made or kind.create(world.clients, given)
        else:
            assert old is not None
            made = kind.update(world.clients, old.physical, given) or kinds.Made(old.physical, old.attributes)
    except Exception as error:
        stack.say(f"{verb}_FAILED", _reason(error), resource)
        raise
    resource.physical, resource.attributes = made.physical, made.attributes
    stack.resources[name] = resource
    stack.say(f"{verb}_COMPLETE", "", resource)
    return old is not None and action == "Add"


def _remove(stack: Stack, name: str, world: World, *, keep: bool) -> None:
    resource = stack.resources[name]
    if keep:
        stack.say("DELETE_SKIPPED", "", resource)
    else:
        stack.say("DELETE_IN_PROGRESS", "", resource)
        try:
            kinds.of(resource.type).delete(world.clients, resource.physical)
        except Exception as error:
            stack.say("DELETE_FAILED", _reason(error), resource)
            raise
        stack.say("DELETE_COMPLETE", "", resource)
    del stack.resources[name]


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def imported(value: Any, scope: Scope) -> set[str]:
    """Return the names of the exports that `value` imports."""
    if isinstance(value, list):
        return set().union(*(imported(one, scope) for one in value))
    if not isinstance(value, dict):
        return set()
    if "Fn::ImportValue" in value:
        return {str(resolve(value["Fn::ImportValue"], scope))}
    return set().union(*(imported(one, scope) for one in value.values()))
