"""Retry calls of a port that were throttled.

The clients already retry a few times within seconds. This covers longer throttling of a whole account: a run
that has just parsed a file should wait rather than fail.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar, cast

from control.errors import ThrottledError
from control.ports import Clock

PortT = TypeVar("PortT")
TRIES = 6
FIRST_WAIT_SECONDS = 0.2


def retrying(port: PortT, methods: tuple[str, ...], clock: Clock, random: Random | None = None) -> PortT:
    """Wrap `port` so that `methods` are tried up to six times, with exponential backoff and jitter.

    Each method must be safe to repeat; a throttled call has had no effect anyway. Raises the last
    ThrottledError.
    """
    chance = random or Random()  # noqa: S311 - for jitter, not for security
    return cast(PortT, _Retrying(port, methods, clock, chance))


class _Retrying:
    def __init__(self, port: object, methods: tuple[str, ...], clock: Clock, chance: Random) -> None:
        self._port = port
        for name in methods:
            setattr(self, name, _again(getattr(port, name), clock, chance))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def _again(method: Callable[..., Any], clock: Clock, chance: Random) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        for tried in range(1, TRIES):
            try:
                return method(*args, **options)
            except ThrottledError:
                clock.sleep(FIRST_WAIT_SECONDS * 2 ** (tried - 1) * (0.5 + chance.random()))
        return method(*args, **options)

    return call
