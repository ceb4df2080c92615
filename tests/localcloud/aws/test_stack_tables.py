"""A table of a stack gets the index that its template gets, one at a time, as DynamoDB can."""

import itertools
import json
import time

import pytest

_numbers = itertools.count()


@pytest.fixture
def cloudformation(client):
    return client("cloudformation")


def template(name, *indices):
    keys = ("pk", *indices)
    table = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    described = [
        {
            "IndexName": f"by_{key}",
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        for key in indices
    ]
    table |= {"GlobalSecondaryIndexes": described} if indices else {}
    return json.dumps({"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}})


def changed(cloudformation, stack, body, kind):
    """The state of a stack once a change set of this kind was executed."""
    change = {"StackName": stack, "ChangeSetName": "c"}
    cloudformation.create_change_set(**change, ChangeSetType=kind, TemplateBody=body)
    cloudformation.execute_change_set(**change)
    while True:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found["StackStatus"]
        time.sleep(0.02)


def indices_of(client, name):
    found = client("dynamodb").describe_table(TableName=name)["Table"]
    return sorted(one["IndexName"] for one in found.get("GlobalSecondaryIndexes", ()))


def test_an_index_comes_and_goes_with_the_template_and_items_stay(client, cloudformation):
    name = f"indexed{next(_numbers)}"
    assert changed(cloudformation, name, template(name, "a"), "CREATE") == "CREATE_COMPLETE"
    item = {key: {"S": key} for key in ("pk", "a", "b")}
    client("dynamodb").put_item(TableName=name, Item=item)
    assert changed(cloudformation, name, template(name, "a", "b"), "UPDATE") == "UPDATE_COMPLETE"
    assert indices_of(client, name) == ["by_a", "by_b"]
    asked = {"KeyConditionExpression": "b = :b", "ExpressionAttributeValues": {":b": {"S": "b"}}}
    assert client("dynamodb").query(TableName=name, IndexName="by_b", **asked)["Items"] == [item]
    assert changed(cloudformation, name, template(name, "b"), "UPDATE") == "UPDATE_COMPLETE"
    assert indices_of(client, name) == ["by_b"]


def test_two_indices_at_once_are_refused_and_taken_back(client, cloudformation):
    name = f"indexed{next(_numbers)}"
    changed(cloudformation, name, template(name), "CREATE")
    assert changed(cloudformation, name, template(name, "a", "b"), "UPDATE") == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    [failed] = [one for one in events if one["ResourceStatus"] == "UPDATE_FAILED"]
    assert "more than one GSI" in failed["ResourceStatusReason"]
    assert indices_of(client, name) == []
