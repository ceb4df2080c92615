"""Produce items in a thread, in order and with a bounded queue."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import TypeVar

_Item = TypeVar("_Item")


class _End:
    """Marks the end of the items; `error` is the exception that ended them early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterable[_Item], *, most: int = 1) -> Iterator[Iterator[_Item]]:
    """Iterate over `items` in a thread of its own: while one is in use, `most` wait and one is being made.

    An exception of `items` is raised at its place in the sequence. At the end of the context the thread has
    ended, whether or not all items were taken. Inflating, reading and writing run in parallel, because Arrow
    and isal release the GIL.
    """
    waiting: Queue[_Item | _End] = Queue(maxsize=most)
    stopped = False

    def make() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if stopped:
                    return
                waiting.put(item)
        except BaseException as raised:  # raised again in the consumer
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
