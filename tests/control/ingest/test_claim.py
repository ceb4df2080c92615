from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from control.errors import StaleEpochError
from control.ingest import claim
from control.ingest.listing import register_listed
from control.ingest.plan import plan
from control.model import Batch


def pending(world, files: int = 1) -> Batch:
    for number in range(files):
        world.land("review", f"f{number}", str(number))
    register_listed(["review"], world.parts)
    (batch,) = plan("review", world.parts, world.rules)
    return batch


def free_at(batch: Batch, world) -> datetime | None:
    return claim.free_at(batch, world.clock.now(), world.rules)


def test_a_claim_raises_the_epoch_and_counts_the_attempt(world) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    assert (held.state, held.epoch, held.attempts, held.owner) == ("claimed", 1, 1, "me")
    assert free_at(held, world) == world.clock.now() + timedelta(seconds=world.rules.lease_seconds)


def test_one_of_two_rivals_wins(world) -> None:
    batch = pending(world)
    assert claim.take(batch, "one", world.parts, world.rules) is not None
    assert claim.take(batch, "two", world.parts, world.rules) is None


def test_a_heartbeat_renews_the_lease_once_half_of_it_is_gone(world) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    beat = claim.heartbeat(held, world.parts, world.rules)
    beat()
    assert world.store.get(Batch, "review", held.batch_id) == held
    world.clock.sleep(world.rules.lease_seconds / 2)
    beat()
    renewed = world.store.get(Batch, "review", held.batch_id)
    assert renewed == replace(
        held, lease_expires_at=world.clock.now() + timedelta(seconds=world.rules.lease_seconds)
    )


def test_the_heartbeat_of_a_zombie_raises(world) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    beat = claim.heartbeat(held, world.parts, world.rules)
    world.clock.sleep(world.rules.lease_seconds)
    claim.take(held, "rival", world.parts, world.rules)
    with pytest.raises(StaleEpochError):
        beat()


@pytest.mark.parametrize(("ahead", "waits"), [(3_500, True), (3_700, False)])
def test_times_that_only_a_wrong_clock_can_have_set_are_ignored(world, ahead: int, waits: bool) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    lease = world.clock.now() + timedelta(seconds=ahead)
    for left in (
        replace(held, lease_expires_at=lease),
        replace(held, state="pending", lease_expires_at=None, not_before=lease),
        replace(held, state="pending", lease_expires_at=None, created_at=lease),
    ):
        assert free_at(left, world) == (lease if waits else world.clock.now())


def test_a_zombie_cannot_even_report_an_error(world) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    rival = claim.take(held, "rival", world.parts, world.rules)
    with pytest.raises(StaleEpochError):
        claim.give_back(held, "late", world.parts, world.rules, counts=True)
    assert world.store.get(Batch, "review", held.batch_id) == rival


def test_a_batch_given_back_waits_longer_each_time(world) -> None:
    batch = pending(world)
    waits = []
    for _ in range(3):
        held = claim.take(batch, "me", world.parts, world.rules)
        batch = claim.give_back(held, "oh", world.parts, world.rules, counts=True)
        waits.append((free_at(batch, world) - world.clock.now()).total_seconds())
    assert 0.5 <= waits[0] < 1 <= waits[1] < 2 <= waits[2] < 4
    assert (batch.state, batch.epoch, batch.attempts, batch.error) == ("pending", 3, 3, "oh")


def test_an_attempt_that_does_not_count_still_raises_the_epoch(world) -> None:
    held = claim.take(pending(world), "me", world.parts, world.rules)
    batch = claim.give_back(held, "s3 is away", world.parts, world.rules, counts=False)
    assert (batch.epoch, batch.attempts, free_at(batch, world)) == (1, 0, world.clock.now())


def test_a_batch_of_several_files_is_split_after_repeated_failures(world) -> None:
    batch = pending(world, files=2)
    for _ in range(world.rules.split_after):
        batch = claim.take(batch, "me", world.parts, world.rules)
    assert claim.take(batch, "me", world.parts, world.rules).state == "splitting"


def test_a_batch_of_one_file_fails_when_its_attempts_are_used_up(world) -> None:
    batch = pending(world)
    for _ in range(world.rules.max_attempts):
        batch = claim.take(batch, "me", world.parts, world.rules)
    failed = claim.take(batch, "me", world.parts, world.rules)
    assert (failed.state, failed.epoch, failed.needs_work) == ("failed", world.rules.max_attempts, False)


def test_a_split_gives_each_file_its_own_batch_and_is_idempotent(world) -> None:
    batch = pending(world, files=3)
    splitting = world.store.update(batch, replace(batch, state="splitting"))
    children = claim.split(splitting, world.parts)
    assert [len(child.file_ids) for child in children] == [1, 1, 1]
    assert {f.batch_id for f in world.files("review").values()} == {c.batch_id for c in children}
    assert claim.split(splitting, world.parts) == ()
    assert sorted(b.state for b in world.batches("review")) == ["pending"] * 3 + ["split"]


def test_a_split_ignores_files_of_other_batches(world) -> None:
    batch = pending(world, files=2)
    file = world.files("review")["f0"]
    world.store.update(file, replace(file, batch_id="another"))
    splitting = world.store.update(batch, replace(batch, state="splitting"))
    (child,) = claim.split(splitting, world.parts)
    assert child.file_ids == (world.files("review")["f1"].file_id,)


def test_a_split_includes_files_that_its_planner_had_not_assigned_yet(world) -> None:
    batch = pending(world, files=2)
    for file in world.files("review").values():
        world.store.update(file, replace(file, batch_id=None))
    splitting = world.store.update(batch, replace(batch, state="splitting"))
    claim.split(splitting, world.parts)
    assert plan("review", world.parts, world.rules) == ()
    world.run()
    assert sorted(world.visible("review").values()) == [["0"], ["1"]]
    world.check()
