"""The templates of one environment with all functions resolved, as CloudFormation would resolve them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from control.deploy import order, parameters, template
from localcloud.cloudformation.resolve import Scope, holds, resolve, with_secrets

INFRA = Path(__file__).parents[2] / "infra"
ENVIRONMENTS = ("dev", "staging", "prod")
DIGEST = "0" * 64
FILLED_IN = {
    "ControlCodeKey": f"control/{DIGEST}.zip",
    "SparkCodePrefix": f"spark/{DIGEST}",
    "SparkRuntimeKey": f"spark/runtime-{DIGEST}.tar.gz",
    "ProjectCodeKey": f"project/{DIGEST}.zip",
}
ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
}


@cache
def templates() -> dict[str, template.Template]:
    return template.read(INFRA / "templates")


@cache
def values(environment: str) -> dict[str, str]:
    return parameters.of_environment(INFRA, environment) | FILLED_IN


def render(
    given: Mapping[str, str], of: Mapping[str, template.Template] | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return stack -> logical id -> resource, functions resolved. `Ref` gives a resource's name or ARN."""
    return _rendered(given, of or templates())[0]


def output_settings(given: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the outputs of all stacks."""
    return _rendered(given, templates())[1]


def _rendered(
    given: Mapping[str, str], of: Mapping[str, template.Template]
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, str]]:
    known = parameters.declared(of)
    stacks: dict[str, dict[str, dict[str, Any]]] = {}
    exports: dict[str, str] = {}
    settings: dict[str, str] = {}
    for name in order.order(of):
        one = of[name]
        typed = {
            key: float(value) if known[key]["Type"] == "Number" and "." in value
            else int(value) if known[key]["Type"] == "Number" else value
            for key, value in parameters.of_template(one, given).items()
        }  # fmt: skip
        scope = Scope(typed, PSEUDO, exports, one.content.get("Conditions", {}))
        scope.references = {key: _reference(key, found, scope) for key, found in one.resources.items()}
        scope.attributes = lambda key, attribute, scope=scope: (  # type: ignore[misc]
            f"arn:{scope.references[key]}"
            if attribute.endswith("Arn")
            else f"{scope.references[key]}.{attribute}"
        )
        stacks[name] = {
            key: {**found, "Properties": _revealed(resolve(found.get("Properties", {}), scope))}
            for key, found in one.resources.items()
            if "Condition" not in found or holds(scope.conditions[found["Condition"]], scope)
        }
        for output in one.outputs.values():
            if "Condition" in output and not holds(scope.conditions[output["Condition"]], scope):
                continue
            if "Export" in output:
                exports[resolve(output["Export"]["Name"], scope)] = resolve(output["Value"], scope)
            if output.get("Description", "").startswith(template.SETTING_PREFIX):
                settings[output["Description"]] = str(resolve(output["Value"], scope))
    return stacks, settings


@cache
def environment(name: str) -> dict[str, dict[str, dict[str, Any]]]:
    return render(values(name))


def every(type_name: str, of: str = "prod") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `stack.logical id` and the properties of all resources of a type."""
    for stack, resources in environment(of).items():
        for key, found in resources.items():
            if found["Type"] == type_name:
                yield f"{stack}.{key}", found["Properties"]


def properties(stack: str, key: str, of: str = "prod") -> dict[str, Any]:
    found: dict[str, Any] = environment(of)[stack][key]["Properties"]
    return found


NAMES = (
    "Name",
    "QueueName",
    "TableName",
    "BucketName",
    "TopicName",
    "RoleName",
    "FunctionName",
    "StreamName",
)


def _reference(key: str, found: Mapping[str, Any], scope: Scope) -> str:
    given = found.get("Properties", {})
    name = next((given[one] for one in NAMES if isinstance(given.get(one), dict | str)), None)
    try:
        return str(resolve(name, scope)) if name else key
    except Exception:
        return key


def _revealed(properties: Any) -> Any:
    return with_secrets(properties, lambda arn, _version: f"secret of {arn}")
