"""Evaluate the conditions of a template: which resources will be created for given parameters."""

from collections.abc import Mapping
from typing import Any

from control.deploy.template import Template
from control.errors import UsageError


def made(template: Template, values: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return the resources whose condition holds for `values`. Raises UsageError if a function is unknown."""
    known = template.content.get("Conditions", {})
    return {
        name: one
        for name, one in template.resources.items()
        if "Condition" not in one or _holds(known[one["Condition"]], known, values)
    }


def _holds(condition: Any, known: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    [(function, argument)] = condition.items()
    if function == "Condition":
        return _holds(known[argument], known, values)
    if function == "Fn::Equals":
        first, second = (_value(one, values) for one in argument)
        return first == second
    if function == "Fn::Not":
        return not _holds(argument[0], known, values)
    if function in ("Fn::And", "Fn::Or"):
        joined = all if function == "Fn::And" else any
        return joined(_holds(one, known, values) for one in argument)
    raise UsageError(f"a condition with {function} cannot be evaluated before it is deployed")


def _value(operand: Any, values: Mapping[str, str]) -> str:
    return values[operand["Ref"]] if isinstance(operand, dict) else str(operand)
