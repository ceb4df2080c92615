"""Who calls: the role behind an access key, with its policies as moto keeps them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from localcloud.iam.asked import ACCOUNT
from localcloud.iam.policies import Document

# Keys that AWS makes begin with these; any other stands for the account's owner, who may do everything.
MADE_BY_AWS: Final = ("ASIA", "AKIA")
PARTITION: Final = "aws"


class UnknownKeyError(Exception):
    """No role is behind the access key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A session of a role. `session` is the policy that it was narrowed by, if any."""

    role: str
    arn: str
    identity: tuple[Document, ...]
    session: Document | None = None


def of(access_key: str) -> Caller | None:
    """The session behind an access key; None for the account's owner.

    Raises UnknownKeyError for a key that nobody was given, or before the cloud was started anew.
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
    """Every policy of a role as it is now; none for a role that is not there."""
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
