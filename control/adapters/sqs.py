"""S3 notifications from an SQS queue that has a dead-letter queue."""

import json
from collections.abc import Sequence
from typing import Any

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import UsageError
from control.ports import Message

MOST_MESSAGES = 10
# Long polling queries all servers of SQS; short polling may miss messages.
WAIT_SECONDS = 1


class SqsQueue:
    """One SQS queue, by its URL. Raises UsageError if it has no dead-letter queue."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.name = url.rpartition("/")[2]
        self._url, self._endpoint = url, settings.endpoint
        self._client: Any = client(settings, "sqs")
        self._dead = self._dead_letters()

    def receive(self) -> Sequence[Message]:
        """See Notifications."""
        with self._translated():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=MOST_MESSAGES, WaitTimeSeconds=WAIT_SECONDS
            )
        return [Message(m["MessageId"], m["Body"], m["ReceiptHandle"]) for m in answer.get("Messages", ())]

    def done(self, message: Message) -> None:
        """See Notifications."""
        with self._translated():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def refuse(self, message: Message) -> None:
        """See Notifications."""
        with self._translated():
            self._client.send_message(QueueUrl=self._dead, MessageBody=message.body)
        self.done(message)

    def _dead_letters(self) -> str:
        with self._translated():
            found = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
            policy = found.get("Attributes", {}).get("RedrivePolicy")
            if policy is None:
                raise UsageError(
                    f"queue {self.name} has no dead-letter queue",
                    hint="give it a redrive policy: messages that are not S3 notifications go there",
                )
            *_, account, name = json.loads(policy)["deadLetterTargetArn"].split(":")
            url: str = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        return url

    def _translated(self) -> Any:
        return translated(f"queue {self.name}", self._endpoint)
