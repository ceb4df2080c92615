"""Stop a worker at every single call to a port, in four ways: nothing is lost, nothing is duplicated.

Each history is deterministic: the n-th call of a run is always the same one. Every call is tried, not a
sample; this takes a few seconds because everything is in memory.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from control.errors import UnavailableError
from control.model import Batch
from control.ports import every


class Killed(BaseException):
    """The process was killed."""


class Tripwire:
    """Wraps the ports of a world and runs `trip` at the n-th call, before or after its effect."""

    def __init__(self, at: int, trip: Callable[[], None], *, after: bool, deadly: bool = False) -> None:
        self.at, self.trip, self.after, self.deadly = at, trip, after, deadly
        self.calls = 0
        self.dead = False

    def wrap(self, world: Any) -> Any:
        """Return the parts of `world` with wrapped store, objects and catalog, also for the engine."""
        objects = _Wrapped(world.objects, self)
        engine = type(world.engine)(objects)
        return replace(
            world.parts,
            store=_Wrapped(world.store, self),
            objects=objects,
            catalog=_Wrapped(world.catalog, self),
            engines={"light": engine, "spark": engine},
        )

    def call(self, effect: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.dead:
            raise Killed
        self.calls += 1
        if self.calls != self.at:
            return effect(*args, **options)
        if not self.after:
            self._trip()
        result = effect(*args, **options)
        if self.after:
            self._trip()
        return result

    def _trip(self) -> None:
        self.dead = self.deadly
        self.trip()


class _Wrapped:
    def __init__(self, inner: Any, wire: Tripwire) -> None:
        self._inner, self._wire = inner, wire

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return lambda *args, **options: self._wire.call(method, *args, **options)


def die() -> None:
    raise Killed


def lose_the_response() -> None:
    raise UnavailableError("no answer came")


WAYS = {
    "killed before the call": (die, {"after": False, "deadly": True}),
    "killed after the call": (die, {"after": True, "deadly": True}),
    "call refused": (lose_the_response, {"after": False}),
    "response lost": (lose_the_response, {"after": True}),
}


def history(new_world: Callable[[], Any]) -> Any:
    """Land two batches of reviews, one with a poison file, and a batch of beers with a control record."""
    world = new_world()
    world.rules = replace(world.rules, light_files=2, max_attempts=9)
    world.land("review", "a", "1", "bad 2")
    world.land("review", "b", "!refuse", "3")
    world.land("review", "c", "4")
    world.land("beer", "a", "5", "ctl:add-column")
    return world


def stop_at(world: Any, at: int, way: str) -> int:
    """Run until the n-th call stops the worker; return how many calls it made."""
    trip, options = WAYS[way]
    wire = Tripwire(at, trip, **options)
    whole, world.parts = world.parts, wire.wrap(world)
    with suppress(Killed, UnavailableError):
        world.run()
    world.parts = whole
    return wire.calls


def wait_for_leases(world: Any) -> None:
    world.clock.sleep(world.rules.lease_seconds + 1)


def length(new_world: Callable[[], Any]) -> int:
    return stop_at(history(new_world), 0, "call refused")


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_stopped_anywhere_neither_loses_nor_duplicates_rows(new_world, way) -> None:
    calls = length(new_world)
    assert calls > 100
    for at in range(1, calls + 1):
        world = history(new_world)
        stop_at(world, at, way)
        world.land("review", "late", "9")
        world.run()
        world.check()
        assert world.visible("beer") == {1: ["5"]}, f"stopped at call {at}"


@pytest.mark.parametrize("way", WAYS)
def test_repeated_stops_after_a_few_calls_lose_nothing(new_world, way) -> None:
    world = history(new_world)
    for run in range(60):
        stop_at(world, 13 + 7 * (run % 5), way)
        wait_for_leases(world)
    world.run()
    world.check()


def test_a_file_that_always_kills_its_worker_fails_and_the_others_are_published(new_world) -> None:
    world = history(new_world)
    world.rules = replace(world.rules, max_attempts=3)
    key = "s3://lake/raw/review/c.json.gz"

    class Deadly:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def run(self, order: Any, beat: Any) -> Any:
            if key in [file.uri for file in order.files]:
                raise Killed
            return self.inner.run(order, beat)

    world.parts = replace(world.parts, engines={"light": Deadly(world.engine)})
    deaths = 0
    while True:
        try:
            world.run()
            break
        except Killed:
            deaths += 1
            wait_for_leases(world)
    assert deaths <= world.rules.split_after + world.rules.max_attempts
    (failed,) = [b for b in world.batches("review") if b.state == "failed" and not b.counts]
    assert failed.file_ids == (world.files("review")["c"].file_id,)
    assert failed.error == "its workers vanished"
    world.check()


def frozen_at(world: Any, at: int, *, after: bool) -> Callable[[], None]:
    """Start a worker that freezes in its n-th call. The returned function lets it continue to its end."""
    stopped, go_on = threading.Event(), threading.Event()
    failure: list[BaseException] = []

    def freeze() -> None:
        stopped.set()
        go_on.wait(30)

    wire = Tripwire(at, freeze, after=after)
    zombie = type(world)(store=world.store, objects=world.objects, catalog=world.catalog, clock=world.clock)
    zombie.rules, zombie.parts = world.rules, wire.wrap(zombie)

    def work() -> None:
        try:
            zombie.run(mode="once")
        except BaseException as error:  # asserted in thaw
            failure.append(error)
        stopped.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert stopped.wait(30)

    def thaw() -> None:
        go_on.set()
        thread.join(30)
        assert not failure, failure

    return thaw


def settled(world: Any) -> Any:
    """Return everything that readers and reports depend on: final batches, heads, partitions."""
    final = [
        b for t in world.tables for b in every(world.store, Batch, t) if b.state in ("published", "failed")
    ]
    return final, [world.head(t) for t in world.tables], dict(world.catalog.partitions)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_zombie_changes_no_settled_state(new_world, after) -> None:
    for at in range(1, length(new_world) + 1):
        world = history(new_world)
        thaw = frozen_at(world, at, after=after)
        wait_for_leases(world)
        world.run()
        before = settled(world)
        thaw()
        assert settled(world) == before, f"frozen at call {at}"
        world.run()
        world.check()


def test_two_interleaved_workers_publish_everything_once(new_world) -> None:
    calls = length(new_world)
    for first in range(1, calls, 5):
        for second in range(first % 7 + 1, calls, 37):
            world = history(new_world)
            thaw_one = frozen_at(world, first, after=first % 2 == 0)
            wait_for_leases(world)
            thaw_two = frozen_at(world, second, after=second % 2 == 0)
            thaw_one()
            thaw_two()
            wait_for_leases(world)
            world.run()
            world.check()
