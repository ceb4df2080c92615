"""Bucket policies: moto applies a Deny although its condition does not hold, and misreads other forms.

For conditions, the local endpoint counts as one with TLS, and a request names no key.
"""

import json
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.utils import LOGGING_SERVICE_PRINCIPAL

from localcloud.aws.patches.replacing import replace

REQUEST = {"aws:SecureTransport": "true"}


def apply() -> None:
    """Read policies as S3 does: conditions, `*` as a principal, lists of actions and resources."""
    replace(
        FakeBucket,
        get_permission=_permission,
        _log_permissions_enabled_policy=staticmethod(_takes_access_logs),
    )


def _permission(bucket: Any, action: str, resource: str) -> Any:
    """Return the verdict of the statements whose conditions hold."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    applying = [_unconditional(one) for one in _list(policy["Statement"]) if _holds(one.get("Condition", {}))]
    if not applying:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": applying})).is_action_permitted(action, resource)


def _unconditional(statement: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in statement.items() if name != "Condition"}


def _holds(condition: dict[str, dict[str, Any]]) -> bool:
    """Whether all of a condition holds; False, so that the statement is skipped, for an unknown operator."""
    return all(
        operator in OPERATORS and OPERATORS[operator](REQUEST.get(key), [str(one) for one in _list(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _is_null(found: str | None, wanted: list[str]) -> bool:
    return (found is None) is (wanted[0].lower() == "true")


def _equals(found: str | None, wanted: list[str]) -> bool:
    return found in wanted


def _differs(found: str | None, wanted: list[str]) -> bool:
    return found not in wanted


OPERATORS = {"Bool": _equals, "Null": _is_null, "StringEquals": _equals, "StringNotEquals": _differs}


def _takes_access_logs(target_bucket: Any, target_prefix: str | None) -> bool:
    written = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
    statements = json.loads(target_bucket.policy)["Statement"] if target_bucket.policy else []
    return any(
        one["Effect"] == "Allow"
        and isinstance(one["Principal"], dict)
        and LOGGING_SERVICE_PRINCIPAL in _list(one["Principal"].get("Service", []))
        and any(fnmatchcase("s3:PutObject", action) for action in _list(one["Action"]))
        and any(fnmatchcase(written, resource) for resource in _list(one["Resource"]))
        for one in statements
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
