"""Let threads make what another takes, in order and never far ahead."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from queue import Queue, SimpleQueue
from threading import Thread
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class _End:
    """Stands behind the last item; `error` is what ended them early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterable[_Item]) -> Iterator[Iterator[_Item]]:
    """The same items, made by a thread of its own: while one is in use, one waits and one is being made.

    What making them raises is raised in its place among them. At the end of the context the thread has ended,
    whether all items were taken or not. Inflating, reading and writing let each other run: Arrow and isal
    hold no lock while they work.
    """
    waiting: Queue[_Item | _End] = Queue(maxsize=1)
    stopped = False

    def make() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if stopped:
                    return
                waiting.put(item)
        except BaseException as raised:  # raised again by whoever takes
            error = raised
        finally:
            waiting.put(_End(error))

    def take() -> Iterator[_Item]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        waiting.put(item)
        if item.error is not None:
            raise item.error

    thread = Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stopped = True
        while not isinstance(waiting.get(), _End):
            pass
        thread.join()


@contextmanager
def spread(items: Iterable[_Item], works: Sequence[Callable[[_Item], _Made]]) -> Iterator[Iterator[_Made]]:
    """What `works`, each in a thread of its own, make of `items` in turn, in the order of the items.

    A work gets the same items each time, so that it may remember what it saw and still gives the same.
    As many items are in hand as there are works. Errors of either come in their place, and at the end of the
    context the threads have ended.
    """
    end = object()
    inboxes: list[SimpleQueue[object]] = [SimpleQueue() for _ in works]
    with ExitStack() as stack:
        made = [
            stack.enter_context(ahead(map(work, iter(inbox.get, end))))  # type: ignore[arg-type]
            for work, inbox in zip(works, inboxes, strict=True)
        ]
        try:
            yield _in_turn(items, inboxes, made)
        finally:
            for inbox in inboxes:
                inbox.put(end)


def _in_turn(
    items: Iterable[_Item], inboxes: Sequence["SimpleQueue[object]"], made: Sequence[Iterator[_Made]]
) -> Iterator[_Made]:
    sent = taken = 0
    error: Exception | None = None
    source = iter(items)
    while True:
        try:
            item = next(source)
        except StopIteration:
            break
        except Exception as raised:  # raised again behind what the items before it gave
            error = raised
            break
        inboxes[sent % len(inboxes)].put(item)
        sent += 1
        if sent - taken == len(made):
            yield next(made[taken % len(made)])
            taken += 1
    while taken < sent:
        yield next(made[taken % len(made)])
        taken += 1
    if error is not None:
        raise error
