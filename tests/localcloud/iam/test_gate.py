"""With --iam a role can do what its policies allow and nothing else, through Athena too."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud import processes, roles, supervisor
from localcloud.config import Settings
from localcloud.errors import LocalCloudError

LAKE = "arn:aws:s3:::lake"
GLUE = "arn:aws:glue:us-east-1:123456789012"
GROUP = "arn:aws:athena:us-east-1:123456789012:workgroup/primary"
READER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": [f"{LAKE}/gold/*", f"{LAKE}/athena-results/*"]},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": LAKE,
         "Condition": {"StringLike": {"s3:prefix": "gold/*"}}},
        {"Effect": "Allow", "Action": ["glue:GetTable", "glue:GetDatabase"],
         "Resource": [f"{GLUE}:catalog", f"{GLUE}:database/gold", f"{GLUE}:table/gold/*"]},
        {"Effect": "Allow", "Action": "athena:*", "Resource": GROUP},
    ],
}  # fmt: skip
NOBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "athena:*", "Resource": GROUP}],
}


def client(record: supervisor.Record, service: str, keys: dict[str, str] | None = None) -> Any:
    keys = keys or {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    return boto3.client(
        service,
        "us-east-1",
        endpoint_url=record.endpoint,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
    )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[supervisor.Record]:
    folder = tmp_path_factory.mktemp("cloud")
    record = supervisor.up(Settings(folder=folder, port=0, iam="enforce"), lambda _: None).record
    owner = client(record, "iam")
    for name, policy in {"reader": READER, "nobody": NOBODY}.items():
        owner.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        owner.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    for layer in ("gold", "silver"):
        client(record, "s3").put_object(Bucket="lake", Key=f"{layer}/t/1.csv", Body=b"1\n2\n")
        run(record, None, f"create database {layer}")
        columns = "(n int) row format delimited fields terminated by ','"
        run(record, None, f"create external table {layer}.t {columns} location 's3://lake/{layer}/t/'")
    place = "location 's3://lake/gold/iceberg/' tblproperties ('table_type' = 'iceberg')"
    run(record, None, f"create table gold.iceberg (n int) {place}")
    run(record, None, "insert into gold.iceberg values (1), (2), (3)")
    yield record
    for part in record.parts:
        processes.kill(part.pid, part.started)


def run(record: supervisor.Record, keys: dict[str, str] | None, sql: str) -> Any:
    """Run a statement; return its value or the reason of its failure."""
    athena = client(record, "athena", keys)
    started = athena.start_query_execution(QueryString=sql, WorkGroup="primary")["QueryExecutionId"]
    while True:
        found = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if found["State"] == "FAILED":
            return found["StateChangeReason"]
        if found["State"] == "SUCCEEDED":
            rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
            return rows[-1]["Data"][0].get("VarCharValue") if rows else None


@pytest.fixture(scope="module")
def reader(cloud: supervisor.Record) -> dict[str, str]:
    return roles.take(cloud, "reader")


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**given)
    found: Any = error.value.response
    return found["Error"]["Code"], found["Error"]["Message"], found["ResponseMetadata"]["HTTPStatusCode"]


def test_a_call_outside_the_role_is_refused_as_aws_does(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    s3 = client(cloud, "s3", reader)
    assert s3.get_object(Bucket="lake", Key="gold/t/1.csv")["Body"].read() == b"1\n2\n"
    code, message, status = refused(s3.get_object, Bucket="lake", Key="silver/t/1.csv")
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        "User: arn:aws:sts::123456789012:assumed-role/reader/local is not authorized to perform: "
        f's3:GetObject on resource: "{LAKE}/silver/t/1.csv" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    glue = client(cloud, "glue", reader)
    assert glue.get_table(DatabaseName="gold", Name="t")["Table"]["Name"] == "t"
    code, message, status = refused(glue.get_table, DatabaseName="silver", Name="t")
    assert (code, status) == ("AccessDeniedException", 400)
    assert f"{GLUE}:database/silver" in message
    topic = "arn:aws:sns:us-east-1:123456789012:t"
    assert refused(client(cloud, "sns", reader).publish, TopicArn=topic, Message="m")[0] == "AccessDenied"
    assert refused(s3.head_object, Bucket="lake", Key="silver/t/1.csv")[2] == 403


def test_a_missing_object_is_access_denied_without_list_bucket(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    s3 = client(cloud, "s3", reader)
    code, message, _ = refused(s3.get_object, Bucket="lake", Key="gold/none")
    assert (code, "s3:ListBucket" in message) == ("AccessDenied", True)
    assert refused(client(cloud, "s3").get_object, Bucket="lake", Key="gold/none")[0] == "NoSuchKey"


@pytest.mark.parametrize("service", ["sts", "iam", "sns", "cloudformation", "dynamodb", "s3"])
def test_an_unknown_key_gets_the_error_of_the_service(cloud: supervisor.Record, service: str) -> None:
    made_up = {"AWS_ACCESS_KEY_ID": "ASIA000000000000", "AWS_SECRET_ACCESS_KEY": "x"}
    calls = {
        "sts": "get_caller_identity", "iam": "list_roles", "sns": "list_topics",
        "cloudformation": "list_stacks", "dynamodb": "list_tables", "s3": "list_buckets",
    }  # fmt: skip
    code, message, _ = refused(getattr(client(cloud, service, made_up), calls[service]))
    assert code in ("UnrecognizedClientException", "InvalidAccessKeyId")
    assert "dm env --role" in message


def test_a_session_is_narrowed_by_managed_policies(cloud: supervisor.Record) -> None:
    owner, sts = client(cloud, "iam"), client(cloud, "sts")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{LAKE}/gold/other/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    policy = owner.create_policy(PolicyName="other", PolicyDocument=document)["Policy"]["Arn"]
    role = owner.create_role(RoleName="wide", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    owner.put_role_policy(RoleName="wide", PolicyName="p", PolicyDocument=json.dumps(READER))

    def taken(**given: Any) -> Any:
        keys = sts.assume_role(RoleArn=role, RoleSessionName="narrow", **given)["Credentials"]
        names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
        return client(cloud, "s3", {variable: keys[name] for variable, name in names.items()})

    narrowed = taken(PolicyArns=[{"arn": policy}])
    assert "no session policy allows" in refused(narrowed.get_object, Bucket="lake", Key="gold/t/1.csv")[1]
    wider = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{LAKE}/*/t/*"}}
    both = taken(PolicyArns=[{"arn": policy}], Policy=json.dumps(wider))
    assert both.get_object(Bucket="lake", Key="gold/t/1.csv")["Body"].read() == b"1\n2\n"
    assert refused(both.get_object, Bucket="lake", Key="silver/t/1.csv")[0] == "AccessDenied"
    absent = "arn:aws:iam::aws:policy/Absent"
    given = {"RoleArn": role, "RoleSessionName": "narrow", "PolicyArns": [{"arn": absent}]}
    assert absent in refused(sts.assume_role, **given)[1]


def test_a_listing_is_judged_by_its_prefix(cloud: supervisor.Record, reader: dict[str, str]) -> None:
    s3 = client(cloud, "s3", reader)
    assert s3.list_objects_v2(Bucket="lake", Prefix="gold/t/")["KeyCount"] == 1
    assert refused(s3.list_objects_v2, Bucket="lake", Prefix="silver/")[0] == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket="lake")[0] == "AccessDenied"


def test_athena_reads_with_the_permissions_of_the_caller(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    assert run(cloud, reader, "select sum(n) from gold.t where n > 1") == "2"
    assert run(cloud, reader, "select sum(n) from gold.iceberg") == "6"
    assert "glue:GetTable" in run(cloud, reader, "select n from silver.t")
    assert run(cloud, None, "select sum(n) from silver.t where n > 1") == "2"


def test_files_cached_for_one_role_are_not_read_by_another(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    assert run(cloud, reader, "select count(*) from gold.iceberg") == "3"
    nobody = roles.take(cloud, "nobody")
    glue = {"Effect": "Allow", "Action": "glue:*", "Resource": "*"}
    policy = json.dumps({**NOBODY, "Statement": [*NOBODY["Statement"], glue]})
    owner = client(cloud, "iam")
    owner.put_role_policy(RoleName="nobody", PolicyName="p", PolicyDocument=policy)
    denied = run(cloud, nobody, "select count(*) from gold.iceberg")
    assert denied.startswith("PERMISSION_DENIED")
    assert "s3:GetObject" in denied


def test_the_policy_of_a_session_narrows_the_role(cloud: supervisor.Record) -> None:
    narrow = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{LAKE}/gold/u/*"}],
    }
    role = "arn:aws:iam::123456789012:role/reader"
    session = {"RoleSessionName": "narrow", "Policy": json.dumps(narrow)}
    found = client(cloud, "sts").assume_role(RoleArn=role, **session)["Credentials"]
    keys = {"AWS_ACCESS_KEY_ID": found["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"]}
    s3 = client(cloud, "s3", {**keys, "AWS_SESSION_TOKEN": found["SessionToken"]})
    code, message, _ = refused(s3.get_object, Bucket="lake", Key="gold/t/narrowed")
    assert (code, "because no session policy" in message) == ("AccessDenied", True)


def test_an_unknown_key_is_refused(cloud: supervisor.Record) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "ASIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "x"}
    assert refused(client(cloud, "s3", keys).list_buckets)[0] == "InvalidAccessKeyId"
    assert refused(client(cloud, "glue", keys).get_databases)[0] == "UnrecognizedClientException"
    # The gateway's own key is allowed nothing without the name of a caller.
    keys = {"AWS_ACCESS_KEY_ID": "athena", "AWS_SECRET_ACCESS_KEY": "athena"}
    assert refused(client(cloud, "s3", keys).get_object, Bucket="lake", Key="gold/t/1.csv")[2] == 403


def test_encrypted_objects_also_need_kms_permissions(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    owner, name = client(cloud, "s3"), f"b{uuid.uuid4().hex}"
    key = client(cloud, "kms").create_key()["KeyMetadata"]["Arn"]
    owner.create_bucket(Bucket=name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    owner.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client(cloud, "iam").put_role_policy(RoleName="reader", PolicyName="key", PolicyDocument=document)
    s3 = client(cloud, "s3", reader)
    assert "kms:GenerateDataKey" in refused(s3.put_object, Bucket=name, Key="k", Body=b"x")[1]
    owner.put_object(Bucket=name, Key="k", Body=b"x")
    assert "kms:Decrypt" in refused(s3.get_object, Bucket=name, Key="k")[1]


def test_calls_of_roles_are_recorded_and_the_owner_is_not_judged(
    cloud: supervisor.Record, reader: dict[str, str]
) -> None:
    s3 = client(cloud, "s3", reader)
    s3.get_object(Bucket="lake", Key="gold/t/1.csv")
    refused(s3.get_object, Bucket="lake", Key="raw/x")
    found = {(one["action"], one["resource"]): one for one in roles.called(cloud) if one["role"] == "reader"}
    assert found["s3:GetObject", f"{LAKE}/gold/t/1.csv"]["refused"] == 0
    assert found["s3:GetObject", f"{LAKE}/raw/x"]["refused"] == 1
    assert {one["role"] for one in roles.called(cloud)} <= {"reader", "nobody", "wide"}


def test_commands_take_a_role_and_show_its_calls(cloud: supervisor.Record, reader: dict[str, str]) -> None:
    refused(client(cloud, "s3", reader).get_object, Bucket="lake", Key="raw/shown")
    folder = str(Path(cloud.parts[0].log).parents[1])

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "localcloud", *arguments, "--dir", folder]
        return subprocess.run(whole, capture_output=True, text=True, env=dict(os.environ))

    taken = json.loads(command("env", "--role", "reader", "--json").stdout)
    assert taken["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert taken["AWS_ENDPOINT_URL"] == cloud.endpoint
    for name, shown in (("writer", "writer"), ("\udce9crivain", r"\udce9crivain")):
        absent = command("env", "--role", name)
        assert absent.returncode != 0
        assert f"has no role {shown}" in absent.stderr
        assert "reader" in absent.stderr
    shown = command("calls", "--role", "reader", "--refused").stdout
    assert "s3:GetObject  arn:aws:s3:::lake/raw/shown  refused" in shown
    assert "gold/t/1.csv" not in shown
    again = command("up", "--iam", "record")
    assert again.returncode != 0
    assert "runs with iam enforce" in again.stderr


def test_a_role_may_not_read_what_it_wrote_without_permission(cloud: supervisor.Record) -> None:
    writes = {"Effect": "Allow", "Action": ["glue:*", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}
    policy = {**NOBODY, "Statement": [*NOBODY["Statement"], writes]}
    owner = client(cloud, "iam")
    owner.create_role(RoleName="scribe", AssumeRolePolicyDocument="{}")
    owner.put_role_policy(RoleName="scribe", PolicyName="p", PolicyDocument=json.dumps(policy))
    scribe = roles.take(cloud, "scribe")
    place = "with (external_location = 's3://lake/gold/own/', format = 'parquet')"
    assert run(cloud, scribe, f"create table gold.own {place} as select 1 as n") is None
    denied = run(cloud, scribe, "select n from gold.own")
    assert denied.startswith("PERMISSION_DENIED")
    assert "s3:GetObject" in denied
    assert run(cloud, None, "select n from gold.own") == "1"


def test_a_real_trino_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="calls Glue and S3 as itself"):
        supervisor.up(Settings(folder=tmp_path / "c", port=0, iam="enforce", engine="trino"), lambda _: None)
