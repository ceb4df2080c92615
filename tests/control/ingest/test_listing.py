"""When the bucket is listed, and that nothing else reads what was ingested long ago."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from raising import raising

from control.ingest.register import register

broken = raising(KeyboardInterrupt())


def test_with_notifications_the_bucket_is_listed_once_an_hour(world) -> None:
    world.land("review", "a", "1")
    assert world.run(listing="when_due").registered == 1
    world.land("review", "lost", "2")
    world.clock.sleep(3500)
    assert world.run(listing="when_due").registered == 0
    world.clock.sleep(100)
    assert world.run(listing="when_due").registered == 1
    world.check()


def test_a_listing_recorded_by_a_clock_a_year_ahead_is_ignored(world) -> None:
    world.land("review", "a", "1")
    world.run(listing="when_due")
    ahead = world.clock.now() + timedelta(days=365)
    world.store.put(replace(world.head("review"), listed_at=ahead))
    world.land("review", "lost", "2")
    assert world.run(listing="when_due").registered == 1
    assert world.head("review").listed_at == world.clock.now()


def test_an_interrupted_listing_does_not_count(world, monkeypatch) -> None:
    world.land("review", "a", "1")
    with monkeypatch.context() as patched:
        patched.setattr(world.objects, "list", broken)
        with pytest.raises(KeyboardInterrupt):
            world.run(listing="when_due")
    assert world.run(listing="when_due").registered == 1


def test_recording_a_listing_keeps_a_concurrent_publication(world, monkeypatch) -> None:
    """Another worker publishes at the same time: neither overwrites what the other wrote."""
    world.land("review", "a", "1")
    world.run()
    head, update = world.head("review"), world.store.update

    def after_another(old: Any, new: Any) -> Any:
        if world.head("review") == head:
            world.store.put(replace(head, number=7))
        return update(old, new)

    monkeypatch.setattr(world.store, "update", after_another)
    world.run(mode="once", listing="when_due")
    assert world.head("review") == replace(head, number=7, listed_at=world.clock.now())


def test_the_cost_of_a_delivery_does_not_depend_on_earlier_ones(world, monkeypatch) -> None:
    world.land("review", "first", "1")
    world.run()
    costs = [cost_of_five_files(world, "few", monkeypatch)]
    for number in range(300):
        world.land("review", f"old{number}", "1")
    world.run()
    costs.append(cost_of_five_files(world, "many", monkeypatch))
    assert costs[0] == costs[1]
    assert costs[0]["items"] < 20


def cost_of_five_files(world, name: str, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count calls and items read, from the notifications of five files to their publication."""
    world.run(listing="when_due")
    found = []
    for number in range(5):
        world.land("review", f"{name}{number}", "1")
        found += world.objects.list(f"s3://lake/raw/review/{name}{number}.json.gz")
    seen: Counter[str] = Counter()
    with monkeypatch.context() as patched:
        for method in ("get", "create", "update", "query", "etags"):
            patched.setattr(world.store, method, counted(getattr(world.store, method), method, seen))
        patched.setattr(world.objects, "list", counted(world.objects.list, "list", seen))
        for one in found:
            register("review", one, world.parts)
        [batch] = world.run(listing="when_due").batches
    assert len(batch.file_ids) == 5
    return seen


def counted(method: Callable[..., Any], name: str, seen: Counter[str]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        answer = method(*args, **options)
        seen[name] += 1
        seen["items"] += len(answer.items) if name == "query" else 0
        return answer

    return call
