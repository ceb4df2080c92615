"""STS: restrict sessions by managed policies, which moto ignores: they had all rights of their role."""

import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.exceptions import STSValidationError
from moto.sts.responses import TokenResponse

from localcloud.aws.patches.replacing import replace


def apply() -> None:
    """Make a session keep the managed policies that it was requested with."""
    replace(TokenResponse, assume_role=_narrowed(TokenResponse.assume_role))


def _narrowed(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def assume_role(response: Any) -> Any:
        named = response._get_param("PolicyArns") or []
        managed = [_document(response.current_account, one["arn"]) for one in named]
        found = original(response)
        session = found.result["Credentials"]
        if managed:
            given = [json.loads(session.policy)] if session.policy else []
            # The session may do what any of them allows, if its role may, too.
            statements = [one for document in (*given, *managed) for one in _statements(document)]
            session.policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        return found

    return assume_role


def _document(account: str, arn: str) -> dict[str, Any]:
    policy = iam_backends[account]["aws"].managed_policies.get(arn)
    if policy is None:
        raise STSValidationError(f"PolicyArns: the local cloud has no managed policy {arn}")
    text = next(version.document for version in policy.versions if version.is_default)
    found: dict[str, Any] = json.loads(text)
    return found


def _statements(document: dict[str, Any]) -> list[Any]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]
