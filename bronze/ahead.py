"""Let a thread make what another takes, in order and never far ahead."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import TypeVar

_Item = TypeVar("_Item")


class _End:
    """Stands behind the last item; `error` is what ended them early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterable[_Item], *, most: int = 1) -> Iterator[Iterator[_Item]]:
    """The same items, made by a thread of its own: while one is in use, `most` wait and one is being made.

    What making them raises is raised in its place among them. At the end of the context the thread has ended,
    whether all items were taken or not. Inflating, reading and writing let each other run: Arrow and isal
    hold no lock while they work.
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
