"""Random histories of the real core under all faults at once: nothing lost or duplicated, no gaps.

The seeds change every day, so that each day tries other histories and a rerun tries the same ones.
"""

import os
from datetime import timedelta

from faults import Rates
from history import TABLES, History
from seeds import first_seed
from simulate import simulate

from control.ingest.sweep import all_leftovers, leftovers

HISTORIES = 100_000 if "SWEEP" in os.environ else 2_000


def test_no_history_loses_or_duplicates_a_record() -> None:
    first = first_seed()
    outcome = simulate(first, HISTORIES)
    if outcome.error is not None:
        replay = f".venv/bin/python tests/control/simulation/simulate.py --seed {outcome.seed}"
        raise AssertionError(f"seed {outcome.seed}: {outcome.error}; replay it: {replay}") from outcome.error
    assert outcome.histories == HISTORIES


def test_a_seed_always_gives_the_same_history() -> None:
    for seed in range(40):
        first, second = History(seed), History(seed)
        first.run()
        second.run()
        assert (first.turns.steps, first.turns.now) == (second.turns.steps, second.turns.now)
        assert first.settled() == second.settled()


def test_a_history_leaves_no_thread_behind() -> None:
    """A thread that waits forever keeps its history in memory: a hundred thousand of them took 950 MB."""
    for seed in range(60):
        history = History(seed)
        history.rates = Rates(held=0.1)
        history.run()
        assert history.turns.unfinished == [], seed


def test_the_quick_search_for_leftovers_finds_all_of_them() -> None:
    left = 0
    for seed in range(60):
        history = History(seed)
        history._sweep = lambda parts: None  # type: ignore[method-assign]
        history.run()
        history.store.catch_up()
        parts = history.parts(Rates())
        for table in TABLES:
            quick, slow = (
                [one.attempt for found in look(table, timedelta(0), parts) for one in found.attempts]
                for look in (leftovers, all_leftovers)
            )
            assert quick == slow, seed
            left += len(slow)
    assert left > 60


def test_the_histories_are_eventful() -> None:
    """The simulation must exercise what it is for: takeovers, splits, failures, overwritten keys, zombies."""
    seen: dict[str, int] = {}
    for seed in range(400):
        history = History(seed)
        history.run()
        for name, happened in history.happenings().items():
            seen[name] = seen.get(name, 0) + happened
    assert min(seen.values()) >= 5, seen
