"""SQS: a waiting receiver must not block senders, and a queue is saved without its lock."""

from threading import Condition
from typing import Any

from moto.sqs.models import Queue

from localcloud.aws.patches.replacing import add, replace
from localcloud.aws.turns import Turns


def apply(turns: Turns) -> None:
    """Let other requests run while a receiver waits."""
    original = Queue.wait_for_messages

    def wait_for_messages(queue: Any, timeout: int) -> None:
        with turns.aside():
            original(queue, timeout)

    replace(Queue, wait_for_messages=wait_for_messages)
    add(Queue, __getstate__=_state, __setstate__=_set_state)


def _state(queue: Any) -> dict[str, Any]:
    return {name: value for name, value in queue.__dict__.items() if name != "_messages_lock"}


def _set_state(queue: Any, state: dict[str, Any]) -> None:
    queue.__dict__.update(state)
    queue._messages_lock = Condition()
