"""What record_calls finds and creates in the cloud that it records."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import notifications

from control.orders import WorkOrder
from control.ports import StoredObject
from demo import roles
from demo.steps import Steps


def aws(env: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a function that creates clients with the credentials in `env`."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            env["AWS_REGION"],
            endpoint_url=env["AWS_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=env.get("AWS_SESSION_TOKEN"),
        )

    return client


def land(steps: Steps, table: str, name: str, content: bytes) -> StoredObject:
    """Land a raw file as its producer does; here, that is the owner of the account."""
    s3 = aws(steps.env)("s3")
    return notifications.landed(s3, steps.env["DM_BUCKET"], f"raw/{table}/{name}", content)


def raw_queue(steps: Steps) -> str:
    """Return the URL of the notification queue."""
    url: str = aws(steps.env)("sqs").get_queue_url(QueueName=roles.name("raw"))["QueueUrl"]
    return url


def token_key(steps: Steps) -> str:
    """Return the ARN of the secret that holds the token key."""
    arn: str = aws(steps.env)("secretsmanager").describe_secret(SecretId=roles.name("token-key"))["ARN"]
    return arn


def application(steps: Steps) -> str:
    """Create an EMR Serverless application and return its id."""
    emr = aws(steps.env)("emr-serverless")
    made = emr.create_application(name="spark", releaseLabel="emr-7.0.0", type="SPARK", clientToken="1")
    found: str = made["applicationId"]
    return found


def registered_by_event(steps: Steps) -> str:
    """Return the id of the file that was registered by a notification."""
    return first_file(steps, lambda one: one["key"].endswith("/by-event.csv.gz"))


def first_quarantined(steps: Steps) -> str:
    """Return the id of a file that has quarantined lines."""
    return first_file(steps, lambda one: one["quarantined"])


def first_file(steps: Steps, is_wanted: Callable[[dict[str, Any]], object]) -> str:
    """Return the id of the first raw file that satisfies `is_wanted`."""
    listed = json.loads(steps.run_quietly("dm", "files", "list", "--json", role="engineer"))
    return str(next(one["file_id"] for one in listed if is_wanted(one)))


def work_order() -> WorkOrder:
    """Return a work order without files."""
    lake = f"s3://{os.environ['DM_BUCKET']}"
    return WorkOrder(
        attempt="record-1",
        table="brewery",
        contract=f"{lake}/attempts/brewery/1/contract.yaml",
        files=(),
        bronze=f"{lake}/bronze/brewery/1",
        events=f"{lake}/bronze/brewery_events/1",
        quarantine=f"{lake}/quarantine/brewery/1",
    )
