"""The templates create what the code needs, resource by resource."""

import ast
import importlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from iam import allows
from moto import mock_aws
from moto.events.models import EventPattern
from rendered import every, properties, templates, values

from control import errors
from control.adapters import dynamodb
from control.adapters.dynamodb import DynamoStore
from control.config import Settings, from_environment
from control.ingest.events import objects_of
from control.wiring import kept_days

ROOT = Path(__file__).parents[2]
READ = re.compile(r"""["'](DM_[A-Z_]+)["']""")


def _variables_read(*folders: str) -> set[str]:
    files = [
        file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".yml")
    ]
    return {name for file in files for name in READ.findall(file.read_text())}


@pytest.fixture
def made_by_the_code(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        DynamoStore(Settings(control_table="made")).ensure()
        found: dict[str, Any] = boto3.client("dynamodb", "us-east-1").describe_table(TableName="made")[
            "Table"
        ]
    return found


def test_the_control_table_has_the_keys_and_the_index_of_the_store(made_by_the_code: dict[str, Any]) -> None:
    table = properties("control", "ControlTable")
    assert table["KeySchema"] == made_by_the_code["KeySchema"]
    assert table["AttributeDefinitions"] == made_by_the_code["AttributeDefinitions"]
    assert table["BillingMode"] == made_by_the_code["BillingModeSummary"]["BillingMode"]
    made = made_by_the_code["GlobalSecondaryIndexes"]
    for index, wanted in zip(table["GlobalSecondaryIndexes"], made, strict=True):
        assert {key: wanted[key] for key in index} == index
    assert [index["IndexName"] for index in made] == [index.name for index in dynamodb.INDICES]


@pytest.mark.parametrize("key", ["RegisterFunction", "IngestFunction", "RetentionFunction"])
def test_every_function_has_an_existing_handler(key: str) -> None:
    module, _, name = properties("control", key)["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_a_function_is_given_only_variables_that_the_code_reads() -> None:
    read = _variables_read("control")
    for where, function in every("AWS::Lambda::Function"):
        given = function["Environment"]["Variables"]
        assert given.keys() <= read, where
        settings = from_environment({name: str(value) for name, value in given.items()})
        assert settings.bucket == properties("storage", "LakeBucket")["BucketName"]
        assert settings.control_table == properties("control", "ControlTable")["TableName"]


def test_only_ingestion_has_the_token_key() -> None:
    have = {
        where
        for where, one in every("AWS::Lambda::Function")
        if "DM_TOKEN_KEY" in one["Environment"]["Variables"]
    }
    assert have == {"control.IngestFunction"}
    assert "DM_TOKEN_KEY" in repr(properties("compute", "SparkApplication")["RuntimeConfiguration"])


def test_dbt_is_given_every_variable_that_its_profile_reads() -> None:
    profile = yaml.safe_load((ROOT / "profiles/profiles.yml").read_text())["lakehouse"]["outputs"]["prod"]
    read = set(READ.findall(repr(profile)))
    given = {
        one["Name"] for one in properties("compute", "DbtProject")["Environment"]["EnvironmentVariables"]
    }
    assert read <= given
    # dbt itself reads the first, Python the second (to find its plugins); the rest is for maintenance.
    maintenance = {"DM_TABLE_VERSION_DAYS", "MAINTENANCE_MINUTES"}
    assert given - read == {"DBT_THREADS", "PYTHONPATH", *maintenance}
    assert "DM_TABLE_VERSION_DAYS" in _variables_read("control")


def test_every_setting_in_an_output_is_read_by_dm_or_dbt() -> None:
    named = {
        output["Description"]
        for one in templates().values()
        for output in one.outputs.values()
        if output.get("Description", "").startswith("DM_")
    }
    assert named <= _variables_read("control", "profiles")
    assert {
        "DM_BUCKET",
        "DM_CONTROL_TABLE",
        "DM_SCHEMA_PREFIX",
        "DM_WORKGROUP",
        "DM_SPARK",
    } <= named


def _event(bucket: str, key: str) -> dict[str, Any]:
    """Return an event as S3 sends it to EventBridge."""
    return {
        "version": "0", "id": "1", "source": "aws.s3", "detail-type": "Object Created", "account": "1",
        "time": datetime(2026, 1, 1, tzinfo=UTC).isoformat().replace("+00:00", "Z"), "region": "eu-west-1",
        "detail": {
            "bucket": {"name": bucket},
            "object": {"key": key, "size": 5, "etag": "e", "version-id": "v"},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "matches"), [("raw/review/epoch=1/a.csv.gz", True), ("bronze/review/a.parquet", False)]
)
def test_the_rule_sends_only_raw_files_to_registration(key: str, matches: bool) -> None:
    bucket = properties("storage", "LakeBucket")["BucketName"]
    pattern = EventPattern.load(json.dumps(properties("control", "RawLanded")["EventPattern"]))
    assert pattern.matches_event(_event(bucket, key)) is matches
    assert not pattern.matches_event(_event("other", key))
    [found] = objects_of(json.dumps(_event(bucket, key)))
    assert found.key == key


def test_only_failed_messages_are_redelivered() -> None:
    mapping = properties("control", "RegisterFromQueue")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue, function = properties("control", "RawQueue"), properties("control", "RegisterFunction")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_the_databases_are_those_that_contracts_and_models_write() -> None:
    layers = {path.name for path in (ROOT / "contracts").iterdir() if path.is_dir()} - {"rendered"}
    made = {one["DatabaseInput"]["Name"] for _, one in every("AWS::Glue::Database", "dev")}
    prefix = values("dev")["SchemaPrefix"]
    assert made == {f"{prefix}{name}" for name in (layers & {"bronze", "silver", "gold"}) | {"ops"}}


def test_the_lifecycle_names_folders_that_the_code_writes() -> None:
    code = "\n".join(
        file.read_text()
        for folder in ("control", "profiles")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".yml")
    )
    rules = properties("storage", "LakeBucket")["LifecycleConfiguration"]["Rules"]
    for rule in rules:
        assert rule.get("Prefix", "") in code, rule["Id"]


def test_only_scratch_folders_expire_by_age_alone() -> None:
    rules = properties("storage", "LakeBucket")["LifecycleConfiguration"]["Rules"]
    by_age = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule and not rule.get("TagFilters")}
    assert by_age == {"athena-results/", "tmp/"}


