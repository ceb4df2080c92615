"""Add the rights to KMS keys that requests for encrypted data need: services call KMS as the caller.

According to AWS's documentation, reading needs kms:Decrypt, writing kms:GenerateDataKey; multipart uploads,
and sending to queues and topics, need both, because they read their own data keys again.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from localcloud.iam.policies import Need

READ: Final = ("kms:Decrypt",)
WRITE: Final = ("kms:GenerateDataKey",)
BOTH: Final = (*READ, *WRITE)
OF_ACTION: Final = {
    "s3:GetObject": READ,
    "s3:GetObjectVersion": READ,
    "s3:PutObject": WRITE,
    "sqs:SendMessage": BOTH,
    "sqs:ReceiveMessage": READ,
    "sns:Publish": BOTH,
    "dynamodb:GetItem": READ,
    "dynamodb:BatchGetItem": READ,
    "dynamodb:PutItem": READ,
    "dynamodb:UpdateItem": READ,
    "dynamodb:DeleteItem": READ,
    "dynamodb:ConditionCheckItem": READ,
    "dynamodb:Query": READ,
    "dynamodb:Scan": READ,
}


def with_keys(needs: Iterable[Need], *, in_parts: bool) -> Iterator[Need]:
    """Yield the needs and those for keys; `in_parts` marks a request of a multipart upload."""
    for need in needs:
        yield need
        actions = OF_ACTION.get(need.action, ())
        if need.action == "s3:PutObject" and in_parts:
            actions = BOTH
        if actions and (key := _key(need)):
            for action in actions:
                yield Need(action, key)


def _key(need: Need) -> str:
    """Return the ARN of a resource's encryption key; empty if it is not a key of the account."""
    service, region, account, name = need.resource.split(":", 5)[2:]
    try:
        found = str(KEYS[service](name, region, account) or "")
    except (KeyError, IndexError, TypeError):
        return ""
    return found if found.startswith("arn:") else ""


def _of_bucket(name: str, _region: str, _account: str) -> Any:
    for backends in s3_backends.values():
        bucket = backends["aws"].buckets.get(name.partition("/")[0])
        if bucket is not None and bucket.encryption:
            rule = bucket.encryption["Rule"]
            rule = rule[0] if isinstance(rule, list) else rule
            return rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return None


def _of_table(name: str, region: str, account: str) -> Any:
    table = dynamodb_backends[account][region].tables[name.split("/")[1]]
    return (table.sse_specification or {}).get("KMSMasterKeyId")


def _of_queue(name: str, region: str, account: str) -> Any:
    queue: Any = sqs_backends[account][region].queues[name]
    return getattr(queue, "kms_master_key_id", None)


def _of_topic(name: str, region: str, account: str) -> Any:
    return sns_backends[account][region].topics[f"arn:aws:sns:{region}:{account}:{name}"].kms_master_key_id


KEYS: Final = {"s3": _of_bucket, "dynamodb": _of_table, "sqs": _of_queue, "sns": _of_topic}
