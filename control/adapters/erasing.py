"""Delete resources that a stack retained, with their data. The caller must have asked for confirmation."""

from collections.abc import Callable, Mapping

from control.adapters.aws import client
from control.config import Settings


def _bucket(settings: Settings, name: str) -> None:
    s3 = client(settings, "s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _table(settings: Settings, name: str) -> None:
    dynamodb = client(settings, "dynamodb")
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    dynamodb.delete_table(TableName=name)


def _key(settings: Settings, key: str) -> None:
    """Schedule the deletion: KMS waits at least a week, during which it can be cancelled."""
    client(settings, "kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _secret(settings: Settings, arn: str) -> None:
    client(settings, "secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)


def _stream(settings: Settings, name: str) -> None:
    client(settings, "kinesis").delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def _database(settings: Settings, name: str) -> None:
    """Delete the database with its tables; their objects are deleted with the bucket."""
    client(settings, "glue").delete_database(Name=name)


def _nothing(_settings: Settings, _physical: str) -> None:
    """Do nothing: a policy is deleted with its bucket."""


ERASERS: Mapping[str, Callable[[Settings, str], None]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _nothing,
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::Kinesis::Stream": _stream,
    "AWS::Glue::Database": _database,
}
