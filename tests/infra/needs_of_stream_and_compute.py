"""Rows for the resources of the stacks `stream` and `compute`: what ingestion, Spark and dbt need."""

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from needs import Parameter, Row, grants, taken_by
from needs_of_network_and_source import CONTROL_KEY, LAKE_KEY, NAME, REGION
from rendered import ACCOUNT, FILLED_IN, values

from bronze.parse import source_of
from control import spark_runtime
from control.deploy import packages
from control.model import RAW
from control.sample.changes import control_line

ROOT = Path(__file__).parents[2]
LAKE, CODE = f"{NAME}-lake-{ACCOUNT}", f"{NAME}-code-{ACCOUNT}"
SPARK_CODE = f"s3://{CODE}/{FILLED_IN['SparkCodePrefix']}"
LOCKED = {one["name"]: one["version"] for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
TOKEN_KEY = f"secret of {NAME}-token-key"


def a_raw_folder_for_each_table(prefix: str) -> bool:
    """a folder under raw/ whose first part is the table"""
    key = prefix.replace("!{partitionKeyFromQuery:table}", "review").replace("!{timestamp:yyyy/MM/dd}", "d")
    table = key.removeprefix(RAW).partition("/")[0]
    return key.startswith(RAW) and key.endswith("/") and "!{" not in key and table == "review"


def an_extension_for_compressed_json(ending: str) -> bool:
    """an extension that the parser reads as compressed JSON"""
    return source_of(f"{RAW}review/part{ending}", "id").format == "json" and ending.endswith(".gz")


def the_path_of_the_table_name(query: str) -> bool:
    """a query for the table name, at the place where every record has it, control records included"""
    found = re.fullmatch(r'\{table: \.([a-z]+)\."([a-z-]+)"\}', query)
    record = json.loads(control_line("review", ["review_id"], datetime(2026, 1, 1, tzinfo=UTC)))
    return bool(found) and record[found[1]][found[2]] == "review"  # type: ignore[index]


def a_build_of_the_packed_project(spec: str) -> bool:
    """commands that install from files of the archive and then either build a target of the profile with the
    given threads, or only run maintenance within the given minutes
    """
    phases = yaml.safe_load(spec)["phases"]
    install, (build, maintain) = phases["install"]["commands"], phases["build"]["commands"]
    packed = [f"{part}/" if "." not in part else part for part in packages.PROJECT]
    named = [file for command in install for file in re.findall(r"-r (\S+)", command)]
    unless, _, build = build.partition(" || ")
    only_if, _, maintain = maintain.partition(" || ")
    words = build.split()
    profile = yaml.safe_load((ROOT / "profiles/profiles.yml").read_text())["lakehouse"]["outputs"]
    return (
        bool(named)
        and all(file in packed for file in named)
        and any("--locked" in command and "--group dbt" in command for command in install)
        and words[:2] == [".venv/bin/dbt", "build"]
        and f"{words[words.index('--profiles-dir') + 1]}/" in packed
        and words[words.index("--target") + 1] in profile
        and words[words.index("--threads") + 1] == '"$DBT_THREADS"'
        and (unless, only_if) == ('test -n "$MAINTENANCE_MINUTES"', 'test -z "$MAINTENANCE_MINUTES"')
        and maintain.startswith(".venv/bin/python -m control.cli.main maintain run --unless-busy ")
        and maintain.endswith(' --minutes "$MAINTENANCE_MINUTES"')
        and "control/" in packed
    )


def the_libraries_of_the_job(modules: str) -> bool:
    """the libraries that the job imports, in their locked versions: Glue installs them when a run starts"""
    return set(modules.split(",")) == {f"{name}=={LOCKED[name]}" for name in spark_runtime.LIBRARIES}


def _logs(folder: str) -> Row:
    return Row(
        {
            # The roles that write to it refer to it by this name.
            "/LogGroupName": f"/{NAME}/{folder}",
            "/RetentionInDays": Parameter("LogGroupDays"),
            "/KmsKeyId": CONTROL_KEY,
        }
    )


_DELIVERED = "/ExtendedS3DestinationConfiguration"
_PROCESSORS = f"{_DELIVERED}/ProcessingConfiguration/Processors"
STREAM = {
    "ChangeStream": Row(
        {
            # A rename replaces the stream, and records that are not delivered yet are lost.
            "/Name": f"{NAME}-changes",
            "/ShardCount": Parameter("StreamShards"),
            "/RetentionPeriodHours": Parameter("StreamHours"),
            "/StreamEncryption/EncryptionType": "KMS",
            "/StreamEncryption/KeyId": LAKE_KEY,
        }
    ),
    "DeliveryLog": _logs("delivery"),
    "DeliveryLogStream": Row({"/LogGroupName": "DeliveryLog", "/LogStreamName": "raw"}),
    "DeliveryRole": Row(
        {
            "/RoleName": f"{NAME}-delivery",
            "/AssumeRolePolicyDocument/Statement": taken_by("firehose.amazonaws.com"),
            "/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/aws:SourceAccount": ACCOUNT,
            "/Policies/0/PolicyDocument/Statement": grants(
                {
                    **dict.fromkeys(
                        (
                            "kinesis:DescribeStream",
                            "kinesis:GetShardIterator",
                            "kinesis:GetRecords",
                            "kinesis:ListShards",
                        ),
                        f"arn:{NAME}-changes",
                    ),
                    **dict.fromkeys(
                        ("s3:PutObject", "s3:AbortMultipartUpload"),
                        (f"arn:aws:s3:::{LAKE}/{RAW}*", f"arn:aws:s3:::{LAKE}/undelivered/*"),
                    ),
                    **dict.fromkeys(
                        ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
                        f"arn:aws:s3:::{LAKE}",
                    ),
                    "logs:PutLogEvents": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{NAME}/delivery:*",
                    "kms:Decrypt": LAKE_KEY,
                    "kms:GenerateDataKey": LAKE_KEY,
                }
            ),
        },
        free=("/Policies/0/PolicyName",),
    ),
    "Delivery": Row(
        {
            "/DeliveryStreamName": f"{NAME}-raw",
            "/DeliveryStreamType": "KinesisStreamAsSource",
            "/KinesisStreamSourceConfiguration/KinesisStreamARN": f"arn:{NAME}-changes",
            "/KinesisStreamSourceConfiguration/RoleARN": f"arn:{NAME}-delivery",
            f"{_DELIVERED}/BucketARN": f"arn:aws:s3:::{LAKE}",
            f"{_DELIVERED}/RoleARN": f"arn:{NAME}-delivery",
            f"{_DELIVERED}/Prefix": a_raw_folder_for_each_table,
            # Not under raw/: the parser cannot read the form of undelivered records.
            f"{_DELIVERED}/ErrorOutputPrefix": (
                "undelivered/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
            ),
            f"{_DELIVERED}/CompressionFormat": "GZIP",
            f"{_DELIVERED}/FileExtension": an_extension_for_compressed_json,
            f"{_DELIVERED}/BufferingHints/IntervalInSeconds": Parameter("DeliverySeconds"),
            f"{_DELIVERED}/BufferingHints/SizeInMBs": Parameter("DeliveryMb"),
            f"{_DELIVERED}/EncryptionConfiguration/KMSEncryptionConfig/AWSKMSKeyARN": LAKE_KEY,
            f"{_DELIVERED}/CloudWatchLoggingOptions/Enabled": True,
            f"{_DELIVERED}/CloudWatchLoggingOptions/LogGroupName": "DeliveryLog",
            f"{_DELIVERED}/CloudWatchLoggingOptions/LogStreamName": "DeliveryLogStream",
            f"{_DELIVERED}/DynamicPartitioningConfiguration/Enabled": True,
            f"{_DELIVERED}/ProcessingConfiguration/Enabled": True,
            f"{_PROCESSORS}/0/Type": "MetadataExtraction",
            f"{_PROCESSORS}/0/Parameters/0/ParameterName": "JsonParsingEngine",
            f"{_PROCESSORS}/0/Parameters/0/ParameterValue": "JQ-1.6",
            f"{_PROCESSORS}/0/Parameters/1/ParameterName": "MetadataExtractionQuery",
            f"{_PROCESSORS}/0/Parameters/1/ParameterValue": the_path_of_the_table_name,
            # Firehose reads these two characters as a line feed; without it, all records would be one line.
            f"{_PROCESSORS}/1/Type": "AppendDelimiterToRecord",
            f"{_PROCESSORS}/1/Parameters/0/ParameterName": "Delimiter",
            f"{_PROCESSORS}/1/Parameters/0/ParameterValue": "\\n",
        },
        free=(f"{_DELIVERED}/DynamicPartitioningConfiguration/RetryOptions/*",),
    ),
}

_DEFAULTS = "/RuntimeConfiguration/0/Properties"
_MONITORED = "/MonitoringConfiguration"
_EMR = ("emr-serverless:StartJobRun", "emr-serverless:GetJobRun", "emr-serverless:CancelJobRun")
_GLUE = ("glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun")


def starts_and_ends_runs_of_spark(statements: list[dict[str, Any]]) -> bool:
    """permission to start, read and cancel runs, and to pass the role"""
    on_emr = dict.fromkeys(_EMR, (f"arn:{NAME}-spark", f"arn:{NAME}-spark/jobruns/*"))
    on_glue = dict.fromkeys(_GLUE, f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{NAME}-spark")
    role = {"iam:PassRole": f"arn:{NAME}-spark"}
    return grants({**on_emr, **role})(statements) or grants({**on_glue, **role})(statements)


COMPUTE = {
    "SparkLog": _logs("spark"),
    "DbtLog": _logs("dbt"),
    "SparkApplication": Row(
        {
            "/Name": f"{NAME}-spark",
            "/Type": "SPARK",
            "/ReleaseLabel": Parameter("SparkRelease"),
            # The libraries in the archive are compiled for it.
            "/Architecture": "X86_64",
            # `dm` starts runs only; the application must start itself.
            "/AutoStartConfiguration/Enabled": True,
            "/AutoStopConfiguration/Enabled": True,
            "/AutoStopConfiguration/IdleTimeoutMinutes": Parameter("SparkIdleMinutes"),
            "/MaximumCapacity/Cpu": f"{values('prod')['SparkMaxVcpu']} vCPU",
            "/MaximumCapacity/Memory": f"{values('prod')['SparkMaxMemoryGb']} GB",
            f"{_MONITORED}/CloudWatchLoggingConfiguration/Enabled": True,
            f"{_MONITORED}/CloudWatchLoggingConfiguration/LogGroupName": "SparkLog",
            f"{_MONITORED}/CloudWatchLoggingConfiguration/EncryptionKeyArn": CONTROL_KEY,
            f"{_MONITORED}/ManagedPersistenceMonitoringConfiguration/EncryptionKeyArn": CONTROL_KEY,
            "/RuntimeConfiguration/0/Classification": "spark-defaults",
            # Tasks turn personal values into tokens, so executors need the key as well as the driver.
            f"{_DEFAULTS}/spark.emr-serverless.driverEnv.DM_TOKEN_KEY": TOKEN_KEY,
            f"{_DEFAULTS}/spark.executorEnv.DM_TOKEN_KEY": TOKEN_KEY,
            f"{_DEFAULTS}/spark.emr-serverless.driverEnv.PYSPARK_PYTHON": f"python{spark_runtime.PYTHON}",
            f"{_DEFAULTS}/spark.executorEnv.PYSPARK_PYTHON": f"python{spark_runtime.PYTHON}",
            f"{_DEFAULTS}/spark.emr-serverless.driverEnv.PYTHONPATH": "./runtime",
            f"{_DEFAULTS}/spark.executorEnv.PYTHONPATH": "./runtime",
            f"{_DEFAULTS}/spark.archives": f"s3://{CODE}/{FILLED_IN['SparkRuntimeKey']}#runtime",
        },
        free=(f"{_MONITORED}/ManagedPersistenceMonitoringConfiguration/Enabled",),
    ),
    "SparkSecurity": Row(
        {
            "/Name": f"{NAME}-spark",
            "/EncryptionConfiguration/S3Encryptions/0/S3EncryptionMode": "SSE-KMS",
            "/EncryptionConfiguration/S3Encryptions/0/KmsKeyArn": LAKE_KEY,
            "/EncryptionConfiguration/CloudWatchEncryption/CloudWatchEncryptionMode": "SSE-KMS",
            "/EncryptionConfiguration/CloudWatchEncryption/KmsKeyArn": CONTROL_KEY,
            "/EncryptionConfiguration/JobBookmarksEncryption/JobBookmarksEncryptionMode": "CSE-KMS",
            "/EncryptionConfiguration/JobBookmarksEncryption/KmsKeyArn": CONTROL_KEY,
        }
    ),
    "SparkJob": Row(
        {
            "/Name": f"{NAME}-spark",
            "/Role": f"arn:{NAME}-spark",
            "/GlueVersion": "5.0",
            "/WorkerType": "G.1X",
            "/NumberOfWorkers": Parameter("GlueWorkers"),
            "/Timeout": Parameter("GlueTimeoutMinutes"),
            "/MaxRetries": 0,
            "/ExecutionProperty/MaxConcurrentRuns": Parameter("GlueConcurrentRuns"),
            "/SecurityConfiguration": f"{NAME}-spark",
            "/Command/Name": "glueetl",
            "/Command/PythonVersion": "3",
            "/Command/ScriptLocation": f"{SPARK_CODE}/ingest.py",
            "/DefaultArguments/--extra-py-files": f"{SPARK_CODE}/ingest.zip",
            "/DefaultArguments/--additional-python-modules": the_libraries_of_the_job,
            "/DefaultArguments/--continuous-log-logGroup": "SparkLog",
        }
    ),
    "RunSparkPolicy": Row(
        {
            "/ManagedPolicyName": f"{NAME}-run-spark",
            "/Roles": [f"{NAME}-engineer"],
            "/PolicyDocument/Statement": starts_and_ends_runs_of_spark,
        }
    ),
    "DbtProject": Row(
        {
            # The build machine refers to it by this name.
            "/Name": f"{NAME}-dbt",
            "/ServiceRole": f"arn:{NAME}-dbt",
            "/EncryptionKey": CONTROL_KEY,
            "/ConcurrentBuildLimit": 1,
            "/TimeoutInMinutes": Parameter("DbtTimeoutMinutes"),
            "/Artifacts/Type": "NO_ARTIFACTS",
            "/LogsConfig/CloudWatchLogs/Status": "ENABLED",
            "/LogsConfig/CloudWatchLogs/GroupName": "DbtLog",
            "/Environment/Type": "LINUX_CONTAINER",
            "/Environment/ComputeType": Parameter("DbtSize"),
            "/Environment/Image": "aws/codebuild/standard:7.0",
            "/Environment/EnvironmentVariables": [
                {"Name": "DM_BUCKET", "Value": LAKE},
                {"Name": "DM_WORKGROUP", "Value": f"{NAME}-build"},
                {"Name": "DM_SCHEMA_PREFIX", "Value": ""},
                {"Name": "DM_TABLE_VERSION_DAYS", "Value": "5"},
                {"Name": "DBT_THREADS", "Value": "8"},
                {"Name": "PYTHONPATH", "Value": "."},
                {"Name": "MAINTENANCE_MINUTES", "Value": ""},
            ],
            "/Source/Type": "S3",
            "/Source/Location": f"{CODE}/{FILLED_IN['ProjectCodeKey']}",
            "/Source/BuildSpec": a_build_of_the_packed_project,
        }
    ),
}
