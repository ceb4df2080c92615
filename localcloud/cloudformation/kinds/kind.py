"""What the local cloud must know about a resource type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import UnsupportedError

Properties = Mapping[str, Any]


class Clients:
    """boto3 clients of the local cloud's own endpoint."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint, self.region = endpoint, region
        self._session = boto3.Session("local", "local", region_name=region)
        self._made: Callable[[str], Any] = cache(self._make)

    def __call__(self, service: str) -> Any:
        """Return the client of a service, created once."""
        return self._made(service)

    def secret(self, arn: str, version: str) -> str:
        """Return the text of a secret, for dynamic references; its current version if none is named."""
        which = {"VersionId": version} if version else {}
        text: str = self("secretsmanager").get_secret_value(SecretId=arn, **which)["SecretString"]
        return text

    def _make(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Made:
    """A resource that was created: what `Ref` returns, and its attributes."""

    physical: str
    attributes: dict[str, str]


def _no_adoption(_clients: Clients, _properties: Properties) -> Made | None:
    return None


@dataclass(frozen=True)
class Kind:
    """How to create, change, delete and read one resource type.

    `properties` are the supported ones, `replaced_by` those whose change replaces the resource. `read`
    returns the actual properties, as far as the local cloud keeps them, and None if the resource does not
    exist. `adopt` imports the existing resource, and returns None if there is none.
    """

    properties: frozenset[str]
    create: Callable[[Clients, Properties], Made]
    delete: Callable[[Clients, str], None]
    update: Callable[[Clients, str, Properties], Made | None]
    read: Callable[[Clients, str], dict[str, Any] | None] | None = None
    replaced_by: frozenset[str] = frozenset()
    adopt: Callable[[Clients, Properties], Made | None] = _no_adoption

    def check(self, type_name: str, properties: Properties) -> None:
        """Raise UnsupportedError for a property that would be ignored."""
        if unknown := sorted(properties.keys() - self.properties):
            raise UnsupportedError(f"The local cloud does not know {type_name}'s {', '.join(unknown)}")


def names(text: str) -> frozenset[str]:
    """Return the names in a text, which are separated by spaces."""
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
    """Return the answer of a call; None if what it asks for does not exist."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
