"""Write infra/calls.yaml: the calls that the local cloud saw each role make. `make record-calls`.

Runs the demo with IAM in `record` mode (calls are judged and recorded, never refused), then what the demo has
no step for: the functions, Spark, what people do by hand, and what analysts and auditors read, each in its
role. What AWS itself does under a role cannot be seen here; `infra/calls-by-aws.yaml` documents it.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import notifications
import yaml
from botocore.exceptions import ClientError
from call_patterns import key_names, summary
from recorded_cloud import (
    application,
    aws,
    first_quarantined,
    land,
    raw_queue,
    registered_by_event,
    token_key,
    work_order,
)
from rich.console import Console

from control import handlers
from control.adapters.dynamodb import INDICES
from control.adapters.job_runs import EmrServerless
from control.adapters.spark_submit import SparkSubmitEngine
from control.config import from_environment
from control.ingest import tables
from control.ingest.rules import Rules
from control.ingest.run import run as ingest
from control.wiring import connect
from demo import report, roles
from demo.steps import ROOT, Steps

FOLDER = ".dm/record"
ROWS = "2000"
FILE = ROOT / "infra" / "calls.yaml"
EVERY = ("register", "ingest", "spark", "dbt", "engineer", "analyst", "auditor", "ci", "deploy", "retention")
HEAD = """\
# AWS calls of each role, recorded when `make record-calls` ran each component with it on the local cloud.
# Written by tests/infra/record_calls.py, not by hand; tests/infra/test_least_privilege.py compares the roles.
# Names are those of dev. PROJECT, REGION, ACCOUNT and key names are placeholders; `*` is any content.
"""


# --- the steps ----------------------------------------------------------------------------------


def walk(steps: Steps, folder: str) -> None:
    """Run everything that the demo has no step for."""
    target = f"{folder}-target"
    group = steps.env["DM_WORKGROUP"]
    as_engineer = partial(try_command, steps, "engineer")
    try_command(steps, "dbt", "dm", "maintain", "run", "--workgroup", group, "--keep-days", "0")
    with_role(steps, "register", lambda: register(steps))
    with_role(steps, "engineer", lambda: run_spark(steps))
    with_role(steps, "ingest", lambda: ingest_what_fails(steps))
    with_role(steps, "register", lambda: register_stray(steps))  # deleted above, now landed again
    as_engineer("dm", "ingest", "run", "--until-idle", DM_RAW_QUEUE=raw_queue(steps))
    left_out = ("--until", "2999-12-31", "--reason", "seen", "--workgroup", group)
    as_engineer("dm", "quarantine", "waive", f"{registered_by_event(steps)}:2", *left_out)
    as_engineer(*REKEY, DM_TOKEN_KEY="another" * 5)  # changed back below
    for command in (
        ("dm", "status"),
        ("dm", "files", "list", "--json"),
        ("dm", "quarantine", "list"),
        ("dm", "quarantine", "held", "--workgroup", group),
        ("dm", "quarantine", "held", "--waived"),
        ("dm", "ingest", "sweep", "--older-than", "0"),
        ("dm", "files", "redrive", "--table", "brewery", "--reason", "seen"),
        ("dm", "quarantine", "replay", "--table", "brewery", "--reason", "seen"),
        ("dm", "ingest", "replay", "--table", "brewery", "--from", "1", "--to", "1", "--reason", "seen"),
        REKEY,
        ("dm", "ingest", "run", "--until-idle"),
        ("dm", "contract", "drift"),
        ("dbt", "build", "--profiles-dir", "profiles", "--target", "dev", "--select", "breweries"),
        ("dm", "doctor", "--target", target, "--workgroup", group),
        ("dm", "cost", "show", "--target", target, "--workgroup", group),
        ("dm", "cost", "record", "--workgroup", group),
        ("dm", "retention", "plan", "--workgroup", group),
        ("dm", "retention", "run", "--workgroup", group, *(f"--{k}-days=0" for k in KINDS)),
        ("dm", "retention", "run", "--workgroup", group),  # takes back what is too young now
        ("dm", "reconcile", "top_drinkers", "--target", "dev"),
        ("dm", "maintain", "run", "--workgroup", group, "--keep-days", "0"),
    ):
        as_engineer(*command)
    with_role(steps, "retention", let_go_and_take_back)
    as_engineer("dm", "quarantine", "waive", "--reason", "seen", first_quarantined(steps))
    with_role(steps, "engineer", lambda: by_hand(steps))
    with_role(steps, "analyst", lambda: analyse(steps))
    with_role(steps, "auditor", lambda: audit(steps))
    deploy(steps, "ci", "plan", "access")
    deploy_all(steps, folder)


KINDS = ("raw", "bronze", "quarantine")
REKEY = ("dm", "ingest", "rekey", "--table", "profile", "--reason", "seen")
# Parameter values with which the deployment roles of dev are created.
STACKS_ROLE = "beer-stacks"
DEPLOYERS = ("CiRepository=owner/lake", f"StacksRole=arn:aws:iam::123456789012:role/{STACKS_ROLE}")
STATEMENT = "select count(*) from {prefix}gold.top_drinkers"


def register(steps: Steps) -> None:
    """Notify the register function of a new file, and of a stray object."""
    content = gzip.compress(b"brewery_id,brewery_name\n900001,A\n")
    register_one(steps, "brewery", "by-event.csv.gz", content)
    register_stray(steps)
    aws(steps.env)("s3").delete_object(Bucket=steps.env["DM_BUCKET"], Key="raw/wine/stray.csv.gz")


def register_stray(steps: Steps) -> None:
    """Notify the register function of an object in a folder without a contract."""
    register_one(steps, "wine", "stray.csv.gz", b"nobody's")


def register_one(steps: Steps, table: str, name: str, content: bytes) -> None:
    """Land a file and notify the register function."""
    found = land(steps, table, name, content)
    handlers._parts.cache_clear()
    handlers.register({"Records": [notifications.queued(notifications.event_bridge(found))]}, None)


def ingest_what_fails(steps: Steps) -> None:
    """Run the ingest function on a valid file and on a truncated one, whose failure it sends to the topic."""
    good = gzip.compress(b"brewery_id,brewery_name\n900002,A\n")
    land(steps, "brewery", "good.csv.gz", good)
    land(steps, "brewery", "cut.csv.gz", good[:-9])
    forget_a_comment(steps)
    handlers._parts.cache_clear()
    for _ in range(3):
        handlers.ingest({}, None)


def let_go_and_take_back() -> None:
    """Run the retention function twice: everything is old enough, then nothing is."""
    for days in ("0", "999"):
        os.environ.update({f"DM_{kind.upper()}_DAYS": days for kind in KINDS})
        handlers._parts.cache_clear()
        done = handlers.retention({}, None)
        if not (done["tagged"] if days == "0" else done["returned"]):
            raise SystemExit(f"retention with {days} days did nothing: {done}")


def forget_a_comment(steps: Steps) -> None:
    """Change a comment in the catalog, as if the catalog were older than the contract."""
    glue, name = aws(steps.env)("glue"), f"{steps.env['DM_SCHEMA_PREFIX']}bronze"
    table = glue.get_table(DatabaseName=name, Name="brewery")["Table"]
    table["StorageDescriptor"]["Columns"][0]["Comment"] = "old"
    kept = {"Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor"}
    glue.update_table(DatabaseName=name, TableInput={key: table[key] for key in kept if key in table})


def run_spark(steps: Steps) -> None:
    """Ingest by hand with Spark, whose job has its own role."""
    land(steps, "brewery", "for-spark.csv.gz", gzip.compress(b"brewery_id,brewery_name\n900003,A\n"))
    parts = connect(os.environ)
    engine = SparkSubmitEngine(parts.objects, {**os.environ, **steps.env_of("spark")})
    known = tables.load(from_environment(os.environ), "brewery")
    outcome = ingest(
        known, replace(parts, engines={**parts.engines, "spark": engine}), Rules(), choice="spark"
    )
    if not any(batch.state == "published" for batch in outcome.batches):
        raise SystemExit(f"Spark published nothing: {outcome}")


def by_hand(steps: Steps) -> None:
    """Do what docs/deploy.md and docs/builds.md tell engineers to do by hand, and start Spark on EMR."""
    region, account = os.environ["AWS_REGION"], "123456789012"
    client = aws(os.environ)
    client("secretsmanager").get_secret_value(SecretId=token_key(steps))
    for machine in ("ingestion", "build"):
        arn = f"arn:aws:states:{region}:{account}:stateMachine:{roles.name(machine)}"
        client("stepfunctions").list_executions(stateMachineArn=arn)
        client("stepfunctions").start_execution(stateMachineArn=arn)
    settings = from_environment(os.environ)
    runs = EmrServerless(
        settings, application=application(steps), role=os.environ["DM_EMR_ROLE"], job="s3://code/spark/x"
    )
    run = runs.start(work_order())
    runs.look(run)
    refused_is_fine(runs.cancel, run)


def analyse(steps: Steps) -> None:
    """Make the calls of an analyst's client: run statements, list and read results, cancel a statement."""
    env = dict(os.environ)
    report.query(env, STATEMENT)
    client = aws(env)
    athena, gold = client("athena"), f"{env['DM_SCHEMA_PREFIX']}gold"
    athena.get_work_group(WorkGroup=env["DM_WORKGROUP"])
    started = athena.start_query_execution(QueryString="select 1", WorkGroup=env["DM_WORKGROUP"])
    athena.stop_query_execution(QueryExecutionId=started["QueryExecutionId"])
    results = {"Bucket": env["DM_BUCKET"]}
    found = client("s3").list_objects_v2(**results, Prefix="athena-results/analyst/")["Contents"]
    client("s3").get_object(**results, Key=found[0]["Key"])
    report.query(env, f"show tables in {gold}")


