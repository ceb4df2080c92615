"""Everything that a client can see of the persisted services is the same after `down` and `up`."""

import pytest
from botocore.exceptions import ClientError

LARGE = b"large content " * 20_000


def fill_s3(s3):
    """Create objects of every kind; return the id of an incomplete upload."""
    for key, body in (("small", b"1"), ("large", LARGE), ("empty", b"")):
        s3.put_object(Bucket="lake", Key=key, Body=body, Metadata={"of_key": key}, Tagging="a=1")
    s3.copy_object(Bucket="lake", Key="copy", CopySource="lake/large")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for body in (LARGE, b"second"):
        s3.put_object(Bucket="versioned", Key="k", Body=body)
    s3.delete_object(Bucket="versioned", Key="k")
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "raw/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket="lake", LifecycleConfiguration={"Rules": [rule]})
    upload = s3.create_multipart_upload(Bucket="lake", Key="upload")["UploadId"]
    s3.upload_part(Bucket="lake", Key="upload", UploadId=upload, PartNumber=1, Body=LARGE)
    return upload


def fill_glue(glue, lake):
    glue.create_database(DatabaseInput={"Name": "d", "Description": "a database"})
    table = {
        "Name": "t",
        "Parameters": {"metadata_location": "s3://lake/1"},
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]},
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
    }
    glue.create_table(DatabaseName="d", TableInput=table)
    glue.update_table(DatabaseName="d", TableInput=table | {"Description": "second"}, VersionId="1")
    partitions = [{"Values": [day], "Parameters": {"rows": "1"}} for day in ("2024-01-01", "2024-01-02")]
    glue.batch_create_partition(DatabaseName="d", TableName="t", PartitionInputList=partitions)
    lake.create_lf_tag(TagKey="layer", TagValues=["silver"])
    tag = {"TagKey": "layer", "TagValues": ["silver"]}
    lake.add_lf_tags_to_resource(Resource={"Table": {"DatabaseName": "d", "Name": "t"}}, LFTags=[tag])


def fill_dynamodb(dynamodb):
    dynamodb.create_table(
        TableName="control",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    ttl = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName="control", TimeToLiveSpecification=ttl)
    for n in range(20):
        item = {
            "pk": {"S": "p"},
            "sk": {"S": f"{n:02d}"},
            "g": {"S": str(n % 2)},
            "deep": {"M": {"l": {"L": [{"N": str(n)}, {"BOOL": True}, {"NULL": True}, {"B": b"\x00\xff"}]}}},
        }
        dynamodb.put_item(TableName="control", Item=item)


def seen_in_s3(s3):
    seen = {"buckets": s3.list_buckets()["Buckets"]}
    for bucket in ("lake", "versioned"):
        seen[bucket] = s3.list_object_versions(Bucket=bucket)
        for version in seen[bucket]["Versions"]:
            which = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            if version["VersionId"] == "null":
                del which["VersionId"]
            got = s3.get_object(**which)
            tags = s3.get_object_tagging(**which)["TagSet"]
            content = got.pop("Body").read()
            seen[f"{bucket} {version['Key']} {version['VersionId']}"] = (got, content, tags)
    seen["lifecycle"] = s3.get_bucket_lifecycle_configuration(Bucket="lake")["Rules"]
    seen["uploads"] = s3.list_multipart_uploads(Bucket="lake")["Uploads"]
    return seen


def seen_in_glue(glue, lake):
    return [
        glue.get_databases()["DatabaseList"],
        glue.get_tables(DatabaseName="d")["TableList"],
        glue.get_table_versions(DatabaseName="d", TableName="t")["TableVersions"],
        glue.get_partitions(DatabaseName="d", TableName="t")["Partitions"],
        lake.get_resource_lf_tags(Resource={"Table": {"DatabaseName": "d", "Name": "t"}})["LFTagsOnTable"],
    ]


def seen_in_dynamodb(dynamodb):
    by_g = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "1"}}}
    return [
        dynamodb.describe_table(TableName="control")["Table"],
        dynamodb.scan(TableName="control")["Items"],
        dynamodb.query(TableName="control", IndexName="by_g", **by_g)["Items"],
        dynamodb.describe_time_to_live(TableName="control")["TimeToLiveDescription"],
    ]


def without_request(answer):
    """Return `answer` without what belongs to one response: its id and date."""
    if isinstance(answer, dict):
        return {k: without_request(v) for k, v in answer.items() if k != "ResponseMetadata"}
    if isinstance(answer, list | tuple):
        return [without_request(value) for value in answer]
    return answer


def test_the_state_of_every_persisted_service_is_restored_and_works(cloud):
    cloud.up()
    upload = fill_s3(cloud.client("s3"))
    fill_glue(cloud.client("glue"), cloud.client("lakeformation"))
    fill_dynamodb(cloud.client("dynamodb"))

    def everything():
        return without_request(
            [
                seen_in_s3(cloud.client("s3")),
                seen_in_glue(cloud.client("glue"), cloud.client("lakeformation")),
                seen_in_dynamodb(cloud.client("dynamodb")),
            ]
        )

    before = everything()
    counts = cloud.down().counts
    assert counts == {"objects": 5, "Glue tables": 1, "DynamoDB tables": 1}
    cloud.up()
    assert everything() == before

    s3, glue, dynamodb = (cloud.client(name) for name in ("s3", "glue", "dynamodb"))
    part = s3.list_parts(Bucket="lake", Key="upload", UploadId=upload)["Parts"][0]
    s3.complete_multipart_upload(
        Bucket="lake",
        Key="upload",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert s3.get_object(Bucket="lake", Key="upload")["Body"].read() == LARGE
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="lake", Key="small", Body=b"", IfNoneMatch="*")
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(DatabaseName="d", TableInput={"Name": "t"}, VersionId="1")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(
            TableName="control",
            Item={"pk": {"S": "p"}, "sk": {"S": "00"}},
            ConditionExpression="attribute_not_exists(pk)",
        )
