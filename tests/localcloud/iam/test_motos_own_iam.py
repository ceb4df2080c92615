"""Why moto's own IAM is not used (docs/adr/0018): how it judges roles such as ours.

If one of these fails, moto has learned it, and the decision can be reviewed.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

ACCOUNT, REGION = "123456789012", "eu-west-1"
TABLE = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/gold/*"
GLUE = [f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog", f"arn:aws:glue:{REGION}:{ACCOUNT}:database/gold", TABLE]
Statement = dict[str, Any]


@pytest.fixture
def keys_of() -> Iterator[Callable[..., dict[str, str]]]:
    """Return a function: statements -> session keys of their role, in an account that then enforces IAM."""

    def made(*statements: Statement, session: Statement | None = None) -> dict[str, str]:
        trust = policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
        iam, sts = boto3.client("iam", REGION), boto3.client("sts", REGION)
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy(*statements))
        narrowed = {"Policy": policy(session)} if session else {}
        return as_keys(sts.assume_role(RoleArn=role, RoleSessionName="session", **narrowed)["Credentials"])

    with mock_aws():
        yield made


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def as_keys(found: dict[str, str]) -> dict[str, str]:
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


def allow(actions: str, resource: Any, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


@set_initial_no_auth_action_count(0)
def refused(keys: dict[str, str], service: str, operation: str, **given: Any) -> bool:
    """Return whether moto's IAM refuses the call. Any other error means that it was let through."""
    try:
        getattr(boto3.client(service, REGION, **keys), operation)(**given)
    except ClientError as error:
        return "not authorized to perform" in str(error) or "AccessDenied" in str(error)
    return False


def test_a_permission_on_a_named_resource_is_refused(keys_of: Any) -> None:
    ask = {"DatabaseName": "gold", "Name": "top_beers"}
    assert refused(keys_of(allow("glue:GetTable", GLUE)), "glue", "get_table", **ask)


def test_a_permission_on_all_resources_is_granted(keys_of: Any) -> None:
    ask = {"DatabaseName": "bronze", "Name": "review"}
    assert not refused(keys_of(allow("glue:GetTable", "*")), "glue", "get_table", **ask)


def test_a_condition_on_the_request_is_ignored(keys_of: Any) -> None:
    boto3.client("s3", REGION).create_bucket(
        Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    gold_only = {"StringLike": {"s3:prefix": "warehouse/gold/*"}}
    keys = keys_of(allow("s3:ListBucket", "arn:aws:s3:::lake", Condition=gold_only))
    assert not refused(keys, "s3", "list_objects_v2", Bucket="lake", Prefix="raw/")


def test_a_session_policy_is_ignored(keys_of: Any) -> None:
    keys = keys_of(allow("sqs:*", "*"), session=allow("s3:GetObject", "*"))
    assert not refused(keys, "sqs", "list_queues")


def test_a_role_that_trusts_its_account_cannot_be_assumed_by_anyone(keys_of: Any) -> None:
    trust = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    keys = keys_of(allow("sts:AssumeRole", "*"))
    made = boto3.client("iam", REGION).create_role(
        RoleName="persona", AssumeRolePolicyDocument=policy({"Effect": "Allow", **trust})
    )
    assert refused(keys, "sts", "assume_role", RoleArn=made["Role"]["Arn"], RoleSessionName="session")


def test_a_condition_on_mfa_is_ignored(keys_of: Any) -> None:
    keys = keys_of(allow("sts:AssumeRole", "*"))
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    made = boto3.client("iam", REGION).create_role(RoleName="mfa", AssumeRolePolicyDocument=policy(trust))
    assert not refused(keys, "sts", "assume_role", RoleArn=made["Role"]["Arn"], RoleSessionName="session")
