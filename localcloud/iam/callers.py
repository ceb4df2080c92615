"""Find the caller: the role behind an access key, with its policies in moto."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from localcloud.iam.asked import ACCOUNT
from localcloud.iam.policies import Document

# Keys that AWS creates begin with these; any other is the account owner's, who may do everything.
MADE_BY_AWS: Final = ("ASIA", "AKIA")
PARTITION: Final = "aws"


class UnknownKeyError(Exception):
    """The access key belongs to no role."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A session of a role. `session` is its session policy, if any."""

    role: str
    arn: str
    identity: tuple[Document, ...]
    session: Document | None = None


def of(access_key: str) -> Caller | None:
    """Return the session of an access key; None for the account's owner.

    Raises UnknownKeyError for a key that was never issued, or was issued before the cloud's last start.
    """
    if not access_key.startswith(MADE_BY_AWS):
        return None
    found = sts_backends[ACCOUNT][PARTITION].get_assumed_role_from_access_key(access_key)
    if found is None:
        raise UnknownKeyError(access_key)
    name = found.role_arn.rpartition("/")[2]
    session = _document(found.policy) if found.policy else None
    return Caller(name, found.arn, _policies(name), session)


def _policies(role: str) -> tuple[Document, ...]:
    """Return the present policies of a role; empty for a role that does not exist."""
    roles = iam_backends[ACCOUNT][PARTITION].roles
    found: Any = next((one for one in roles.values() if one.name == role), None)
    if found is None:
        return ()
    managed = (
        version.document
        for policy in found.managed_policies.values()
        for version in policy.versions
        if version.is_default
    )
    return tuple(_document(text) for text in (*found.policies.values(), *managed))


@lru_cache(maxsize=256)
def _document(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(text)
    return found
