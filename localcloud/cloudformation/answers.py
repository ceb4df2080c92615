"""Describe stacks and change sets as CloudFormation answers them."""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.model import ChangeSet, Stack


def of_change_set(stack: Stack, found: ChangeSet) -> dict[str, Any]:
    """Return one change set."""
    return {
        "ChangeSetName": found.name,
        "ChangeSetId": found.id,
        "StackName": stack.name,
        "StackId": stack.id,
        "Status": found.status,
        "StatusReason": found.reason,
        "ExecutionStatus": found.execution,
        "CreationTime": found.created,
        "Parameters": _pairs(found.parameters),
        "Changes": [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": change.action,
                    "LogicalResourceId": change.logical,
                    "PhysicalResourceId": change.physical,
                    "ResourceType": change.type,
                    "Replacement": change.replacement,
                    "Details": [
                        {"Target": {"Attribute": "Properties", "Name": one}} for one in change.properties
                    ],
                },
            }
            for change in found.changes
        ],
    }


def of_stack(one: Stack) -> dict[str, Any]:
    """Return one stack."""
    return {
        "StackName": one.name,
        "StackId": one.id,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
        "CreationTime": one.created,
        "EnableTerminationProtection": one.protected,
        "Parameters": _pairs(one.parameters),
        "Outputs": [
            {
                "OutputKey": name,
                "OutputValue": output["value"],
                "Description": output["description"],
                **({"ExportName": output["export"]} if output["export"] else {}),
            }
            for name, output in one.outputs.items()
        ],
    }


def _pairs(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
