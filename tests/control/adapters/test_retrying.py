from datetime import UTC, datetime
from random import Random

import pytest

from control.adapters.memory import MemoryClock, MemoryObjects
from control.adapters.retrying import TRIES, retrying
from control.errors import ThrottledError, UnavailableError

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Busy(MemoryObjects):
    """An object store whose first calls fail."""

    def __init__(self, refusals: int, error: type[Exception] = ThrottledError) -> None:
        super().__init__()
        self.left, self.error, self.calls = refusals, error, 0

    def get(self, uri: str) -> bytes:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error("not now")
        return super().get(uri)


def waits(refusals: int, seed: int = 0) -> float:
    clock, busy = MemoryClock(NOON), Busy(refusals)
    busy.put("s3://lake/a", b"x")
    assert retrying(busy, ("get",), clock, Random(seed)).get("s3://lake/a") == b"x"
    assert busy.calls == refusals + 1
    return (clock.now() - NOON).total_seconds()


def test_a_throttled_call_is_retried_with_exponential_backoff() -> None:
    assert waits(0) == 0
    for seed in range(20):
        assert 0.1 <= waits(1, seed) <= 0.3
        assert 3.1 <= waits(5, seed) <= 9.3
    assert len({waits(1, seed) for seed in range(20)}) > 10, "spread"


def test_a_call_fails_after_six_tries() -> None:
    busy = Busy(TRIES)
    with pytest.raises(ThrottledError):
        retrying(busy, ("get",), MemoryClock(NOON)).get("s3://lake/a")
    assert busy.calls == TRIES == 6


def test_an_unreachable_service_is_not_retried() -> None:
    busy = Busy(1, UnavailableError)
    with pytest.raises(UnavailableError):
        retrying(busy, ("get",), MemoryClock(NOON)).get("s3://lake/a")
    assert busy.calls == 1


def test_methods_that_are_not_named_are_not_retried() -> None:
    busy = Busy(0)
    retrying(busy, ("get",), MemoryClock(NOON)).put("s3://lake/a", b"x")
    assert busy.get("s3://lake/a") == b"x"
