"""Open a session of a role in the running cloud, and read what roles have called."""

import http.client
import json
from typing import Any

from localcloud.config import HOST
from localcloud.errors import LocalCloudError
from localcloud.iam.calls import CALLS
from localcloud.instance import Record

SECONDS = 43_200  # the longest session that AWS allows
ASK_SECONDS = 30


def take(record: Record, role: str) -> dict[str, str]:
    """Return the environment variables of a session of `role`. Its trust policy is not checked.

    Raises LocalCloudError when there is no such role.
    """

    import boto3  # 0.1 s that no other command needs

    def client(service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=record.endpoint,
            region_name=record.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  any will do
        )

    iam = client("iam")
    try:
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    except (iam.exceptions.NoSuchEntityException, UnicodeEncodeError):
        names = sorted(one["RoleName"] for one in iam.list_roles()["Roles"])
        raise LocalCloudError(
            f"the local cloud has no role {role}",
            hint=f"one of {', '.join(names)}" if names else "make some: dm deploy apply dev access",
        ) from None
    session = {"RoleSessionName": "local", "DurationSeconds": SECONDS}
    found = client("sts").assume_role(RoleArn=arn, **session)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def called(record: Record) -> list[dict[str, Any]]:
    """Return what each role has called since the start. Raises LocalCloudError when IAM is off."""
    connection = http.client.HTTPConnection(HOST, record.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", CALLS)
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LocalCloudError(f"the local cloud does not answer ({error})", hint="dm local up") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise LocalCloudError(
            "this local cloud does not check roles", hint="dm local down, then: dm local up --iam record"
        )
    found: list[dict[str, Any]] = json.loads(content)
    return found
