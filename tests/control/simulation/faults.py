"""The faults of a call to a port, and the wrapper that injects them."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import accumulate
from random import Random
from typing import Any

from turns import Turns

from control.errors import ThrottledError, UnavailableError


class Killed(BaseException):
    """The process was killed."""


@dataclass(frozen=True)
class Rates:
    """The probability of each fault per call. Most histories have few kinds of faults, some have none."""

    killed_before: float = 0.0
    killed_after: float = 0.0
    throttled: float = 0.0
    response_lost: float = 0.0
    # A retry by the adapter: the call takes effect, others continue, and it is repeated.
    made_twice: float = 0.0
    frozen: float = 0.0
    held: float = 0.0


def draw(random: Random) -> Rates:
    """Draw the rates of one history."""
    if random.random() < 0.05:
        return Rates()
    scale = random.choice([0.005, 0.03, 0.1])
    return Rates(**{f.name: scale * random.random() for f in fields(Rates) if random.random() < 0.5})


class World:
    """Makes calls with faults on behalf of one process."""

    def __init__(self, turns: Turns, rates: Rates, lease_seconds: float) -> None:
        self._turns, self._lease = turns, lease_seconds
        # The upper end of each fault's share of the range 0 to 1, and the fault.
        ends = accumulate(getattr(rates, f.name) for f in fields(Rates))
        self._faults = [
            (end, getattr(self, f"_{f.name}")) for f, end in zip(fields(Rates), ends, strict=True)
        ]
        self.dead = False

    def call(self, effect: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Make a call; other workers may come first, and a fault may happen."""
        if self.dead:
            raise Killed
        self._turns.step()
        drawn = self._turns.random.random()
        if drawn >= self._faults[-1][0]:
            return effect(*args, **options)
        fault = next(fault for end, fault in self._faults if drawn < end)
        return fault(lambda: effect(*args, **options))

    def _killed_before(self, effect: Callable[[], Any]) -> Any:
        self.dead = True
        raise Killed

    def _killed_after(self, effect: Callable[[], Any]) -> Any:
        self.dead = True
        effect()
        raise Killed

    def _throttled(self, effect: Callable[[], Any]) -> Any:
        raise ThrottledError("slow down")

    def _response_lost(self, effect: Callable[[], Any]) -> Any:
        effect()
        self._turns.step()
        raise UnavailableError("no answer came")

    def _made_twice(self, effect: Callable[[], Any]) -> Any:
        effect()
        self._turns.sleep(self._lease * self._turns.random.random() * 0.1)
        return effect()

    def _frozen(self, effect: Callable[[], Any]) -> Any:
        self._turns.sleep(self._lease * self._turns.random.random() * 3)
        return effect()

    def _held(self, effect: Callable[[], Any]) -> Any:
        self._turns.hold()
        return effect()


class Port:
    """A port whose methods are all called through `world`; lazy results are read at once."""

    def __init__(
        self, inner: Any, world: World, methods: tuple[str, ...], lazy: tuple[str, ...] = ()
    ) -> None:
        for name in methods:
            setattr(self, name, _method(getattr(inner, name), world, lazy=name in lazy))


def _method(effect: Callable[..., Any], world: World, *, lazy: bool) -> Callable[..., Any]:
    if lazy:
        return lambda *args, **options: iter(world.call(lambda: list(effect(*args, **options))))
    return lambda *args, **options: world.call(effect, *args, **options)
