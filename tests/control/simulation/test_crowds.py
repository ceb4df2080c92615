"""Many workers at once, and many that were given up for dead: one publication of each file."""

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
    """Say on a failure how to see the same again."""
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
        # Half of all calls are followed by another worker's: a crowd, not a queue.
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
        # Together, not one after another: they want the same batches at the same time.
        assert crowd.store.conflicts > 24


def test_zombies_change_nothing() -> None:
    """Each history checks it: what is settled stays, whoever comes back from the dead."""
    zombies, seed = 0, first_seed()
    while zombies < ZOMBIES:
        with repeatable(seed, "zombies"):
            history = History(seed)
            history.rates = Rates(held=0.03, frozen=0.01)
            history.run()
        zombies += history.turns.thawed
        seed += 1
