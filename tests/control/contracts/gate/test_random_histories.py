"""The gate's verdict compared with execution: random contract histories, and rows that show what a step does.

`make sweep` plays ten times as many, new ones each day, and plants all bugs; `GATE_SEED=7` repeats one. The
normal suite plants two bugs, which change every day; `PLANTED="a version goes back"` chooses one.
"""

import os
from datetime import UTC, datetime

import pytest
from planted_gate import BUGS, GATE, caught_by
from planting import chosen
from random_histories import complaints, gate, history

SWEEP = int(os.environ.get("SWEEP", "1"))
HISTORIES = 20 * SWEEP
# The same for all workers of a run; in a sweep, different every day.
FIRST = datetime.now(UTC).toordinal() * HISTORIES if SWEEP > 1 else 1
HUNTED = 60
"""Number of histories, one of which must catch a planted bug."""
SEEDS = [int(os.environ["GATE_SEED"])] if "GATE_SEED" in os.environ else range(FIRST, FIRST + HISTORIES)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gate_predicts_what_happens(seed: int) -> None:
    wrong = list(complaints(history(seed), gate()))
    assert not wrong, "\n".join([f"GATE_SEED={seed}", *wrong])


def test_each_planted_bug_still_applies() -> None:
    for edit in BUGS.values():
        assert edit.on((GATE / edit.file).read_text()) != (GATE / edit.file).read_text()


@pytest.mark.parametrize("name", chosen(BUGS))
def test_a_planted_bug_is_caught(name: str) -> None:
    found = caught_by(name, range(1, HUNTED + 1))
    print(f"{name}: {found}")
    assert found, f"none of {HUNTED} histories catches it"
