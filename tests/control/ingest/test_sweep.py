"""Sweep: leftovers of attempts are deleted once no worker can still be using them."""

from dataclasses import replace
from datetime import timedelta

from control.ingest import claim, sweep
from control.ingest.listing import register_listed
from control.ingest.plan import plan
from control.model import Batch
from control.orders import attempt_of

DAY = timedelta(hours=24)


def abandoned(world, table: str = "review", age: timedelta = DAY) -> list[str]:
    """Return the abandoned attempts, after asserting that both ways to look for them agree."""
    quick = [one.attempt for left in sweep.leftovers(table, age, world.parts) for one in left.attempts]
    slow = [one.attempt for left in sweep.all_leftovers(table, age, world.parts) for one in left.attempts]
    assert quick == slow
    return quick


def orphan(world) -> Batch:
    """Create a batch whose worker died in the first attempt after writing something."""
    world.objects._clock = world.clock
    world.land("review", "a", "1")
    register_listed(["review"], world.parts)
    (batch,) = plan("review", world.parts, world.rules)
    held = claim.take(batch, "me", world.parts, world.rules)
    world.objects.put(f"{attempt_of(held, 'lake').bronze}/x-00000.parquet", b"half")
    world.objects.put(attempt_of(held, "lake").document("order.json"), b"{}")
    return held


def test_a_superseded_attempt_is_removed_once_it_is_old(world) -> None:
    held = orphan(world)
    world.clock.sleep(world.rules.lease_seconds + 1)
    world.run()
    assert abandoned(world) == []
    world.clock.sleep(DAY.total_seconds())
    ((left,),) = (found.attempts for found in sweep.leftovers("review", DAY, world.parts))
    assert (left.attempt, len(left.objects), left.size_bytes) == (f"{held.batch_id}-e1", 2, 6)
    assert left.objects[-1].endswith("/order.json")
    assert sweep.sweep(left, world.parts)
    assert abandoned(world) == []
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_an_attempt_that_may_still_be_running_is_kept(world) -> None:
    orphan(world)
    world.clock.sleep(DAY.total_seconds() * 2)
    assert abandoned(world) == []


def test_the_epoch_is_raised_before_a_given_back_attempt_is_removed(world) -> None:
    held = orphan(world)
    claim.give_back(held, "s3 is away", world.parts, world.rules, counts=False)
    world.clock.sleep(DAY.total_seconds() * 2)
    ((left,),) = (found.attempts for found in sweep.leftovers("review", DAY, world.parts))
    assert sweep.sweep(left, world.parts)
    assert world.batches("review")[0].epoch == held.epoch + 1
    world.run()
    assert world.visible("review") == {1: ["1"]}
    world.check()


def test_an_attempt_claimed_again_in_the_meantime_is_not_removed(world) -> None:
    held = orphan(world)
    given = claim.give_back(held, "s3 is away", world.parts, world.rules, counts=False)
    world.clock.sleep(DAY.total_seconds() * 2)
    ((left,),) = (found.attempts for found in sweep.leftovers("review", DAY, world.parts))
    world.store.update(given, replace(given, state="claimed"))
    assert not sweep.sweep(left, world.parts)
    assert list(world.objects.list(left.objects[0]))


def test_published_failed_and_unknown_objects_are_never_swept(world) -> None:
    world.objects._clock = world.clock
    world.land("review", "a", "1", "bad 2")
    world.run()
    world.land("review", "c", "4")
    world.run()
    world.land("review", "poison", "!refuse", "1")
    world.run()
    world.objects.put(f"s3://lake/bronze/review/{'0' * 20}-e1/x", b"of a batch that the store does not know")
    world.objects.put("s3://lake/bronze/review/readme.txt", b"no attempt at all")
    world.clock.sleep(DAY.total_seconds() * 99)
    assert abandoned(world, age=timedelta(0)) == []
    world.check()


class Listed:
    """Wraps an object store and records what was listed."""

    def __init__(self, objects) -> None:
        self.objects, self.listed = objects, []

    def __getattr__(self, name):
        return getattr(self.objects, name)

    def list(self, uri, after=""):
        self.listed.append(uri)
        return self.objects.list(uri, after)


def test_a_sweep_lists_only_possible_leftovers_and_only_once(world) -> None:
    orphan(world)
    for name in "bcdef":
        world.clock.sleep(world.rules.lease_seconds + 1)
        world.land("review", name, "1")
        world.run()
    world.clock.sleep(DAY.total_seconds())
    objects = Listed(world.objects)
    parts = replace(world.parts, objects=objects)
    (left,) = sweep.leftovers("review", DAY, parts)
    assert len(objects.listed) == len(sweep.FOLDERS)
    assert all(left.batch.batch_id in uri for uri in objects.listed)
    assert len(sweep.tidy(left, parts)) == 1
    objects.listed.clear()
    assert list(sweep.leftovers("review", DAY, parts)) == []
    assert objects.listed == []


def test_a_batch_is_checked_again_while_its_leftovers_are_too_young(world) -> None:
    held = orphan(world)
    world.clock.sleep(world.rules.lease_seconds + 1)
    world.run()
    (young,) = sweep.leftovers("review", DAY, world.parts)
    assert (young.attempts, young.are_all, sweep.tidy(young, world.parts)) == ((), False, ())
    world.clock.sleep(DAY.total_seconds())
    assert abandoned(world) == [f"{held.batch_id}-e1"]


def test_leftovers_that_a_zombie_wrote_after_the_sweep_are_found_by_a_full_listing(world) -> None:
    held = orphan(world)
    world.clock.sleep(world.rules.lease_seconds + 1)
    world.run()
    world.clock.sleep(DAY.total_seconds())
    for left in sweep.leftovers("review", DAY, world.parts):
        assert sweep.tidy(left, world.parts)
    world.objects.put(f"{attempt_of(held, 'lake').bronze}/late.parquet", b"late")
    world.clock.sleep(DAY.total_seconds())
    assert list(sweep.leftovers("review", DAY, world.parts)) == []
    (found,) = sweep.all_leftovers("review", DAY, world.parts)
    assert [len(one.objects) for one in sweep.tidy(found, world.parts)] == [1]
    assert list(sweep.all_leftovers("review", DAY, world.parts)) == []
    world.check()
