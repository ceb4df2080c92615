"""Run requests one at a time, except while one waits for another."""

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """The lock that each request to a kept service, and each snapshot, holds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = threading.local()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth.value = self._held + 1

    def __exit__(self, *_: object) -> None:
        self._depth.value -= 1
        self._lock.release()

    @property
    def _held(self) -> int:
        depth: int = getattr(self._depth, "value", 0)
        return depth

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Release the lock meanwhile, for a request that waits for the effect of another one."""
        held = self._held
        for _ in range(held):
            self._lock.release()
        try:
            yield
        finally:
            for _ in range(held):
                self._lock.acquire()
