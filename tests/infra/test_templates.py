"""Rules that hold for all templates."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from rendered import ENVIRONMENTS, INFRA, environment, every, templates, values

from control.deploy import order, parameters, template
from control.errors import UsageError

OUR_KEYS = {"arn:LakeKey", "arn:ControlKey"}
# Where each type has the key that encrypts it.
KEYS: dict[str, tuple[str, ...]] = {
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::Kinesis::Stream": ("StreamEncryption", "KeyId"),
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
    "AWS::RDS::DBCluster": ("KmsKeyId",),
    "AWS::DMS::ReplicationInstance": ("KmsKeyId",),
    "AWS::CodeBuild::Project": ("EncryptionKey",),
    "AWS::Athena::WorkGroup": (
        "WorkGroupConfiguration", "ResultConfiguration", "EncryptionConfiguration", "KmsKey",
    ),
    "AWS::KinesisFirehose::DeliveryStream": (
        "ExtendedS3DestinationConfiguration", "EncryptionConfiguration", "KMSEncryptionConfig",
        "AWSKMSKeyARN",
    ),
}  # fmt: skip
HOLD_DATA = {
    "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::SecretsManager::Secret",
    "AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::RDS::DBCluster", "AWS::Glue::Database",
}  # fmt: skip
# Statements in which AWS offers nothing but a wildcard.
WILDCARD_RESOURCES = {
    "keys.LakeKey/AccountDecidesByIam": "in a key's own policy `*` is the key",
    "keys.ControlKey/AccountDecidesByIam": "in a key's own policy `*` is the key",
    "keys.ControlKey/LogGroupsOfThisEnvironment": "in a key's own policy `*` is the key",
    "keys.ControlKey/EventsAndAlarmsIntoEncryptedQueuesAndTopics": "in a key's own policy `*` is the key",
    "access.MachineRole/Logs": "a log delivery belongs to the account; AWS has no resource for it",
    "access.AnalystRole/LakeFormation": "AWS has no resource for GetDataAccess",
    "access.EngineerRole/GovernedPlaces": "AWS has no resource for ListResources",
}


def test_every_import_is_exported_and_there_is_no_cycle() -> None:
    found = order.order(templates())
    for name, needed in order.needs(templates()).items():
        assert all(found.index(one) < found.index(name) for one in needed)


def test_every_template_fits_into_a_request() -> None:
    assert {
        name: len(one.body) for name, one in templates().items() if len(one.body) > template.BODY_BYTES
    } == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_params_file_has_a_value_for_every_parameter_and_no_other(name: str) -> None:
    assert values(name).keys() == parameters.declared(templates()).keys()
    parameters.judge(values(name), parameters.declared(templates()))


def test_values_shared_by_all_environments_are_only_in_project_yaml() -> None:
    project = parameters.read(INFRA / "project.yaml").keys()
    assert "Project" in project
    for name in ENVIRONMENTS:
        assert project.isdisjoint(parameters.read(INFRA / "params" / f"{name}.yaml"))


def test_the_params_files_have_the_same_keys_in_the_same_order() -> None:
    keys = {name: list(parameters.read(INFRA / "params" / f"{name}.yaml")) for name in ENVIRONMENTS}
    assert keys["dev"] == keys["staging"] == keys["prod"]


def test_every_parameter_is_used_where_it_is_declared() -> None:
    for one in templates().values():
        rest = {name: part for name, part in one.content.items() if name != "Parameters"}
        text = repr(rest)
        unused = [
            name for name in one.parameters if f"'Ref': '{name}'" not in text and f"${{{name}}}" not in text
        ]
        assert unused == [], one.name


def test_every_parameter_has_bounds_and_a_reason() -> None:
    for name, one in parameters.declared(templates()).items():
        assert len(one.get("Description", "")) > 30, name
        bounded = "AllowedValues" in one or "AllowedPattern" in one or {"MinValue", "MaxValue"} <= one.keys()
        assert bounded, name
        if "Default" in one:
            assert parameters.problem_of(parameters._text(one["Default"]), one) == "", name


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_resources_that_hold_data_survive_their_stack(name: str) -> None:
    for stack, resources in environment(name).items():
        for key, found in resources.items():
            if found["Type"] in HOLD_DATA:
                # RetainExceptOnCreate: a failed first creation leaves nothing that blocks the next.
                kept = (found.get("DeletionPolicy"), found.get("UpdateReplacePolicy"))
                allowed = {("RetainExceptOnCreate", "Retain"), ("Snapshot", "Snapshot")}
                assert kept in allowed, f"{stack}.{key}"


@pytest.mark.parametrize("type_name", KEYS)
def test_everything_stored_is_encrypted_with_one_of_our_keys(type_name: str) -> None:
    found = dict(every(type_name))
    assert found
    for where, given_properties in found.items():
        value: Any = given_properties
        for step in KEYS[type_name]:
            value = value[step]
        assert value in OUR_KEYS, where


def test_every_bucket_is_private_versioned_encrypted_and_tls_only() -> None:
    policies = {
        one["Bucket"]: one["PolicyDocument"]["Statement"] for _, one in every("AWS::S3::BucketPolicy")
    }
    for where, bucket in every("AWS::S3::Bucket"):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, where
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, where
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        by_default = rule["ServerSideEncryptionByDefault"]
        # S3 delivers access logs only to a bucket encrypted with S3's own key.
        assert by_default.get("KMSMasterKeyID") in OUR_KEYS or where == "storage.LogBucket", where
        [tls] = [one for one in policies[bucket["BucketName"]] if one["Sid"] == "TlsOnly"]
        assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}}), (
            where
        )


ENCRYPTION = "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("named", "is_taken"),
    [
        ({}, True),  # the default key of the bucket is used
        ({ENCRYPTION: "aws:kms"}, True),
        ({ENCRYPTION: "aws:kms", f"{ENCRYPTION}-aws-kms-key-id": "arn:LakeKey"}, True),
        ({ENCRYPTION: "aws:kms", f"{ENCRYPTION}-aws-kms-key-id": "arn:of-another-account"}, False),
        ({ENCRYPTION: "AES256"}, False),
        ({f"{ENCRYPTION}-customer-algorithm": "AES256"}, False),
    ],
)
def test_the_lake_refuses_objects_encrypted_with_another_key(named: dict[str, str], is_taken: bool) -> None:
    """Otherwise, anyone who may write could lock the lake with a key that only they have."""
    [policy] = [one for where, one in every("AWS::S3::BucketPolicy") if where == "storage.LakeBucketPolicy"]
    asked = {"aws:SecureTransport": "true", **named}
    denials = [one for one in policy["PolicyDocument"]["Statement"] if _applies(one["Condition"], asked)]
    assert (denials == []) is is_taken


def _applies(condition: dict[str, dict[str, str]], asked: dict[str, str]) -> bool:
    """Return whether a condition holds. Supports the operators in our bucket policies."""
    holds = {
        "Bool": lambda found, wanted: found == wanted,
        "Null": lambda found, wanted: (found is None) == (wanted == "true"),
        "StringNotEquals": lambda found, wanted: found != wanted,
    }
    return all(
        holds[operator](asked.get(key), wanted)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def test_wildcards_appear_only_where_aws_offers_nothing_narrower() -> None:
    seen = set()
    for where, statement in _statements():
        if statement["Effect"] != "Allow":
            continue
        actions = _list(statement["Action"])
        assert "*" not in actions, where
        if where not in WILDCARD_RESOURCES:
            assert not [one for one in actions if one.endswith(":*")], where
        if "*" in _list(statement.get("Resource", [])):
            seen.add(where)
    assert seen == WILDCARD_RESOURCES.keys()


def test_only_deny_statements_apply_to_everyone() -> None:
    for where, statement in _statements():
        if statement.get("Principal") == "*":
            assert statement["Effect"] == "Deny", where


def test_a_service_assumes_a_role_only_for_this_account() -> None:
    # Lambda sends no account when it assumes a role.
    lambdas = {"access.RegisterRole", "access.IngestRole", "access.RetentionRole"}
    for where, role in every("AWS::IAM::Role"):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            if isinstance(statement, dict) and "Service" in statement["Principal"] and where not in lambdas:
                assert "aws:SourceAccount" in repr(statement["Condition"]), where


def test_every_skipped_check_has_a_reason_and_a_date() -> None:
    for one in templates().values():
        for key, resource in one.resources.items():
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                when, _, reason = skip["comment"].partition(": ")
                assert date.fromisoformat(when), key
                assert len(reason) > 30, key


def test_no_anchor_or_alias_that_cloudformation_would_refuse() -> None:
    for file in (INFRA / "templates").glob("*.yaml"):
        found = re.findall(r"(?:^|[:\-] )[&*][A-Za-z][\w-]*\s*$", file.read_text(), re.MULTILINE)
        assert found == [], file.name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("StreamShards", "0"), ("StreamShards", "201"), ("StreamShards", "many"), ("StreamShards", "nan"),
        ("Environment", "test"), ("SchemaPrefix", "Dev_"), ("IngestSchedule", "often"), ("DbtThreads", "1e1"),
        ("ControlCodeKey", "control/x.zip"), ("Shards", "1"),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        parameters.judge(values("dev") | {name: value}, parameters.declared(templates()))


def _statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for type_name, key in (
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
    ):
        for where, found in every(type_name):
            for statement in found[key]["Statement"]:
                yield f"{where}/{statement.get('Sid')}", statement
    for where, role in every("AWS::IAM::Role"):
        for policy in role.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield f"{where}/{statement.get('Sid')}", statement


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
