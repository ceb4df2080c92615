"""Many concurrent workers, and many that were presumed dead: each file is published once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from faults import Rates
from history import History
from seeds import first_seed

SWEEP = "SWEEP" in os.environ
ROUNDS = 20 if SWEEP else 5
ZOMBIES = 10_000 if SWEEP else 1_000


@contextmanager
def repeatable(seed: int, test: str) -> Iterator[None]:
    """Add to an error how to repeat it."""
    try:
        yield
    except Exception as error:
        again = f"SEED={seed} .venv/bin/pytest tests/control/simulation/test_crowds.py -k {test}"
        raise AssertionError(f"seed {seed}: {error}; repeat it: {again}") from error


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_24_workers_on_200_files_publish_each_once(round_: int) -> None:
    seed = first_seed() + round_
    with repeatable(seed, "24_workers and 0"):
        crowd = History(seed)
        crowd.rates, crowd.forgetful, crowd.poisonous = Rates(), 0.0, 0.0
        # After half of all calls another worker is next: a crowd, not a queue.
        crowd.turns.stick, crowd.turns.most_steps = 0.5, 400_000
        crowd.rules = replace(crowd.rules, light_files=3, planned_files=10_000)
        for number in range(200):
            crowd.land("review", f"{number}")
        for number in range(24):
            crowd.turns.spawn(f"worker {number}", crowd.work)
        crowd.calm_down()
        batches = [batch for batch in crowd.batches("review") if batch.state == "published"]
        published = [file_id for batch in batches for file_id in batch.file_ids]
        assert (len(published), len(set(published))) == (200, 200)
        # Proof that they competed for the same batches instead of running one after another.
        assert crowd.store.conflicts > 24


def test_zombies_change_nothing() -> None:
    """Each history asserts that settled state stays the same whichever zombies return."""
    zombies, seed = 0, first_seed()
    while zombies < ZOMBIES:
        with repeatable(seed, "zombies"):
            history = History(seed)
            history.rates = Rates(held=0.03, frozen=0.01)
            history.run()
        zombies += history.turns.thawed
        seed += 1