def test_retention_releases_objects_at_the_age_at_which_the_lifecycle_deletes_them() -> None:
    given = properties("control", "RetentionFunction")["Environment"]["Variables"]
    rules = properties("storage", "LakeBucket")["LifecycleConfiguration"]["Rules"]
    days = {rule["Id"]: rule["ExpirationInDays"] for rule in rules if rule.get("TagFilters")}
    assert {f"DM_{kind.upper()}_DAYS": kept for kind, kept in days.items()}.items() <= given.items()
    keep = kept_days({name: str(value) for name, value in given.items()})
    found = {"raw": keep.raw, "bronze": keep.bronze, "quarantine": keep.quarantine}
    assert {kind: age.days for kind, age in found.items()} == days


def test_retention_runs_in_an_existing_workgroup() -> None:
    given = properties("control", "RetentionFunction")["Environment"]["Variables"]
    assert given["DM_WORKGROUP"] == properties("catalog", "BuildWorkgroup")["Name"]


def test_each_schedule_may_start_its_machine_and_one_parameter_turns_all_off() -> None:
    for rule, machine in (
        ("RetentionRule", "RetentionMachine"),
        ("MaintenanceRule", "MaintenanceMachine"),
        ("IngestionSchedule", "IngestionMachine"),
    ):
        name = properties("control", machine)["StateMachineName"]
        place = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{name}"
        assert allows("ScheduleRole", "states:StartExecution", place, "prod")
        assert templates()["control"].resources[rule]["Properties"]["State"] == {"Ref": "ScheduleState"}
        [target] = properties("control", rule)["Targets"]
        assert target["Arn"].endswith(properties("control", machine)["StateMachineName"]) or (
            target["Arn"] == machine
        )


def test_the_lifecycle_matches_the_tag_that_retention_puts() -> None:
    from control.retention.let_go import TAG

    rules = properties("storage", "LakeBucket")["LifecycleConfiguration"]["Rules"]
    tags = [tag for rule in rules for tag in rule.get("TagFilters", ())]
    assert tags == [{"Key": TAG[0], "Value": TAG[1]}] * 3


def test_no_workgroup_puts_tables_into_a_folder_that_expires() -> None:
    build = properties("catalog", "BuildWorkgroup")["WorkGroupConfiguration"]
    assert build["EnforceWorkGroupConfiguration"] is False
    profile = yaml.safe_load((ROOT / "profiles/profiles.yml").read_text())["lakehouse"]["outputs"]["prod"]
    rules = properties("storage", "LakeBucket")["LifecycleConfiguration"]["Rules"]
    by_age = [one["Prefix"] for one in rules if "ExpirationInDays" in one and not one.get("TagFilters")]
    assert not [prefix for prefix in by_age if f"/{prefix}" in profile["s3_data_dir"]]
    assert any(f"/{prefix}" in profile["s3_staging_dir"] for prefix in by_age)


