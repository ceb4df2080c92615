import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count()


@pytest.fixture(scope="session")
def dynamodb(client):
    return client("dynamodb")


@pytest.fixture
def table(dynamodb):
    name = f"t{next(_numbers)}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "state")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_state",
                "KeySchema": [
                    {"AttributeName": "state", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_one_of_many_conditional_puts_wins(dynamodb, table):
    def put(writer):
        try:
            dynamodb.put_item(
                TableName=table,
                Item={"pk": {"S": "a"}, "sk": {"S": "1"}, "writer": {"N": str(writer)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(put, range(48))) == 1


def test_compare_and_set_loses_no_increment(dynamodb, table):
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    dynamodb.put_item(TableName=table, Item=key | {"n": {"N": "0"}})

    def add_one(_):
        while True:
            old = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["n"]["N"]
            try:
                return dynamodb.update_item(
                    TableName=table,
                    Key=key,
                    UpdateExpression="SET n = :new",
                    ConditionExpression="n = :old",
                    ExpressionAttributeValues={":new": {"N": str(int(old) + 1)}, ":old": {"N": old}},
                )
            except dynamodb.exceptions.ConditionalCheckFailedException:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    assert dynamodb.get_item(TableName=table, Key=key)["Item"]["n"]["N"] == "40"


def test_a_failed_condition_can_return_the_item(dynamodb, table):
    item = {"pk": {"S": "a"}, "sk": {"S": "1"}, "n": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    with pytest.raises(ClientError) as error:
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="n < :limit",
            ExpressionAttributeValues={":limit": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error.value.response["Item"] == item


def test_a_transaction_with_a_failed_condition_changes_nothing(dynamodb, table):
    put = {"TableName": table, "Item": {"pk": {"S": "new"}, "sk": {"S": "1"}}}
    check = {
        "TableName": table,
        "Key": {"pk": {"S": "absent"}, "sk": {"S": "1"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as error:
        dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    reasons = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": "new"}, "sk": {"S": "1"}})


def test_queries_and_scans_are_paged_in_order(dynamodb, table):
    for n in range(30):
        item = {"pk": {"S": "a"}, "sk": {"S": f"{n:03d}"}, "state": {"S": "new" if n % 2 else "done"}}
        dynamodb.put_item(TableName=table, Item=item)

    def keys(operation, **arguments):
        pages = dynamodb.get_paginator(operation).paginate(
            TableName=table, PaginationConfig={"PageSize": 7}, **arguments
        )
        pages = list(pages)
        assert len(pages) > 1
        return [item["sk"]["S"] for page in pages for item in page["Items"]]

    everything = [f"{n:03d}" for n in range(30)]
    values = {":pk": {"S": "a"}}
    assert keys("query", KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values) == everything
    assert sorted(keys("scan")) == everything
    odd = keys(
        "query",
        IndexName="by_state",
        KeyConditionExpression="#state = :new",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":new": {"S": "new"}},
    )
    assert odd == everything[1::2]


def test_pages_end_at_one_megabyte(dynamodb, table):
    for n in range(5):
        item = {"pk": {"S": "a"}, "sk": {"S": str(n)}, "text": {"S": "x" * 300_000}}
        dynamodb.put_item(TableName=table, Item=item)
    pages = list(dynamodb.get_paginator("scan").paginate(TableName=table))
    assert len(pages) > 1
    assert [item["sk"]["S"] for page in pages for item in page["Items"]] == list("01234")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("flag = :one", False),
        ("flag <> :one", True),
        ("flag IN (:one, :text)", False),
        ("flag = :true", True),
        ("nothing = :null", True),
        ("absent = gone", False),
        ("absent = :null", False),
        ("absent <> :one", True),
        ("tenth = :tenth", True),
        ("n = :one", True),
        ("n < :text", False),
        ("n >= :text", False),
        ("label > :one", False),
        ("n BETWEEN :zero AND :text", False),
        ("n BETWEEN :zero AND :one", True),
        ("absent BETWEEN :zero AND :one", False),
        ("absent < :one OR attribute_not_exists(absent)", True),
        ("size(label) = :one", True),
        ("size(absent) = :zero", False),
        ("size(n) > :zero", False),
        ("NOT size(absent) = :zero", True),
    ],
)
def test_a_condition_compares_values_of_one_type_only(dynamodb, table, condition, holds):
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    values = {"flag": {"BOOL": True}, "nothing": {"NULL": True}, "n": {"N": "1.0"}, "label": {"S": "x"}}
    dynamodb.put_item(TableName=table, Item=key | values | {"tenth": {"N": "0.10"}})
    given = {
        ":one": {"N": "1"},
        ":zero": {"N": "0"},
        ":tenth": {"N": "0.1"},
        ":text": {"S": "9"},
        ":true": {"BOOL": True},
        ":null": {"NULL": True},
    }
    used = {name: value for name, value in given.items() if name in condition}
    try:
        dynamodb.delete_item(
            TableName=table,
            Key=key,
            ConditionExpression=condition,
            **({"ExpressionAttributeValues": used} if used else {}),
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        assert not holds
    else:
        assert holds
