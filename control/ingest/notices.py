"""Take notifications of new raw files from a queue: registered first, deleted then."""

from collections.abc import Collection

from control.errors import DataError
from control.ingest import alerts
from control.ingest.events import register_all
from control.model import Finding
from control.ports import Message, Notifications, Parts

# Messages that one pass takes, so that what they tell of is not kept waiting by those behind them.
MOST_MESSAGES = 5_000


def take_in(
    queue: Notifications, tables: Collection[str], parts: Parts, *, others: Collection[str] = ()
) -> int:
    """Register what the messages in `queue` tell of, until it is empty; how many files are new.

    `others` are as in `register_all`.

    A message is deleted once its files are registered; of one that is not deleted, because this process dies
    or the store is away, the queue tells again. One that is no notification of S3 goes to the dead-letter
    queue, and people are told.
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
        # Told before it is moved: dying in between, it comes again, and the alert is the same one.
        problem = "messages that are no notification of S3 were moved to its dead-letter queue"
        alerts.note([Finding("queue.refused", "error", queue.name, problem)], parts)
        queue.refuse(message)
        return 0
    queue.done(message)
    return new
