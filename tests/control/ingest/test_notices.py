"""Queue messages: notifications are registered and deleted; others become dead letters with an alert."""

import json
from dataclasses import dataclass, field

import notifications
import pytest
from raising import raising

from control.adapters.aws import client
from control.adapters.sqs import SqsQueue
from control.config import Settings
from control.errors import UnavailableError, UsageError
from control.ports import Message, Notifications

away = raising(UnavailableError("no answer came"))


def told(world, name: str) -> str:
    """Return the notification of a landed object."""
    (found,) = world.objects.list(f"s3://lake/raw/review/{name}.json.gz")
    return notifications.s3(found)


@dataclass
class Queue:
    """A queue in memory. `again` redelivers what was received and not deleted."""

    name: str = "raw"
    waiting: list[Message] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)

    def send(self, body: str) -> None:
        self.waiting.append(Message(str(len(self.waiting)), body, str(len(self.waiting))))

    def receive(self) -> list[Message]:
        taken, self.waiting = self.waiting[:10], self.waiting[10:]
        self.received += taken
        return taken

    def done(self, message: Message) -> None:
        self.received.remove(message)

    def refuse(self, message: Message) -> None:
        self.dead.append(message.body)
        self.done(message)

    def again(self) -> None:
        self.waiting, self.received = self.received, []


class Sqs:
    """The same queue on SQS."""

    def __init__(self, cloud: Settings) -> None:
        self._client = client(cloud, "sqs")
        self._urls = [
            self._client.create_queue(QueueName=f"{cloud.bucket}-{name}")["QueueUrl"]
            for name in ("dead", "raw")
        ]
        found = self._client.get_queue_attributes(QueueUrl=self._urls[0], AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": found["Attributes"]["QueueArn"], "maxReceiveCount": 5}
        attributes = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "600"}
        self._client.set_queue_attributes(QueueUrl=self._urls[1], Attributes=attributes)
        self.queue = SqsQueue(cloud, self._urls[1])

    def send(self, body: str) -> None:
        self._client.send_message(QueueUrl=self._urls[1], MessageBody=body)

    @property
    def dead(self) -> list[str]:
        answer = self._client.receive_message(QueueUrl=self._urls[0], MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", ())]


@pytest.fixture(params=["memory", "sqs"])
def notices(request: pytest.FixtureRequest) -> Queue | Sqs:
    return Queue() if request.param == "memory" else Sqs(request.getfixturevalue("cloud"))


def queue_of(notices: Queue | Sqs) -> Notifications:
    return notices if isinstance(notices, Queue) else notices.queue


def test_notified_files_are_ingested_and_their_messages_deleted(world, notices) -> None:
    for number in range(12):
        world.land("review", f"{number:02}", f"{number}")
        notices.send(told(world, f"{number:02}"))
        notices.send(told(world, f"{number:02}"))
    outcome = world.run(queue=queue_of(notices))
    assert outcome.registered == 12
    assert queue_of(notices).receive() == []
    world.check()


def test_notifications_of_tables_left_to_other_runs_are_no_finding(world, notices) -> None:
    world.land("review", "a", "1")
    notices.send(told(world, "a"))
    del world.tables["review"]
    outcome = world.run(queue=queue_of(notices), others=["review"])
    assert (outcome.registered, outcome.findings) == (0, ())
    world.run(queue=queue_of(notices))
    assert len(list(world.objects.list("s3://lake/alerts/outbox/"))) == 1


def test_a_message_that_is_not_a_notification_becomes_a_dead_letter_with_an_alert(world, notices) -> None:
    world.land("review", "a", "1")
    for body in ("hello", '{"Records": [{}]}', told(world, "a")):
        notices.send(body)
    outcome = world.run(queue=queue_of(notices))
    assert outcome.registered == 1
    assert sorted(notices.dead) == ["hello", '{"Records": [{}]}']
    [stored] = world.objects.list("s3://lake/alerts/outbox/")
    assert b"dead-letter queue" in world.objects.get(stored.uri)
    assert b"hello" not in world.objects.get(stored.uri)


def test_a_message_whose_file_was_not_registered_is_redelivered(world, monkeypatch) -> None:
    queue = Queue()
    world.land("review", "a", "1")
    queue.send(told(world, "a"))
    with monkeypatch.context() as patched:
        patched.setattr(world.store, "create", away)
        with pytest.raises(UnavailableError):
            world.run(queue=queue)
    assert len(queue.received) == 1
    queue.again()
    assert world.run(queue=queue).registered == 1
    assert queue.received == queue.waiting == []


def test_a_dead_letter_is_alerted_once_even_if_the_process_dies(world, monkeypatch) -> None:
    queue = Queue()
    queue.send("hello")
    with monkeypatch.context() as patched:
        patched.setattr(queue, "refuse", away)
        with pytest.raises(UnavailableError):
            world.run(queue=queue)
    assert len(list(world.objects.list("s3://lake/alerts/outbox/"))) == 1
    queue.again()
    world.run(queue=queue)
    assert queue.dead == ["hello"]
    assert len(list(world.objects.list("s3://lake/alerts/outbox/"))) == 1


def test_a_queue_without_a_dead_letter_queue_is_refused(cloud: Settings) -> None:
    url = client(cloud, "sqs").create_queue(QueueName=f"{cloud.bucket}-alone")["QueueUrl"]
    with pytest.raises(UsageError, match="has no dead-letter queue"):
        SqsQueue(cloud, url)
