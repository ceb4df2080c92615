"""The stacks are created, updated, drifted, failed, restored and deleted on the local cloud."""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import notifications
import pytest
from local_account import ACCOUNT, Account

from control import package
from control.adapters.dynamodb import DynamoStore
from control.deploy import apply, packages, template
from control.deploy import settings as told
from control.errors import UpstreamError, UsageError
from control.model import RawFile


def test_the_code_works_on_the_stacks_and_a_second_apply_changes_nothing(account: Account) -> None:
    whole = account.narrowed("catalog", "control", "observability")
    assert set(whole.apply()) == {"keys", "access", "storage", "catalog", "control", "observability"}
    s3, dynamodb = whole.client("s3"), whole.client("dynamodb")
    assert s3.get_bucket_versioning(Bucket=whole.lake)["Status"] == "Enabled"
    policy = json.loads(s3.get_bucket_policy(Bucket=whole.lake)["Policy"])
    assert {one["Sid"] for one in policy["Statement"]} == {
        "TlsOnly", "NoOtherKey", "NoOtherEncryption", "NoKeyThatCallersKeep",
    }  # fmt: skip
    rules = s3.get_bucket_lifecycle_configuration(Bucket=whole.lake)["Rules"]
    assert {one["ID"]: one["Expiration"]["Days"] for one in rules if "Expiration" in one}["raw"] == 30
    project = whole.environment.values["Project"]
    assert (
        dynamodb.describe_table(TableName=f"{project}-dev-control")["Table"]["SSEDescription"]["SSEType"]
        == "KMS"
    )
    machines = whole.client("stepfunctions").list_state_machines()["stateMachines"]
    assert {f"{project}-dev-build", f"{project}-dev-ingestion"} <= {one["name"] for one in machines}
    databases = {one["Name"] for one in whole.client("glue").get_databases()["DatabaseList"]}
    assert {f"{project}_{layer}" for layer in ("bronze", "silver", "gold", "ops")} <= databases
    variables = whole.client("lambda").get_function(FunctionName=f"{project}-dev-ingest")["Configuration"]
    assert len(variables["Environment"]["Variables"]["DM_TOKEN_KEY"]) == 64
    assert whole.apply() == ()


def test_the_output_settings_work_for_the_control_store(account: Account) -> None:
    whole = account.narrowed("catalog", "control")
    whole.apply()
    seen = [whole.stacks.get(whole.environment.stack_name(name)) for name in whole.environment.chosen]
    found = told.of([one for one in seen if one], "us-east-1")
    assert found["DM_BUCKET"] == whole.lake
    assert {"DM_WORKGROUP", "DM_SCHEMA_PREFIX", "DM_ALERT_TOPIC", "DM_LEASE_SECONDS"} <= found.keys()
    store = DynamoStore(replace(whole.settings, control_table=found["DM_CONTROL_TABLE"]))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    file = RawFile("f", "review", whole.lake, "raw/review/a.csv.gz", "v", "e", 1, 1, 1, "csv", moment, moment)
    assert store.create(file)
    assert store.query(RawFile, "review", place="open").items == (file,)


# As in Lambda: the unpacked archive, no other libraries, and the variables of the function.
INVOKE = """
import importlib, json, os, sys
sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *(one for one in sys.path if "site-packages" not in one)]
module, _, name = sys.argv[1].rpartition(".")
answer = getattr(importlib.import_module(module), name)(json.loads(sys.argv[2]), None)
assert sys.modules[module].__file__.startswith(os.environ["LAMBDA_TASK_ROOT"])
print(json.dumps(answer))
"""


