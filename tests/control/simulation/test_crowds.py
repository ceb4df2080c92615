"""Many workers at once, and many that were given up for dead: one publication of each file."""

import os
from dataclasses import replace

import pytest
from faults import Rates
from history import History

SWEEP = "SWEEP" in os.environ


@pytest.mark.parametrize("round_", range(20 if SWEEP else 1))
def test_24_workers_on_200_files_publish_each_once(round_: int) -> None:
    crowd = History(round_, poisonous=0.0)
    crowd.rates, crowd.forgetful, crowd.turns.most_steps = Rates(), 0.0, 200_000
    crowd.rules = replace(crowd.rules, light_files=3, planned_files=10_000)
    for number in range(200):
        crowd.land("review", f"{number}")
    for number in range(24):
        crowd.turns.spawn(f"worker {number}", crowd.work)
    crowd.calm_down()
    batches = [batch for batch in crowd.batches("review") if batch.state == "published"]
    assert sum(len(batch.file_ids) for batch in batches) == 200
    assert len({file_id for batch in batches for file_id in batch.file_ids}) == 200


def test_zombies_change_nothing() -> None:
    """Each history checks it: what is settled stays, whoever comes back from the dead."""
    zombies, seed = 0, 0
    while zombies < (1000 if SWEEP else 100):
        history = History(seed)
        history.rates = Rates(held=0.03, frozen=0.01)
        history.run()
        zombies += history.turns.thawed
        seed += 1
