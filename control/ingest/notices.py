"""Consume notifications of new raw files from a queue: register the files, then delete the message."""

from collections.abc import Collection

from control.errors import DataError
from control.ingest import alerts
from control.ingest.events import register_all
from control.model import Finding
from control.ports import Message, Notifications, Parts

# Messages that one pass takes, so that their files do not wait until a long queue is empty.
MOST_MESSAGES = 5_000


def take_in(
    queue: Notifications, tables: Collection[str], parts: Parts, *, others: Collection[str] = ()
) -> int:
    """Register the files named by the messages in `queue`, until it is empty; return how many are new.

    `others` are as in `register_all`.

    A message is deleted once its files are registered; if the process dies or the store is unavailable before
    that, the queue redelivers it. A message that is not an S3 notification goes to the dead-letter queue,
    with an alert.
    """
    new = taken = 0
    while taken < MOST_MESSAGES and (messages := queue.receive()):
        taken += len(messages)
        new += sum(_one(message, queue, tables, parts, others) for message in messages)
    return new


def _one(
    message: Message, queue: Notifications, tables: Collection[str], parts: Parts, others: Collection[str]
) -> int:
    try:
        new = register_all(message.body, tables, parts, others=others)
    except DataError as error:
        parts.say("message.refused", {"queue": queue.name, "id": message.id, "error": error.message})
        # The alert goes first: after a crash in between, the message comes again with the same alert.
        problem = "messages that are not S3 notifications were moved to its dead-letter queue"
        alerts.note([Finding("queue.refused", "error", queue.name, problem)], parts)
        queue.refuse(message)
        return 0
    queue.done(message)
    return new