def test_change_capture_writes_what_the_parser_reads() -> None:
    kinesis = properties("source", "CaptureTo")["KinesisSettings"]
    assert kinesis["MessageFormat"] == "json-unformatted"
    for needed in ("IncludeTransactionDetails", "IncludeNullAndEmpty", "IncludeControlDetails"):
        assert kinesis[needed] is True
    task = properties("source", "CaptureTask")
    before = json.loads(task["ReplicationTaskSettings"])["BeforeImageSettings"]
    assert before == {"EnableBeforeImage": True, "FieldName": "before-image", "ColumnFilter": "all"}
    captured = {rule["object-locator"]["table-name"] for rule in json.loads(task["TableMappings"])["rules"]}
    contracts = {path.stem for path in (ROOT / "contracts/bronze").glob("*.yaml")}
    assert captured <= contracts
    assert {"brewery", "beer", "profile", "review"} == captured


def test_registration_accepts_the_key_of_a_delivered_file() -> None:
    from bronze.parse import source_of

    destination = properties("stream", "Delivery")["ExtendedS3DestinationConfiguration"]
    prefix = destination["Prefix"].replace("!{partitionKeyFromQuery:table}", "review")
    key = prefix.replace("!{timestamp:yyyy/MM/dd}", "2026/01/01") + "part-1" + destination["FileExtension"]
    assert key.startswith("raw/review/")
    assert source_of(key, "id").format == "json"
    assert destination["CompressionFormat"] == "GZIP"


def test_the_source_keeps_before_images_for_capture() -> None:
    settings = properties("source", "SourceSettings")["Parameters"]
    assert settings["rds.logical_replication"] == "1"


def test_a_glue_job_and_an_emr_application_run_the_packaged_job() -> None:
    compute = templates()["compute"].resources
    assert compute["SparkJob"]["Properties"]["DefaultArguments"]["--extra-py-files"]["Fn::Sub"][0].endswith(
        "/ingest.zip"
    )
    assert compute["SparkJob"]["Properties"]["Command"]["ScriptLocation"]["Fn::Sub"][0].endswith("/ingest.py")
    assert compute["SparkApplication"]["Properties"]["ReleaseLabel"] == {"Ref": "SparkRelease"}


def test_a_machine_retries_exactly_our_retryable_errors() -> None:
    ours = {
        node.name
        for node in ast.parse((ROOT / "control/errors.py").read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    retryable = {
        name for name in ours
        if isinstance(found := getattr(errors, name), type) and issubclass(found, errors.ControlError)
        and found is not errors.ControlError and errors.meaning(found("x")).retryable
    }  # fmt: skip
    for machine, name in (
        ("IngestionMachine", "Ingest"),
        ("IngestionMachine", "IngestRest"),
        ("RetentionMachine", "LetGo"),
    ):
        definition = json.loads(properties("control", machine)["DefinitionString"])
        [retry] = definition["States"][name]["Retry"]
        assert set(retry["ErrorEquals"]) & ours == retryable
        assert "States.ALL" not in retry["ErrorEquals"]


def test_alarms_watch_existing_resources() -> None:
    made = {
        found[key]
        for type_name, key in (
            ("AWS::SQS::Queue", "QueueName"),
            ("AWS::Lambda::Function", "FunctionName"),
            ("AWS::StepFunctions::StateMachine", "StateMachineName"),
        )
        for _, found in every(type_name)
    }
    for where, alarm in every("AWS::CloudWatch::Alarm"):
        for metric in _watched(alarm):
            [dimension] = metric["Dimensions"]
            assert dimension["Value"].rpartition(":")[2] in made, where


def _watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


@pytest.mark.parametrize("machine", [name for name, _ in every("AWS::StepFunctions::StateMachine")])
def test_one_alarm_covers_failures_and_timeouts_of_each_machine(machine: str) -> None:
    stack, _, key = machine.partition(".")
    name = properties(stack, key)["StateMachineName"]
    arn = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{name}"
    wanted = {
        ("AWS/States", kind, "StateMachineArn", arn) for kind in ("ExecutionsFailed", "ExecutionsTimedOut")
    }
    [alarm] = [one for _, one in every("AWS::CloudWatch::Alarm") if _metrics_of(one) == wanted]
    [shown] = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    ids = [one["Id"] for one in alarm["Metrics"] if "MetricStat" in one]
    assert shown["Expression"] == " + ".join(f"FILL({one}, 0)" for one in ids)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["AlarmActions"]
    assert "failed" in alarm["AlarmDescription"]
    assert "timed out" in alarm["AlarmDescription"]


def _metrics_of(alarm: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {
        (one["Namespace"], one["MetricName"], dimension["Name"], dimension["Value"])
        for one in _watched(alarm)
        for dimension in one["Dimensions"]
    }
