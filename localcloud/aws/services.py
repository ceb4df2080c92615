"""The services whose state a snapshot keeps, and those that have none."""

from typing import Final

# Name in a request's signature -> moto's name. Each is proved to come back whole by a test.
KEPT: Final = {
    "s3": "s3",
    "glue": "glue",
    "dynamodb": "dynamodb",
    "lakeformation": "lakeformation",
    "sqs": "sqs",
    "sns": "sns",
    "events": "events",
    "states": "stepfunctions",
    "cloudformation": "cloudformation",
    "iam": "iam",
    "kms": "kms",
    "secretsmanager": "secretsmanager",
    "emr-serverless": "emr-serverless",
    "logs": "logs",
    "monitoring": "cloudwatch",
}
STATELESS: Final = frozenset({"sts"})


def left_out(used: set[str]) -> tuple[str, ...]:
    """Of the services that clients have called, those whose state is lost when the cloud stops."""
    return tuple(sorted(used - KEPT.keys() - STATELESS))
