"""Buckets and tables."""

import json
from typing import Any

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties, found, names


def _bucket(name: str) -> Made:
    return Made(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"})


def _create_bucket(clients: Clients, properties: Properties) -> Made:
    name = properties["BucketName"]
    if found(clients("s3").head_bucket, Bucket=name) is not None:
        raise ValidationError(f"{name} already exists")
    place = {"LocationConstraint": clients.region}
    given: dict[str, Any] = {} if clients.region == "us-east-1" else {"CreateBucketConfiguration": place}
    clients("s3").create_bucket(Bucket=name, **given)
    _update_bucket(clients, name, properties)
    return _bucket(name)


def _adopt_bucket(clients: Clients, properties: Properties) -> Made | None:
    name = properties["BucketName"]
    if found(clients("s3").head_bucket, Bucket=name) is None:
        return None
    _update_bucket(clients, name, properties)
    return _bucket(name)


def _update_bucket(clients: Clients, name: str, properties: Properties) -> None:
    s3 = clients("s3")
    if versioning := properties.get("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if block := properties.get("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if controls := properties.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    if encryption := properties.get("BucketEncryption"):
        rules = [
            {
                **rule,
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            }
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        for rule in rules:
            del rule["ServerSideEncryptionByDefault"]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [_lifecycle(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    notification = properties.get("NotificationConfiguration", {})
    if "EventBridgeConfiguration" in notification:
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    if logging := properties.get("LoggingConfiguration"):
        target = {"TargetBucket": logging["DestinationBucketName"], "TargetPrefix": logging["LogFilePrefix"]}
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})


def _lifecycle(rule: Properties) -> dict[str, Any]:
    prefix, tags = rule.get("Prefix", ""), [dict(tag) for tag in rule.get("TagFilters", ())]
    filters: dict[str, Any] = {"And": {"Prefix": prefix, "Tags": tags}} if tags else {"Prefix": prefix}
    made: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": filters}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    for key, inner in (
        ("NoncurrentVersionExpiration", "NoncurrentDays"),
        ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    ):
        if key in rule:
            made[key] = {inner: int(rule[key][inner])}
    return made


def _read_bucket(clients: Clients, name: str) -> dict[str, Any] | None:
    s3 = clients("s3")
    if found(s3.head_bucket, Bucket=name) is None:
        return None
    status = s3.get_bucket_versioning(Bucket=name).get("Status", "Suspended")
    block = found(s3.get_public_access_block, Bucket=name) or {}
    lifecycle = found(s3.get_bucket_lifecycle_configuration, Bucket=name) or {"Rules": []}
    rules = []
    for rule in lifecycle["Rules"]:
        filters = rule.get("Filter", {})
        inner = filters.get("And", filters)
        one: dict[str, Any] = {"Id": rule["ID"], "Status": rule["Status"]}
        if inner.get("Prefix"):
            one["Prefix"] = inner["Prefix"]
        if inner.get("Tags"):
            one["TagFilters"] = inner["Tags"]
        if "Expiration" in rule:
            one["ExpirationInDays"] = rule["Expiration"]["Days"]
        for key, value in (
            ("NoncurrentVersionExpiration", "NoncurrentDays"),
            ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
        ):
            if key in rule:
                one[key] = {value: rule[key][value]}
        rules.append(one)
    return {
        "VersioningConfiguration": {"Status": status},
        "PublicAccessBlockConfiguration": block.get("PublicAccessBlockConfiguration"),
        "LifecycleConfiguration": {"Rules": rules},
    }


def _delete_bucket(clients: Clients, name: str) -> None:
    clients("s3").delete_bucket(Bucket=name)


def _put_policy(clients: Clients, properties: Properties) -> Made:
    clients("s3").put_bucket_policy(
        Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
    )
    return Made(properties["Bucket"], {})


def _read_policy(clients: Clients, bucket: str) -> dict[str, Any] | None:
    answer = found(clients("s3").get_bucket_policy, Bucket=bucket)
    return None if answer is None else {"PolicyDocument": json.loads(answer["Policy"])}


def _delete_policy(clients: Clients, bucket: str) -> None:
    found(clients("s3").delete_bucket_policy, Bucket=bucket)


def _table(clients: Clients, name: str) -> Made:
    arn = clients("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
    return Made(name, {"Arn": arn})


def _create_table(clients: Clients, properties: Properties) -> Made:
    dynamodb, name = clients("dynamodb"), properties["TableName"]
    if found(dynamodb.describe_table, TableName=name) is not None:
        raise ValidationError(f"{name} already exists")
    encryption = properties.get("SSESpecification")
    request = {
        "TableName": name,
        "BillingMode": properties["BillingMode"],
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "KeySchema": properties["KeySchema"],
        "DeletionProtectionEnabled": _true(properties.get("DeletionProtectionEnabled")),
    }
    if indices := properties.get("GlobalSecondaryIndexes"):  # DynamoDB refuses an empty list
        request["GlobalSecondaryIndexes"] = indices
    if encryption:
        request["SSESpecification"] = {
            "Enabled": encryption["SSEEnabled"],
            "SSEType": encryption["SSEType"],
            "KMSMasterKeyId": encryption["KMSMasterKeyId"],
        }
    dynamodb.create_table(**request)
    _update_table(clients, name, properties)
    return _table(clients, name)


def _adopt_table(clients: Clients, properties: Properties) -> Made | None:
    name = properties["TableName"]
    if found(clients("dynamodb").describe_table, TableName=name) is None:
        return None
    _update_table(clients, name, properties)
    return _table(clients, name)


def _update_table(clients: Clients, name: str, properties: Properties) -> None:
    dynamodb = clients("dynamodb")
    dynamodb.update_table(
        TableName=name, DeletionProtectionEnabled=_true(properties.get("DeletionProtectionEnabled"))
    )
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    _update_indices(clients, name, properties)


def _update_indices(clients: Clients, name: str, properties: Properties) -> None:
    """Add or delete one index; like DynamoDB, refuse several at once, and changes of one."""
    dynamodb = clients("dynamodb")
    there = {one["IndexName"]: one for one in _indices(dynamodb.describe_table(TableName=name)["Table"])}
    wanted = {one["IndexName"]: one for one in properties.get("GlobalSecondaryIndexes", ())}
    if any(there[one] != wanted[one] for one in there.keys() & wanted.keys()):
        raise ValidationError(
            "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights"
            " Specification. You can create a new GSI with a different name."
        )
    changes = [{"Delete": {"IndexName": one}} for one in sorted(there.keys() - wanted.keys())]
    changes += [{"Create": wanted[one]} for one in sorted(wanted.keys() - there.keys())]
    if len(changes) > 1:
        raise ValidationError("Cannot perform more than one GSI creation or deletion in a single update")
    if changes:
        dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=properties["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=changes,
        )


def _indices(table: Properties) -> list[dict[str, Any]]:
    """Return the indices of an existing table in the form of a template."""
    stated = ("IndexName", "KeySchema", "Projection")
    return [{key: one[key] for key in stated} for one in table.get("GlobalSecondaryIndexes", ())]


def _read_table(clients: Clients, name: str) -> dict[str, Any] | None:
    dynamodb = clients("dynamodb")
    answer = found(dynamodb.describe_table, TableName=name)
    if answer is None:
        return None
    table = answer["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    return {
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": _indices(table),
        "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery},
    }


def _delete_table(clients: Clients, name: str) -> None:
    clients("dynamodb").delete_table(TableName=name)


def _true(value: object) -> bool:
    return str(value).lower() == "true"


KINDS = {
    "AWS::S3::Bucket": Kind(
        names(
            "BucketName VersioningConfiguration PublicAccessBlockConfiguration OwnershipControls"
            " BucketEncryption LoggingConfiguration NotificationConfiguration LifecycleConfiguration Tags"
        ),
        _create_bucket,
        _delete_bucket,
        _update_bucket,
        _read_bucket,
        names("BucketName"),
        _adopt_bucket,
    ),
    "AWS::S3::BucketPolicy": Kind(
        names("Bucket PolicyDocument"),
        _put_policy,
        _delete_policy,
        lambda clients, _physical, properties: _put_policy(clients, properties),
        _read_policy,
        names("Bucket"),
        _put_policy,
    ),
    "AWS::DynamoDB::Table": Kind(
        names(
            "TableName BillingMode DeletionProtectionEnabled AttributeDefinitions KeySchema"
            " GlobalSecondaryIndexes PointInTimeRecoverySpecification SSESpecification"
        ),
        _create_table,
        _delete_table,
        _update_table,
        _read_table,
        names("TableName KeySchema"),
        _adopt_table,
    ),
}
