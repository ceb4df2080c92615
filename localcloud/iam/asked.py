"""Derive the actions and resources of a request, as named in AWS's service authorization reference."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from localcloud.aws.calls import service_of
from localcloud.iam import rest, s3
from localcloud.iam.policies import Need

ACCOUNT: Final = "123456789012"
# Name in a request's signature -> the prefix of IAM's actions.
PREFIXES: Final = {"monitoring": "cloudwatch"}
# Operations whose IAM action has another name.
NAMED: Final = {"lambda:Invoke": "lambda:InvokeFunction"}
# Operations that need no right.
FREE: Final = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
# The steps of a DynamoDB transaction are judged one by one: IAM has no action for the transaction.
STEPS: Final = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# Requests that pass a role to their service: the member with the role, and IAM's name of the service.
PASSED: Final = {
    "cloudformation": ("RoleARN", "cloudformation.amazonaws.com"),
    "codebuild": ("serviceRole", "codebuild.amazonaws.com"),
    "emr-serverless": ("executionRoleArn", "emr-serverless.amazonaws.com"),
    "glue": ("Role", "glue.amazonaws.com"),
    "lambda": ("Role", "lambda.amazonaws.com"),
    "states": ("roleArn", "states.amazonaws.com"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed request: its service, operation and members."""

    service: str
    operation: str
    given: Mapping[str, Any]
    region: str

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{rest}"


def needs(environ: WSGIEnvironment, body: bytes, region: str) -> list[Need]:
    """Return every right that the request needs. An unknown resource is `*`."""
    service = service_of(environ)
    if service == "s3":
        return list(s3.needs(environ, body))
    asked = Asked(service, *_operation(environ, body, service), region)
    if f"{service}:{asked.operation}" in FREE:
        return []
    if "TransactItems" in asked.given:
        return list(dict.fromkeys(_steps(asked)))
    action = f"{PREFIXES.get(service, service)}:{asked.operation}"
    action = NAMED.get(action, action)
    return [*(Need(action, one) for one in _resources(asked)), *_passed_roles(asked)]


def _operation(environ: WSGIEnvironment, body: bytes, service: str) -> tuple[str, Mapping[str, Any]]:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2], json.loads(body or b"{}")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        return form.get("Action", ""), form
    return rest.operation(service, environ["REQUEST_METHOD"], environ["PATH_INFO"], body)


def _resources(asked: Asked) -> Iterator[str]:
    of_service = RESOURCES.get(asked.service)
    found = [one for one in of_service(asked) if one] if of_service else []
    yield from found or ["*"]


def _glue(asked: Asked) -> Iterator[str]:
    """Yield catalog, database and table: Glue needs the right on each of them."""
    given = asked.given
    if "JobName" in given:
        yield asked.arn("glue", f"job/{given['JobName']}")
        return
    yield asked.arn("glue", "catalog")
    table = given.get("TableName") or given.get("TableInput", {}).get("Name")
    if "DatabaseName" in given:
        database, table = given["DatabaseName"], table or given.get("Name") or "*"
    else:
        database = given.get("Name") or given.get("DatabaseInput", {}).get("Name") or "*"
    yield asked.arn("glue", f"database/{database}")
    if "DatabaseName" in given:
        yield asked.arn("glue", f"table/{database}/{table}")


def _dynamodb(asked: Asked) -> Iterator[str]:
    given = asked.given
    named = [given["TableName"]] if "TableName" in given else list(given.get("RequestItems", ()))
    index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
    for name in dict.fromkeys(named):
        yield asked.arn("dynamodb", f"table/{name}{index}")


def _steps(asked: Asked) -> Iterator[Need]:
    for item in asked.given["TransactItems"]:
        for step, given in item.items():
            yield Need(f"dynamodb:{STEPS[step]}", asked.arn("dynamodb", f"table/{given['TableName']}"))


def _sqs(asked: Asked) -> Iterator[str]:
    name = asked.given.get("QueueUrl", "").rpartition("/")[2] or asked.given.get("QueueName", "")
    yield asked.arn("sqs", name) if name else ""


def _athena(asked: Asked) -> Iterator[str]:
    given = asked.given
    if "Catalog" in asked.operation or "Metadata" in asked.operation or asked.operation.endswith("Database"):
        yield asked.arn("athena", f"datacatalog/{given.get('CatalogName') or given.get('Name') or '*'}")
        return
    name = given.get("Name") if asked.operation.endswith("WorkGroup") else None
    # The request does not say which workgroup a saved query is in.
    unsaid = "*" if {"NamedQueryId", "NamedQueryIds"} & given.keys() else "primary"
    for group in given.get("WorkGroups") or [given.get("WorkGroup") or name or unsaid]:
        yield asked.arn("athena", f"workgroup/{group}")


def _states(asked: Asked) -> Iterator[str]:
    yield asked.given.get("stateMachineArn") or asked.given.get("executionArn") or ""


def _emr(asked: Asked) -> Iterator[str]:
    given = asked.given
    run = f"/jobruns/{given['jobRunId']}" if "jobRunId" in given else ""
    if "applicationId" in given:
        yield asked.arn("emr-serverless", f"/applications/{given['applicationId']}{run}")


def _function(asked: Asked) -> Iterator[str]:
    if name := asked.given.get("FunctionName"):
        yield asked.arn("lambda", f"function:{name.rpartition(':')[2]}")


def _stack(asked: Asked) -> Iterator[str]:
    name = asked.given.get("StackName", "")
    yield name if name.startswith("arn:") or not name else asked.arn("cloudformation", f"stack/{name}/*")


def _logs(asked: Asked) -> Iterator[str]:
    if name := asked.given.get("logGroupName"):
        yield asked.arn("logs", f"log-group:{name}:*")


def _codebuild(asked: Asked) -> Iterator[str]:
    names = [
        asked.given.get("projectName", ""),
        *(one.partition(":")[0] for one in asked.given.get("ids", ())),
    ]
    for name in dict.fromkeys(names):
        yield asked.arn("codebuild", f"project/{name}") if name else ""


def _named(*members: str) -> Any:
    """Return a function for services whose requests name their resource by its ARN."""

    def resources(asked: Asked) -> Iterator[str]:
        yield next((str(asked.given[one]) for one in members if asked.given.get(one)), "")

    return resources


RESOURCES: Final = {
    "athena": _athena,
    "cloudformation": _stack,
    "codebuild": _codebuild,
    "dynamodb": _dynamodb,
    "emr-serverless": _emr,
    "glue": _glue,
    "kms": _named("KeyId"),
    "lambda": _function,
    "logs": _logs,
    "secretsmanager": _named("SecretId"),
    "sns": _named("TopicArn"),
    "sqs": _sqs,
    "states": _states,
    "sts": _named("RoleArn"),
}


def _passed_roles(asked: Asked) -> Iterator[Need]:
    """Yield the right to pass the role that the request passes to its service."""
    member, to = PASSED.get(asked.service, ("", ""))
    # Glue also accepts a role's plain name.
    if role := asked.given.get(member) if member else None:
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
        yield Need("iam:PassRole", arn, {"iam:passedtoservice": to})
