"""Template changes are applied to every property, and manual changes are detected as drift."""

import itertools
import json

import pytest

_numbers = itertools.count()
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture
def name():
    return f"resources{next(_numbers)}"


def resources(name, *, seconds="30", words="first", targets=("a", "b"), role="One", values=("x", "y")):
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    found = {
        "Queue": ("SQS::Queue", {"QueueName": name, "VisibilityTimeout": seconds}),
        "Topic": ("SNS::Topic", {"TopicName": name, "KmsMasterKeyId": f"alias/{words}"}),
        "Rule": (
            "Events::Rule",
            {
                "Name": name,
                "ScheduleExpression": "rate(5 minutes)",
                "State": "ENABLED",
                "Targets": [{"Id": one, "Arn": f"{arn}{one}"} for one in targets],
            },
        ),
        "Database": (
            "Glue::Database",
            {"CatalogId": "123456789012", "DatabaseInput": {"Name": name, "Description": words}},
        ),
        "Tag": ("LakeFormation::Tag", {"TagKey": name, "TagValues": list(values)}),
        "Secret": (
            "SecretsManager::Secret",
            {
                "Name": name,
                "Description": words,
                "KmsKeyId": "alias/a",
                "GenerateSecretString": {"PasswordLength": 8},
            },
        ),
        "One": ("IAM::Role", {"RoleName": f"{name}-1", "AssumeRolePolicyDocument": TRUST}),
        "Two": ("IAM::Role", {"RoleName": f"{name}-2", "AssumeRolePolicyDocument": TRUST}),
        "Policy": (
            "IAM::ManagedPolicy",
            {"ManagedPolicyName": name, "PolicyDocument": READ, "Roles": [{"Ref": role}]},
        ),
    }
    made = {logical: {"Type": f"AWS::{kind}", "Properties": one} for logical, (kind, one) in found.items()}
    return json.dumps({"Resources": made})


def drifted(cloudformation, stack):
    cloudformation.detect_stack_drift(StackName=stack)
    found = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    return {
        one["LogicalResourceId"]: one["StackResourceDriftStatus"]
        for one in found
        if one["StackResourceDriftStatus"] not in ("IN_SYNC", "NOT_CHECKED")
    }


def test_an_update_changes_every_resource_and_removes_what_the_template_drops(client, changed, name):
    cloudformation = client("cloudformation")
    assert changed(name, resources(name), "CREATE") == ("CREATE_COMPLETE", "")
    assert drifted(cloudformation, name) == {}
    other = resources(name, seconds="60", words="second", targets=("b", "c"), role="Two", values=("y", "z"))
    assert changed(name, other, "UPDATE") == ("UPDATE_COMPLETE", "")
    assert drifted(cloudformation, name) == {}
    targets = client("events").list_targets_by_rule(Rule=name)["Targets"]
    assert sorted(one["Id"] for one in targets) == ["b", "c"]
    arn = f"arn:aws:iam::123456789012:policy/{name}"
    roles = client("iam").list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]
    assert [one["RoleName"] for one in roles] == [f"{name}-2"]
    assert client("lakeformation").get_lf_tag(TagKey=name)["TagValues"] == ["y", "z"]
    url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    asked = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert asked["Attributes"] == {"VisibilityTimeout": "60"}


def test_manual_changes_and_deletions_are_drift(client, changed, name):
    cloudformation = client("cloudformation")
    changed(name, resources(name), "CREATE")
    url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    client("events").disable_rule(Name=name)
    client("glue").update_database(Name=name, DatabaseInput={"Name": name, "Description": "by hand"})
    client("lakeformation").update_lf_tag(TagKey=name, TagValuesToAdd=["w"])
    client("secretsmanager").update_secret(SecretId=name, Description="by hand")
    found = drifted(cloudformation, name)
    assert found == dict.fromkeys(("Queue", "Rule", "Database", "Tag", "Secret"), "MODIFIED")
    client("sqs").delete_queue(QueueUrl=url)
    client("glue").delete_database(Name=name)
    found = drifted(cloudformation, name)
    assert (found["Queue"], found["Database"]) == ("DELETED", "DELETED")