def audit(steps: Steps) -> None:
    """Make the calls that docs/deploy.md describes for an auditor."""
    env = dict(os.environ)
    client, lake = aws(env), env["DM_BUCKET"]
    logs = lake.replace("-lake-", "-logs-")
    s3, stacks = client("s3"), client("cloudformation")
    for bucket, prefix in ((lake, "audit/"), (logs, "")):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        key = found[0]["Key"] if found else "s3/none"
        refused_is_fine(s3.get_object, Bucket=bucket, Key=key)
    control = {"TableName": env["DM_CONTROL_TABLE"]}
    values = {":p": {"S": "none"}}
    client("dynamodb").get_item(**control, Key={"pk": {"S": "none"}, "sk": {"S": "none"}})
    query = {"ExpressionAttributeValues": values}
    client("dynamodb").query(**control, KeyConditionExpression="pk = :p", **query)
    for index in INDICES:
        condition = f"{index.key} = :p"
        client("dynamodb").query(**control, IndexName=index.name, KeyConditionExpression=condition, **query)
    stack = {"StackName": roles.name("storage")}
    for ask in (stacks.describe_stacks, stacks.describe_stack_events, stacks.get_template):
        refused_is_fine(ask, **stack)
    refused_is_fine(stacks.describe_stack_resource_drifts, **stack)
    for group in (
        f"/aws/lambda/{roles.name('ingest')}",
        f"/{roles.name('machines').replace('-machines', '')}/spark",
    ):
        refused_is_fine(client("logs").filter_log_events, logGroupName=group)
        refused_is_fine(client("logs").describe_log_streams, logGroupName=group)
        refused_is_fine(client("logs").get_log_events, logGroupName=group, logStreamName="none")


