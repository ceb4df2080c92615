"""A boto3 request is mapped to the permissions that AWS's service authorization reference names."""

from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from localcloud.iam import asked

REGION = "eu-west-1"
KEPT: dict[str, Any] = {}


class SentError(Exception):
    """Raised at the point where the request would be sent."""


def environ_of(request: Any) -> tuple[dict[str, Any], bytes]:
    url = urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    headers = {
        name.lower(): one.decode() if isinstance(one, bytes) else one for name, one in request.headers.items()
    }
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "CONTENT_TYPE": headers.pop("content-type", ""),
        **{f"HTTP_{name.upper().replace('-', '_')}": one for name, one in headers.items()},
    }, body


def client(service: str) -> Any:
    if service not in KEPT:
        config = Config(s3={"addressing_style": "path"}, parameter_validation=False)
        KEPT[service] = boto3.client(
            service, REGION, endpoint_url="http://127.0.0.1:9", aws_access_key_id="a",
            aws_secret_access_key="b", config=config,
        )  # fmt: skip
    return KEPT[service]


def rights(service: str, operation: str, **given: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    one = client(service)

    def read(request: Any, **_: Any) -> AWSResponse:
        environ, body = environ_of(request)
        found.extend((need.action, need.resource) for need in asked.needs(environ, body, REGION))
        raise SentError

    one.meta.events.register_first("before-send", read)
    try:
        with pytest.raises(SentError):
            getattr(one, operation)(**given)
    finally:
        one.meta.events.unregister("before-send", read)
    return found


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:123456789012:{rest}"


OBJECT = {"Bucket": "lake", "Key": "raw/a b/é.gz"}
O_ARN, B_ARN = "arn:aws:s3:::lake/raw/a b/é.gz", "arn:aws:s3:::lake"


@pytest.mark.parametrize(
    ("operation", "given", "expected"),
    [
        ("get_object", OBJECT, ("s3:GetObject", O_ARN)),
        ("head_object", OBJECT, ("s3:GetObject", O_ARN)),
        ("get_object", {**OBJECT, "VersionId": "v"}, ("s3:GetObjectVersion", O_ARN)),
        ("put_object", {**OBJECT, "Body": b"x"}, ("s3:PutObject", O_ARN)),
        ("create_multipart_upload", OBJECT, ("s3:PutObject", O_ARN)),
        ("upload_part", {**OBJECT, "UploadId": "u", "PartNumber": 1, "Body": b"x"}, ("s3:PutObject", O_ARN)),
        ("abort_multipart_upload", {**OBJECT, "UploadId": "u"}, ("s3:AbortMultipartUpload", O_ARN)),
        ("list_parts", {**OBJECT, "UploadId": "u"}, ("s3:ListMultipartUploadParts", O_ARN)),
        ("delete_object", OBJECT, ("s3:DeleteObject", O_ARN)),
        ("get_object_tagging", {**OBJECT, "VersionId": "v"}, ("s3:GetObjectVersionTagging", O_ARN)),
        ("put_object_tagging", {**OBJECT, "Tagging": {"TagSet": []}}, ("s3:PutObjectTagging", O_ARN)),
        ("list_objects_v2", {"Bucket": "lake", "Prefix": "raw/"}, ("s3:ListBucket", B_ARN)),
        ("head_bucket", {"Bucket": "lake"}, ("s3:ListBucket", B_ARN)),
        ("list_object_versions", {"Bucket": "lake"}, ("s3:ListBucketVersions", B_ARN)),
        ("list_multipart_uploads", {"Bucket": "lake"}, ("s3:ListBucketMultipartUploads", B_ARN)),
        ("get_bucket_location", {"Bucket": "lake"}, ("s3:GetBucketLocation", B_ARN)),
        ("get_bucket_lifecycle_configuration", {"Bucket": "lake"}, ("s3:GetLifecycleConfiguration", B_ARN)),
        ("delete_bucket_policy", {"Bucket": "lake"}, ("s3:DeleteBucketPolicy", B_ARN)),
        ("list_buckets", {}, ("s3:ListAllMyBuckets", "*")),
        ("put_object_acl", {**OBJECT, "ACL": "public-read"}, ("s3:PutObjectAcl", O_ARN)),
        ("get_object_acl", {**OBJECT, "VersionId": "v"}, ("s3:GetObjectVersionAcl", O_ARN)),
        (
            "get_object_attributes",
            {**OBJECT, "ObjectAttributes": ["ETag"]},
            ("s3:GetObjectAttributes", O_ARN),
        ),
        ("put_object_retention", {**OBJECT, "Retention": {}}, ("s3:PutObjectRetention", O_ARN)),
        ("put_object_legal_hold", {**OBJECT, "LegalHold": {}}, ("s3:PutObjectLegalHold", O_ARN)),
        ("restore_object", {**OBJECT, "RestoreRequest": {}}, ("s3:RestoreObject", O_ARN)),
        ("delete_bucket_cors", {"Bucket": "lake"}, ("s3:PutBucketCORS", B_ARN)),
        ("delete_bucket_website", {"Bucket": "lake"}, ("s3:DeleteBucketWebsite", B_ARN)),
        ("get_bucket_replication", {"Bucket": "lake"}, ("s3:GetReplicationConfiguration", B_ARN)),
    ],
)
def test_requests_to_s3(operation: str, given: dict[str, Any], expected: tuple[str, str]) -> None:
    assert rights("s3", operation, **given) == [expected]


def test_a_copy_needs_read_and_write_and_a_batch_delete_one_permission_per_key() -> None:
    source = {"Bucket": "other", "Key": "k", "VersionId": "v"}
    assert rights("s3", "copy_object", **OBJECT, CopySource=source) == [
        ("s3:PutObject", O_ARN),
        ("s3:GetObjectVersion", "arn:aws:s3:::other/k"),
    ]
    objects = [{"Key": "a"}, {"Key": "b", "VersionId": "v"}]
    assert rights("s3", "delete_objects", Bucket="lake", Delete={"Objects": objects}) == [
        ("s3:DeleteObject", f"{B_ARN}/a"),
        ("s3:DeleteObjectVersion", f"{B_ARN}/b"),
    ]


def test_putting_an_object_with_an_acl_also_needs_put_object_acl() -> None:
    assert rights("s3", "put_object", **OBJECT, Body=b"x", ACL="public-read") == [
        ("s3:PutObject", O_ARN),
        ("s3:PutObjectAcl", O_ARN),
    ]


def test_a_transaction_needs_the_permissions_of_its_steps() -> None:
    key = {"Key": {"id": {"S": "x"}}}
    steps = [
        {"Put": {"TableName": "a", "Item": {"id": {"S": "x"}}}},
        {"Delete": {"TableName": "a", **key}},
        {"Delete": {"TableName": "a", **key}},
        {"ConditionCheck": {"TableName": "b", **key, "ConditionExpression": "attribute_exists(id)"}},
    ]
    assert rights("dynamodb", "transact_write_items", TransactItems=steps) == [
        ("dynamodb:PutItem", arn("dynamodb", "table/a")),
        ("dynamodb:DeleteItem", arn("dynamodb", "table/a")),
        ("dynamodb:ConditionCheckItem", arn("dynamodb", "table/b")),
    ]
    reads = [{"Get": {"TableName": "a", **key}}]
    assert rights("dynamodb", "transact_get_items", TransactItems=reads) == [
        ("dynamodb:GetItem", arn("dynamodb", "table/a"))
    ]


TABLE = [arn("glue", one) for one in ("catalog", "database/gold", "table/gold/t")]
MACHINE = arn("states", "stateMachine:m")
TOPIC = arn("sns", "t")
ROLE = "arn:aws:iam::123456789012:role/spark"


@pytest.mark.parametrize(
    ("service", "operation", "given", "action", "resources"),
    [
        ("glue", "get_table", {"DatabaseName": "gold", "Name": "t"}, "glue:GetTable", TABLE),
        ("glue", "create_table", {"DatabaseName": "gold", "TableInput": {"Name": "t"}}, "glue:CreateTable",
         TABLE),
        ("glue", "get_partitions", {"DatabaseName": "gold", "TableName": "t"}, "glue:GetPartitions", TABLE),
        ("glue", "get_tables", {"DatabaseName": "gold"}, "glue:GetTables",
         [*TABLE[:2], arn("glue", "table/gold/*")]),
        ("glue", "get_database", {"Name": "gold"}, "glue:GetDatabase", TABLE[:2]),
        ("glue", "get_databases", {}, "glue:GetDatabases", [TABLE[0], arn("glue", "database/*")]),
        ("glue", "start_job_run", {"JobName": "j"}, "glue:StartJobRun", [arn("glue", "job/j")]),
        ("dynamodb", "get_item", {"TableName": "c", "Key": {"id": {"S": "x"}}}, "dynamodb:GetItem",
         [arn("dynamodb", "table/c")]),
        ("dynamodb", "query", {"TableName": "c", "IndexName": "open"}, "dynamodb:Query",
         [arn("dynamodb", "table/c/index/open")]),
        ("sqs", "receive_message", {"QueueUrl": "http://x/123456789012/raw"}, "sqs:ReceiveMessage",
         [arn("sqs", "raw")]),
        ("sqs", "get_queue_url", {"QueueName": "raw"}, "sqs:GetQueueUrl", [arn("sqs", "raw")]),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": "m"}, "sns:Publish", [TOPIC]),
        ("athena", "start_query_execution", {"QueryString": "select 1", "WorkGroup": "w"},
         "athena:StartQueryExecution", [arn("athena", "workgroup/w")]),
        ("athena", "get_data_catalog", {"Name": "AwsDataCatalog"}, "athena:GetDataCatalog",
         [arn("athena", "datacatalog/AwsDataCatalog")]),
        ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE}, "states:StartExecution",
         [MACHINE]),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "cloudformation:DescribeStacks",
         [arn("cloudformation", "stack/s/*")]),
        ("lakeformation", "list_resources", {}, "lakeformation:ListResources", ["*"]),
        ("lambda", "invoke", {"FunctionName": "f"}, "lambda:InvokeFunction", [arn("lambda", "function:f")]),
        ("emr-serverless", "get_job_run", {"applicationId": "a", "jobRunId": "r"}, "emr-serverless:GetJobRun",
         [arn("emr-serverless", "/applications/a/jobruns/r")]),
        ("logs", "filter_log_events", {"logGroupName": "/g"}, "logs:FilterLogEvents",
         [arn("logs", "log-group:/g:*")]),
        ("codebuild", "start_build", {"projectName": "p"}, "codebuild:StartBuild",
         [arn("codebuild", "project/p")]),
        ("cloudwatch", "describe_alarms", {}, "cloudwatch:DescribeAlarms", ["*"]),
    ],
)  # fmt: skip
def test_requests_to_other_services(
    service: str, operation: str, given: dict[str, Any], action: str, resources: list[str]
) -> None:
    assert rights(service, operation, **given) == [(action, one) for one in resources]


