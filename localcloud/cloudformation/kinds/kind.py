"""What the local cloud must know of a type of resource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import UnsupportedError

Properties = Mapping[str, Any]


class Clients:
    """boto3's clients of the local cloud's own endpoint."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint, self.region = endpoint, region
        self._session = boto3.Session("local", "local", region_name=region)
        self._made: Callable[[str], Any] = cache(self._make)

    def __call__(self, service: str) -> Any:
        """The client of a service, made once."""
        return self._made(service)

    def secret(self, arn: str, version: str) -> str:
        """The text of a secret, for dynamic references; of its current version where none is named."""
        which = {"VersionId": version} if version else {}
        text: str = self("secretsmanager").get_secret_value(SecretId=arn, **which)["SecretString"]
        return text

    def _make(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Made:
    """A resource that was made: what `Ref` gives, and its attributes."""

    physical: str
    attributes: dict[str, str]


def _no_adoption(_clients: Clients, _properties: Properties) -> Made | None:
    return None


@dataclass(frozen=True)
class Kind:
    """How to make, change, remove and read one type of resource.

    `properties` are those that are understood, `replaced_by` those whose change means another resource.
    `read` gives properties as they are now, as far as the local cloud keeps them, and None when the resource
    is gone.
    """

    properties: frozenset[str]
    create: Callable[[Clients, Properties], Made]
    delete: Callable[[Clients, str], None]
    update: Callable[[Clients, str, Properties], Made | None]
    read: Callable[[Clients, str], dict[str, Any] | None] | None = None
    replaced_by: frozenset[str] = frozenset()
    adopt: Callable[[Clients, Properties], Made | None] = _no_adoption

    def check(self, type_name: str, properties: Properties) -> None:
        """Raise UnsupportedError for a property that would be passed over."""
        if unknown := sorted(properties.keys() - self.properties):
            raise UnsupportedError(f"The local cloud does not know {type_name}'s {', '.join(unknown)}")


def names(text: str) -> frozenset[str]:
    """Names separated by spaces."""
    return frozenset(text.split())


ABSENT = (
    "404",
    "NoSuchEntity",
    "NoSuchBucket",
    "NotFoundException",
    "ResourceNotFoundException",
    "EntityNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "StateMachineDoesNotExist",
    "ResourceNotFound",
    "InvalidRequestException",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
)


def found(call: Callable[..., Any], **request: Any) -> Any:
    """What a call answers, None when what it asks for is not there."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
