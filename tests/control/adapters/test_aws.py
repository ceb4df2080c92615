import botocore.exceptions as boto
import pytest
from botocore.exceptions import ClientError

from control.adapters.aws import client, is_loopback, translated
from control.config import Settings
from control.errors import (
    ConflictError,
    ControlError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UpstreamError,
    UsageError,
    meaning,
)


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Do")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        (refusal("ThrottlingException"), ThrottledError),
        (refusal("SlowDown", 503), ThrottledError),
        (refusal("ConditionalRequestConflict", 409), ThrottledError),
        (refusal("ConditionalCheckFailedException"), ConflictError),
        (refusal("PreconditionFailed", 412), ConflictError),
        (refusal("NoSuchKey", 404), NotFoundError),
        (refusal("404", 404), NotFoundError),
        (refusal("AccessDenied", 403), UsageError),
        (refusal("ExpiredToken"), UsageError),
        (refusal("InternalError", 500), UnavailableError),
        (refusal("", 502), UnavailableError),
        (refusal("ValidationException"), UpstreamError),
        (boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), UnavailableError),
        (boto.ConnectTimeoutError(endpoint_url="x"), UnavailableError),
        (boto.ReadTimeoutError(endpoint_url="x"), UnavailableError),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), UnavailableError),
        (boto.NoCredentialsError(), UsageError),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), UsageError),
        (boto.ProfileNotFound(profile="x"), UsageError),
        (boto.UnknownServiceError(service_name="x", known_service_names="y"), UpstreamError),
    ],
    ids=str,
)
def test_a_vendor_error_becomes_ours_and_names_its_subject(
    vendor: Exception, ours: type[ControlError]
) -> None:
    with pytest.raises(ours, match="the thing") as caught, translated("the thing"):
        raise vendor
    assert type(caught.value) is ours


def test_a_missing_permission_is_named_with_a_hint() -> None:
    said = "User: arn:x is not authorized to perform: s3:GetObject on resource: arn:y"
    vendor = ClientError({"Error": {"Code": "AccessDenied", "Message": said}, "ResponseMetadata": {}}, "x")  # type: ignore[typeddict-item]
    with pytest.raises(UsageError, match=said) as caught, translated("s3://lake/raw"):
        raise vendor
    assert "use another role" in caught.value.hint


@pytest.mark.parametrize("status", [500, 400])
def test_what_the_other_side_says_is_passed_on(status: int) -> None:
    response = {"Error": {"Code": "Internal", "Message": "No space left\non device"}}
    vendor = ClientError(response | {"ResponseMetadata": {"HTTPStatusCode": status}}, "x")  # type: ignore[arg-type]
    with (
        pytest.raises(UpstreamError, match=r"\(Internal: No space left on device\)"),
        translated("s3://lake/raw"),
    ):
        raise vendor


def test_only_transient_errors_are_retryable() -> None:
    retryable = [refusal("SlowDown"), refusal("x", 500), boto.ReadTimeoutError(endpoint_url="x")]
    for vendor in retryable:
        with pytest.raises(ControlError) as caught, translated("x"):
            raise vendor
        assert meaning(caught.value).retryable


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(ValueError, match="mine"), translated("x"):
        raise ValueError("mine")


def test_an_invalid_endpoint_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nonsense"):
        client(Settings(endpoint="nonsense"), "s3")


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:4666", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("", False),
        ("https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", False),
        ("http://127.evil.example:1", False),
        ("http://10.0.0.1:4666", False),
    ],
)
def test_only_this_machine_is_loopback(endpoint: str, local: bool) -> None:
    assert is_loopback(endpoint) is local