def test_passing_a_role_to_a_service_also_needs_pass_role() -> None:
    found = rights(
        "emr-serverless", "start_job_run", applicationId="a", executionRoleArn=ROLE, clientToken="t"
    )
    assert found == [
        ("emr-serverless:StartJobRun", arn("emr-serverless", "/applications/a")),
        ("iam:PassRole", ROLE),
    ]


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("lambda", "create_function", {"FunctionName": "f", "Role": ROLE, "Code": {}}),
        ("glue", "create_job", {"Name": "j", "Role": ROLE, "Command": {}}),
        ("glue", "create_job", {"Name": "j", "Role": "spark", "Command": {}}),
        ("stepfunctions", "create_state_machine", {"name": "m", "definition": "{}", "roleArn": ROLE}),
        ("codebuild", "create_project", {"name": "p", "serviceRole": ROLE}),
    ],
)
def test_creating_something_that_acts_as_a_role_also_needs_pass_role(
    service: str, operation: str, given: dict[str, Any]
) -> None:
    assert ("iam:PassRole", ROLE) in rights(service, operation, **given)


def test_a_change_set_with_a_stack_role_also_needs_pass_role() -> None:
    given = {"StackName": "s", "ChangeSetName": "c", "TemplateBody": "{}"}
    found = rights("cloudformation", "create_change_set", **given, RoleARN=ROLE)
    assert found == [
        ("cloudformation:CreateChangeSet", arn("cloudformation", "stack/s/*")),
        ("iam:PassRole", ROLE),
    ]


def test_get_caller_identity_needs_no_permission() -> None:
    assert rights("sts", "get_caller_identity") == []
