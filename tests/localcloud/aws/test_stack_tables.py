"""A table of a stack gets the indexes of its template, one at a time, as DynamoDB requires."""

import itertools
import json

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


def indices_of(client, name):
    found = client("dynamodb").describe_table(TableName=name)["Table"]
    return sorted(one["IndexName"] for one in found.get("GlobalSecondaryIndexes", ()))


def test_an_index_is_added_and_removed_with_the_template_and_items_stay(client, changed):
    name = f"indexed{next(_numbers)}"
    assert changed(name, template(name, "a"), "CREATE") == ("CREATE_COMPLETE", "")
    item = {key: {"S": key} for key in ("pk", "a", "b")}
    client("dynamodb").put_item(TableName=name, Item=item)
    assert changed(name, template(name, "a", "b"), "UPDATE") == ("UPDATE_COMPLETE", "")
    assert indices_of(client, name) == ["by_a", "by_b"]
    asked = {"KeyConditionExpression": "b = :b", "ExpressionAttributeValues": {":b": {"S": "b"}}}
    assert client("dynamodb").query(TableName=name, IndexName="by_b", **asked)["Items"] == [item]
    assert changed(name, template(name, "b"), "UPDATE") == ("UPDATE_COMPLETE", "")
    assert indices_of(client, name) == ["by_b"]


def test_two_new_indexes_at_once_are_refused_and_rolled_back(client, cloudformation, changed):
    name = f"indexed{next(_numbers)}"
    changed(name, template(name), "CREATE")
    assert changed(name, template(name, "a", "b"), "UPDATE")[0] == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    [failed] = [one for one in events if one["ResourceStatus"] == "UPDATE_FAILED"]
    assert "more than one GSI" in failed["ResourceStatusReason"]
    assert indices_of(client, name) == []