def deploy(steps: Steps, role: str, verb: str, *more: str) -> None:
    """Run `dm deploy` with the values that create the deployment roles."""
    values = [part for one in DEPLOYERS for part in ("--set", one)] if verb in ("plan", "apply") else []
    try_command(steps, role, "dm", "deploy", verb, roles.ENVIRONMENT, *more, *values)


def deploy_all(steps: Steps, folder: str) -> None:
    """Do what docs/deploy.md tells a deployer to do; only administrators delete data."""
    archive = ROOT / f"{folder}-new-functions.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("README", "Another archive than the one that the demo has deployed.")
    deploy(steps, "deploy", "plan", "control", "observability")
    for _ in range(2):  # the second time, the archive is already uploaded
        deploy(steps, "deploy", "apply", "control", "observability", "--yes", "--control-zip", str(archive))
    deploy(steps, "deploy", "status")
    deploy(steps, "deploy", "drift", "control")
    deploy(steps, "deploy", "destroy", "observability", "--yes")
    with in_role(steps, "deploy"):
        stacks = aws(os.environ)("cloudformation")
        refused_is_fine(stacks.continue_update_rollback, StackName=roles.name("control"))


def make_stacks_role(steps: Steps) -> None:
    """Create the role, as an administrator does before the first deployment."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [{**trusted, "Action": "sts:AssumeRole"}]}
    aws(steps.env)("iam").create_role(RoleName=STACKS_ROLE, AssumeRolePolicyDocument=json.dumps(trust))


# --- how each step is run -----------------------------------------------------------------------


def try_command(steps: Steps, role: str, *command: str, **env: str) -> None:
    """Run a command in a role. Exit code 1 means findings, which are fine here."""
    whole = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    done = subprocess.run(whole, cwd=ROOT, env={**steps.env_of(role), **env}, text=True, capture_output=True)
    steps.console.print(f"  {role}: {' '.join(command)} -> {done.returncode}", highlight=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}")


@contextmanager
def in_role(steps: Steps, role: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(steps.env_of(role))
    boto3.DEFAULT_SESSION = None  # it would keep the credentials that it found first
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def with_role(steps: Steps, role: str, action: Callable[[], None]) -> None:
    with in_role(steps, role):
        action()
    steps.console.print(f"  {role}: done", highlight=False)


def refused_is_fine(call: Callable[..., Any], *arguments: Any, **given: Any) -> None:
    """Make a call whose answer does not matter: it is recorded even if the local cloud refuses it."""
    try:
        call(*arguments, **given)
    except Exception as error:
        if not isinstance(error, ClientError):
            print(f"    {type(error).__name__}: {error}")


class Indented(yaml.SafeDumper):
    """Indents lists below their key, as everywhere in this repository."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """See yaml.SafeDumper."""
        super().increase_indent(flow, False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", default=FOLDER)
    parser.add_argument("--on-demo", action="store_true", help="continue a demo that ran with --iam record")
    parser.add_argument("--also", type=Path, help="its calls recorded so far, from dm local calls --json")
    said = parser.parse_args()
    steps = Steps(Console())
    if not said.on_demo:
        demo = [sys.executable, "demo/demo.py", "--iam", "record", "--rows", ROWS, "--dir", said.dir]
        subprocess.run(demo, cwd=ROOT, check=True)
    exports = json.loads(steps.run_quietly("dm", "env", "--dir", said.dir, "--json"))
    own = {
        "DM_TOKEN_KEY": "k" * 32,
        "DBT_TARGET_PATH": f"{said.dir}-target",
        "DBT_TARGET": "dev",
    }
    steps.env = {**os.environ, **exports, **own}
    make_stacks_role(steps)
    deploy(steps, "", "apply", "access", "--yes")
    roles.take(steps, said.dir, EVERY)
    walk(steps, said.dir)
    calls = json.loads(steps.run_quietly("dm", "local", "calls", "--dir", said.dir, "--json"))
    calls += json.loads(said.also.read_text()) if said.also else []
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    stamp = {"by": "make record-calls", "day": str(datetime.now(UTC).date()), "after": commit.stdout.strip()}
    content = {"recorded": stamp, "roles": summary(calls, key_names(aws(steps.env)("cloudformation")))}
    FILE.write_text(HEAD + yaml.dump(content, Dumper=Indented, sort_keys=False, width=140))
    return 0


if __name__ == "__main__":
    sys.exit(main())
