"""Keys, secrets, roles and policies."""

import json
import secrets
import string
from typing import Any

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties, found, names


def _create_key(clients: Clients, properties: Properties) -> Made:
    kms = clients("kms")
    made = kms.create_key(
        Description=properties.get("Description", ""), Policy=json.dumps(properties["KeyPolicy"])
    )["KeyMetadata"]
    _update_key(clients, made["KeyId"], properties)
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _update_key(clients: Clients, key: str, properties: Properties) -> None:
    kms = clients("kms")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(properties["KeyPolicy"]))
    kms.update_key_description(KeyId=key, Description=properties.get("Description", ""))
    (kms.enable_key_rotation if properties.get("EnableKeyRotation") else kms.disable_key_rotation)(KeyId=key)


def _read_key(clients: Clients, key: str) -> dict[str, Any] | None:
    kms = clients("kms")
    answer = found(kms.describe_key, KeyId=key)
    if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    return {
        "Description": answer["KeyMetadata"]["Description"],
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
    }


def _delete_key(clients: Clients, key: str) -> None:
    clients("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _create_alias(clients: Clients, properties: Properties) -> Made:
    clients("kms").create_alias(AliasName=properties["AliasName"], TargetKeyId=properties["TargetKeyId"])
    return Made(properties["AliasName"], {})


def _update_alias(clients: Clients, alias: str, properties: Properties) -> None:
    clients("kms").update_alias(AliasName=alias, TargetKeyId=properties["TargetKeyId"])


def _read_alias(clients: Clients, alias: str) -> dict[str, Any] | None:
    pages = clients("kms").get_paginator("list_aliases").paginate()
    for one in (one for page in pages for one in page["Aliases"]):
        if one["AliasName"] == alias:
            return {"TargetKeyId": one["TargetKeyId"]}
    return None


def _delete_alias(clients: Clients, alias: str) -> None:
    clients("kms").delete_alias(AliasName=alias)


def _create_secret(clients: Clients, properties: Properties) -> Made:
    length = int(properties["GenerateSecretString"].get("PasswordLength", 32))
    text = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
    arn = clients("secretsmanager").create_secret(
        Name=properties["Name"],
        Description=properties.get("Description", ""),
        KmsKeyId=properties["KmsKeyId"],
        SecretString=text,
    )["ARN"]
    return Made(arn, {"Id": arn})


def _adopt_secret(clients: Clients, properties: Properties) -> Made | None:
    answer = found(clients("secretsmanager").describe_secret, SecretId=properties["Name"])
    return None if answer is None else Made(answer["ARN"], {"Id": answer["ARN"]})


def _update_secret(clients: Clients, arn: str, properties: Properties) -> None:
    clients("secretsmanager").update_secret(
        SecretId=arn, Description=properties.get("Description", ""), KmsKeyId=properties["KmsKeyId"]
    )


def _read_secret(clients: Clients, arn: str) -> dict[str, Any] | None:
    answer = found(clients("secretsmanager").describe_secret, SecretId=arn)
    return None if answer is None else {"Description": answer.get("Description", "")}


def _delete_secret(clients: Clients, arn: str) -> None:
    clients("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def _create_policy(clients: Clients, properties: Properties) -> Made:
    arn = clients("iam").create_policy(
        PolicyName=properties["ManagedPolicyName"],
        Description=properties.get("Description", ""),
        PolicyDocument=json.dumps(properties["PolicyDocument"]),
    )["Policy"]["Arn"]
    _attach(clients, arn, properties)
    return Made(arn, {"PolicyArn": arn})


def _attach(clients: Clients, arn: str, properties: Properties) -> None:
    """Attach the policy to the named roles, and detach it from all others."""
    iam, wanted = clients("iam"), set(properties.get("Roles", ()))
    there = {one["RoleName"] for one in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]}
    for role in sorted(wanted - there):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    for role in sorted(there - wanted):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def _update_policy(clients: Clients, arn: str, properties: Properties) -> None:
    iam = clients("iam")
    # IAM keeps five versions at most.
    for old in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not old["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=old["VersionId"])
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=json.dumps(properties["PolicyDocument"]), SetAsDefault=True
    )
    _attach(clients, arn, properties)


def _read_policy(clients: Clients, arn: str) -> dict[str, Any] | None:
    iam = clients("iam")
    answer = found(iam.get_policy, PolicyArn=arn)
    if answer is None:
        return None
    version = iam.get_policy_version(PolicyArn=arn, VersionId=answer["Policy"]["DefaultVersionId"])
    return {"PolicyDocument": version["PolicyVersion"]["Document"]}


def _delete_policy(clients: Clients, arn: str) -> None:
    iam = clients("iam")
    for role in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]:
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    for old in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not old["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=old["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def _create_role(clients: Clients, properties: Properties) -> Made:
    iam, name = clients("iam"), properties["RoleName"]
    if found(iam.get_role, RoleName=name) is not None:
        raise ValidationError(f"{name} already exists")
    trust = properties["AssumeRolePolicyDocument"]
    role = iam.create_role(
        RoleName=name,
        Description=properties.get("Description", ""),
        AssumeRolePolicyDocument=trust if isinstance(trust, str) else json.dumps(trust),
    )["Role"]
    _put_policies(clients, name, properties)
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(clients: Clients, name: str, properties: Properties) -> None:
    trust = properties["AssumeRolePolicyDocument"]
    clients("iam").update_assume_role_policy(
        RoleName=name, PolicyDocument=trust if isinstance(trust, str) else json.dumps(trust)
    )
    _take_policies(clients, name)
    _put_policies(clients, name, properties)


def _put_policies(clients: Clients, name: str, properties: Properties) -> None:
    iam = clients("iam")
    for arn in properties.get("ManagedPolicyArns", ()):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for policy in properties.get("Policies", ()):
        iam.put_role_policy(
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )


def _take_policies(clients: Clients, name: str) -> None:
    iam = clients("iam")
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)


def _read_role(clients: Clients, name: str) -> dict[str, Any] | None:
    iam = clients("iam")
    answer = found(iam.get_role, RoleName=name)
    if answer is None:
        return None
    policies = [
        {
            "PolicyName": one,
            "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"],
        }
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    return {"Policies": policies}


def _delete_role(clients: Clients, name: str) -> None:
    _take_policies(clients, name)
    clients("iam").delete_role(RoleName=name)


KINDS = {
    "AWS::KMS::Key": Kind(
        names("Description EnableKeyRotation PendingWindowInDays KeyPolicy"),
        _create_key,
        _delete_key,
        _update_key,
        _read_key,
    ),
    "AWS::KMS::Alias": Kind(
        names("AliasName TargetKeyId"),
        _create_alias,
        _delete_alias,
        _update_alias,
        _read_alias,
        names("AliasName"),
    ),
    "AWS::SecretsManager::Secret": Kind(
        names("Name Description KmsKeyId GenerateSecretString"),
        _create_secret,
        _delete_secret,
        _update_secret,
        _read_secret,
        names("Name"),
        _adopt_secret,
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        names("ManagedPolicyName Description PolicyDocument Roles"),
        _create_policy,
        _delete_policy,
        _update_policy,
        _read_policy,
        names("ManagedPolicyName Description"),
    ),
    "AWS::IAM::Role": Kind(
        names("RoleName Description AssumeRolePolicyDocument ManagedPolicyArns Policies"),
        _create_role,
        _delete_role,
        _update_role,
        _read_role,
        names("RoleName"),
    ),
}