def test_the_handlers_of_the_deployed_archive_ingest_a_landed_file(account: Account, tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    archive = packages.control(package.package(tmp_path, python=version, platform=None))
    whole = replace(account.narrowed("control", **{archive.parameter: archive.value}), archive=archive)
    whole.apply()
    s3, project = whole.client("s3"), whole.environment.values["Project"]
    code = s3.get_object(Bucket=f"{project}-dev-code-{ACCOUNT}", Key=archive.value)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(code)) as unpacked:
        unpacked.extractall(tmp_path / "task")

    def invoke(function: str, event: object) -> Any:
        found = whole.client("lambda").get_function(FunctionName=f"{project}-dev-{function}")["Configuration"]
        assert found["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
        own = found["Environment"]["Variables"]
        machine = {"LAMBDA_TASK_ROOT": str(tmp_path / "task"), "AWS_ENDPOINT_URL": whole.settings.endpoint}
        given = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-c", INVOKE, found["Handler"], json.dumps(event)],
            cwd=tmp_path / "task",
            env={**own, **machine, **given},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    body = gzip.compress(b"brewery_id,brewery_name\n1,Alpha\nx,refused\n")
    found = notifications.landed(s3, whole.lake, "raw/brewery/a.csv.gz", body)
    message = notifications.queued(notifications.event_bridge(found))
    assert invoke("register", {"Records": [message]}) == {"batchItemFailures": []}
    done = invoke("ingest", {})
    assert (done["batches"], done["left"]) == (1, 0)
    table = {"DatabaseName": f"{project}_bronze", "TableName": "brewery"}
    [partition] = whole.client("glue").get_partitions(**table)["Partitions"]
    assert partition["Values"][1] == "1"


def test_a_new_version_of_the_token_key_reaches_the_ingest_function(account: Account) -> None:
    whole = account.narrowed("control")
    whole.apply()
    project = whole.environment.values["Project"]

    def key() -> str:
        found = whole.client("lambda").get_function(FunctionName=f"{project}-dev-ingest")["Configuration"]
        text: str = found["Environment"]["Variables"]["DM_TOKEN_KEY"]
        return text

    before, secrets = key(), whole.client("secretsmanager")
    put = secrets.put_secret_value(SecretId=f"{project}-dev-token-key", SecretString="another" * 10)
    assert (whole.apply(), key()) == ((), before), "a new secret value alone changes nothing"
    changed = account.narrowed("control", TokenKeyVersion=put["VersionId"])
    assert (changed.apply(), key()) == (("control",), "another" * 10)


def test_a_changed_value_changes_only_its_resource(account: Account) -> None:
    account.narrowed("storage").apply()
    changed = account.narrowed("storage", RawDays="45")
    [planned] = [one for one in apply.plan(changed.environment, changed.stacks) if one.changes]
    assert [(one.logical, one.action, one.properties) for one in planned.changes] == [
        ("LakeBucket", "Modify", ("LifecycleConfiguration",))
    ]
    assert changed.apply() == ("storage",)
    rules = changed.client("s3").get_bucket_lifecycle_configuration(Bucket=changed.lake)["Rules"]
    assert {one["ID"]: one["Expiration"]["Days"] for one in rules if "Expiration" in one}["raw"] == 45


def test_the_stacks_role_must_be_one_that_cloudformation_can_assume(
    account: Account,
) -> None:
    project = account.environment.values["Project"]
    role = f"arn:aws:iam::{ACCOUNT}:role/{project}-stacks"
    whole = account.narrowed("keys", StacksRole=role)
    with pytest.raises(UsageError, match=f"Role {role} is invalid or cannot be assumed"):
        whole.apply()
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudformation.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    whole.client("iam").create_role(RoleName=f"{project}-stacks", AssumeRolePolicyDocument=json.dumps(trust))
    assert whole.apply() == ("keys",)


def test_changes_by_hand_are_found_as_drift(account: Account) -> None:
    storage = account.narrowed("storage")
    storage.apply()
    assert storage.drifted("storage") == {}
    s3 = storage.client("s3")
    s3.put_bucket_versioning(Bucket=storage.lake, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=storage.lake)
    status, paths = storage.drifted("storage")["LakeBucket"]
    assert (status, set(paths)) == (
        "MODIFIED",
        {"/VersioningConfiguration", "/PublicAccessBlockConfiguration"},
    )
    s3.delete_bucket_policy(Bucket=storage.lake)
    assert storage.drifted("storage")["LakeBucketPolicy"] == ("DELETED", [])


def test_a_changed_alarm_is_found_as_drift(account: Account) -> None:
    observed = account.narrowed("observability")
    observed.apply()
    assert observed.drifted("observability") == {}
    alarms = observed.client("cloudwatch")
    name = f"{observed.environment.values['Project']}-dev-ingestion-failed"
    (alarm,) = alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    failed = next(one for one in alarm["Metrics"] if one["Id"] == "failed")
    alarm["Metrics"] = [{"Id": "ended", "Expression": "FILL(failed, 0)"}, failed]
    given = alarms.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    alarms.put_metric_alarm(**{key: value for key, value in alarm.items() if key in given})
    assert list(observed.drifted("observability").values()) == [("MODIFIED", ["/Metrics"])]


def test_a_failed_creation_does_not_block_the_next(account: Account) -> None:
    control = account.narrowed("control")
    with pytest.raises(UpstreamError, match=r"RegisterFunction \(AWS::Lambda::Function\)"):
        control.apply(upload=False)
    whole = control.environment.stack_name("control")
    assert control.stacks.get(whole).status == "ROLLBACK_COMPLETE"  # type: ignore[union-attr]
    table = f"{control.environment.values['Project']}-dev-control"
    assert table not in control.client("dynamodb").list_tables()["TableNames"]
    assert control.apply() == ("control",)
    assert control.stacks.get(whole).status == "CREATE_COMPLETE"  # type: ignore[union-attr]


def test_a_failed_update_is_rolled_back_and_can_be_repeated(account: Account) -> None:
    control = account.narrowed("control")
    control.apply()
    broken = control.narrowed("control", ControlCodeKey=f"control/{'1' * 64}.zip", LeaseSeconds="90")
    with pytest.raises(UpstreamError, match="UPDATE_ROLLBACK_COMPLETE"):
        broken.apply()
    name = f"{control.environment.values['Project']}-dev-ingest"
    functions = control.client("lambda")

    def lease() -> str:
        found: str = functions.get_function(FunctionName=name)["Configuration"]["Environment"]["Variables"][
            "DM_LEASE_SECONDS"
        ]
        return found

    assert lease() == "60"
    assert control.narrowed("control", LeaseSeconds="90").apply() == ("control",)
    assert lease() == "90"


def test_an_interrupted_apply_continues(account: Account) -> None:
    storage = account.narrowed("catalog")

    def interrupt(event: str, fields: Any) -> None:
        if event == "resource.event" and fields["stack"].endswith("storage"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.apply(say=interrupt)
    assert storage.apply()[-1] == "catalog"
    assert storage.apply() == ()


def test_a_bucket_with_data_is_not_replaced(account: Account) -> None:
    account.narrowed("storage").apply()
    templates = dict(account.environment.templates)
    content = json.loads(templates["storage"].body)
    content["Resources"]["LakeBucket"]["Properties"]["BucketName"] = {
        "Fn::Sub": "${Project}-other-${Environment}"
    }
    templates["storage"] = template.Template("storage", content)
    moved = replace(account.narrowed("storage"), environment=replace(
        account.narrowed("storage").environment, templates=templates
    ))  # fmt: skip
    with pytest.raises(UsageError, match=r"storage\.LakeBucket \(modify\)"):
        moved.apply()


def test_data_outlives_its_stacks_and_is_imported_again(account: Account) -> None:
    whole = account.narrowed("control", "catalog")
    whole.apply()
    whole.client("s3").put_object(Bucket=whole.lake, Key="raw/review/a.csv.gz", Body=b"data")
    assert whole.destroy(with_data=False) == ()
    kept = [name for name in whole.environment.chosen if whole.stacks.get(whole.environment.stack_name(name))]
    assert kept == ["keys"]
    assert (
        whole.client("s3").get_object(Bucket=whole.lake, Key="raw/review/a.csv.gz")["Body"].read() == b"data"
    )
    assert set(whole.apply()) == {"access", "storage", "control", "catalog"}
    assert (
        whole.client("s3").get_object(Bucket=whole.lake, Key="raw/review/a.csv.gz")["Body"].read() == b"data"
    )


def test_destroying_with_data_leaves_nothing(account: Account) -> None:
    whole = account.narrowed("control", "catalog")
    whole.apply()
    whole.client("s3").put_object(Bucket=whole.lake, Key="raw/review/a.csv.gz", Body=b"data")
    assert whole.destroy(with_data=True) == ()
    project = whole.environment.values["Project"]
    assert [
        one for one in whole.client("s3").list_buckets()["Buckets"] if one["Name"].startswith(f"{project}-")
    ] == []
    assert f"{project}-dev-control" not in whole.client("dynamodb").list_tables()["TableNames"]
    roles = [one["RoleName"] for one in whole.client("iam").list_roles()["Roles"]]
    assert [one for one in roles if one.startswith(f"{project}-")] == []


def test_a_type_that_only_aws_has_is_refused_by_name(account: Account) -> None:
    with pytest.raises(UpstreamError, match=r"AWS::EMRServerless::Application: this stack needs AWS"):
        account.narrowed("compute").apply()
