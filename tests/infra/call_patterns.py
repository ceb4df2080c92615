"""Summarize the calls of each role that the local cloud recorded, without what differs between runs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from demo import roles


def pattern(resource: str, keys: Mapping[str, str]) -> str:
    """Replace the parts of a resource's ARN that differ between runs."""
    for physical, logical in keys.items():
        resource = resource.replace(physical, logical)
    resource = re.sub(r"^(arn:aws:[\w-]+):[\w-]+:\d{12}:", r"\1:REGION:ACCOUNT:", resource)
    resource = resource.replace("123456789012", "ACCOUNT").replace(f"{roles.PROJECT}-", "PROJECT-")
    if resource.startswith("arn:aws:s3:::") and "/" in resource:
        return _object(resource)
    for found, shown in PATTERNS.items():
        resource = re.sub(found, shown, resource)
    return resource


PATTERNS = {
    r":table/([a-z_]+)/.+$": r":table/\1/*",
    r":stack/.+$": ":stack/PROJECT-dev-*/*",
    r"/applications/\w+": "/applications/*",
    r"/jobruns/\w+": "/jobruns/*",
}
# Folders whose subfolders have different permissions.
DEEPER = {"warehouse": None, "alerts": {"outbox"}, "athena-results": {"analyst"}}


def _object(resource: str) -> str:
    bucket, first, *more = resource.split("/")
    below = DEEPER.get(first, set())
    if more[0].startswith("doctor-"):
        return f"{bucket}/{first}/doctor-*"
    if len(more) > 1 and (below is None or more[0] in below):
        return f"{bucket}/{first}/{more[0]}/*"
    return f"{bucket}/{first}/*"


def key_names(cloudformation: Any) -> dict[str, str]:
    """Return the logical name of each key and secret of the stacks, by ARN."""
    found = cloudformation.list_stack_resources(StackName=roles.name("keys"))["StackResourceSummaries"]
    region = cloudformation.meta.region_name
    return {
        f"arn:aws:kms:{region}:123456789012:key/{one['PhysicalResourceId']}"
        if one["ResourceType"] == "AWS::KMS::Key"
        else one["PhysicalResourceId"]: one["LogicalResourceId"]
        for one in found
        if one["ResourceType"] in ("AWS::KMS::Key", "AWS::SecretsManager::Secret")
    }


def summary(calls: Sequence[Mapping[str, Any]], keys: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Return role -> action -> resources."""
    found: dict[str, dict[str, set[str]]] = {}
    for one in calls:
        role = one["role"].removeprefix(f"{roles.PROJECT}-{roles.ENVIRONMENT}-")
        found.setdefault(role, {}).setdefault(one["action"], set()).add(pattern(one["resource"], keys))
    return {
        role: {action: sorted(resources) for action, resources in sorted(actions.items())}
        for role, actions in sorted(found.items())
    }
