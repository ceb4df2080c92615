"""Requests take turns: one at a time, except while one waits for another."""

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """A lock around each request to a kept service, and around the making of a snapshot."""

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
        """Let others pass meanwhile: for a request that waits for what another one brings."""
        held = self._held
        for _ in range(held):
            self._lock.release()
        try:
            yield
        finally:
            for _ in range(held):
                self._lock.acquire()
