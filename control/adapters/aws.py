"""boto3 clients, and the one place that translates botocore's errors into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from control.config import Settings
from control.errors import (
    ConflictError,
    ControlError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UpstreamError,
    UsageError,
)

LOCAL_HINT = 'start the local cloud with `dm local up`, then run: eval "$(dm env)"'
CREDENTIALS_HINT = (
    'for the local cloud run: eval "$(dm env)" ; for AWS set AWS_PROFILE or the AWS_ACCESS_KEY_ID pair'
)

RIGHTS_HINT = "grant the role that permission, or use another role (on the local cloud: dm env --role ROLE)"

# Longest part of the other side's message that is passed on.
MOST_SAID = 500
THROTTLED = {
    "ConcurrentRunsExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    # Another conditional write of the same key is under way.
    "ConditionalRequestConflict",
    "ConcurrentModificationException",
}
CONFLICT = {"AlreadyExistsException", "ConditionalCheckFailedException", "PreconditionFailed", "412"}
ABSENT = {
    "404",
    "NotFoundException",
    "EntityNotFoundException",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchVersion",
    "NotFound",
    "ResourceNotFoundException",
}
DENIED = {"403", "AccessDenied", "AccessDeniedException"}
REFUSED = DENIED | {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


def client(settings: Settings, service: str) -> Any:
    """Return a boto3 client of `service` at the settings' endpoint, with fewer retries if that is local."""
    config = Config(
        # A local endpoint that refuses connections will not come up within seconds: fail early.
        retries={"mode": "standard", "total_max_attempts": 2 if is_loopback(settings.endpoint) else 5},
        connect_timeout=5,
        read_timeout=60,
    )
    try:
        with translated(service, settings.endpoint):
            return boto3.client(  # type: ignore[call-overload]
                service, region_name=settings.region, endpoint_url=settings.endpoint or None, config=config
            )
    except ValueError as error:
        raise UsageError(f"{error}", hint="check AWS_ENDPOINT_URL and AWS_REGION") from error


def is_loopback(endpoint: str) -> bool:
    """Whether `endpoint` is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


@contextmanager
def translated(what: str, endpoint: str = "") -> Iterator[None]:
    """Translate botocore's errors about `what` into those of `control.errors`."""
    try:
        yield
    except ClientError as error:
        raise _of_response(what, error, endpoint) from error
    except (BotoCoreError, Boto3Error) as error:
        raise _of_transport(what, error, endpoint) from error


def _of_response(what: str, error: ClientError, endpoint: str) -> ControlError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())[:MOST_SAID]
    if code in THROTTLED:
        return ThrottledError(f"{what}: asked to slow down ({code})", hint="try again in a moment")
    if code in CONFLICT:
        return ConflictError(f"{what}: is not as expected ({code})")
    if code in ABSENT:
        return NotFoundError(f"{what}: does not exist ({code})", hint=LOCAL_HINT if endpoint else "")
    if code in REFUSED:
        # The message names the caller, the action and the resource; a response without a body has only a
        # code.
        why = f": {said}" if code in DENIED and "not authorized" in said else f" ({code})"
        hint = RIGHTS_HINT if code in DENIED else CREDENTIALS_HINT
        return UsageError(f"{what}: access is refused{why}", hint=hint)
    why = f"{code or status}: {said}" if said else f"{code or status}"
    if status >= 500:
        return UnavailableError(f"{what}: failed on the other side ({why})", hint="try again")
    return UpstreamError(f"{what}: was refused ({why})")


def _of_transport(what: str, error: Exception, endpoint: str) -> ControlError:
    name = type(error).__name__
    if isinstance(error, NoCredentialsError) or "Credential" in name or "Token" in name:
        return UsageError(f"{what}: no usable credentials were found ({name})", hint=CREDENTIALS_HINT)
    if isinstance(error, ProfileNotFound):
        return UsageError(f"{what}: {error}", hint=CREDENTIALS_HINT)
    if isinstance(error, HTTPClientError | BotoConnectionError) or name == "IncompleteReadError":
        hint = (
            LOCAL_HINT if not endpoint or is_loopback(endpoint) else "check the network and AWS_ENDPOINT_URL"
        )
        where = endpoint or "AWS"
        return UnavailableError(f"{what}: cannot be reached at {where} ({name})", hint=hint)
    return UpstreamError(f"{what}: failed ({name})")
