"""The services whose state snapshots keep, and those without state."""

from typing import Final

# Name in a request's signature -> moto's name. For each, a test shows that it is restored completely.
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
    """Return those services in `used` whose state is lost when the cloud stops."""
    return tuple(sorted(used - KEPT.keys() - STATELESS))
