"""The simulation catches bugs: each is planted into a copy of the core, and most seeds catch it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted import BUGS

SWEEP = "SWEEP" in os.environ
# In a sweep, 3 of 5 seeds must catch each bug within the number of histories of a normal run; a normal run
# itself tries seeds until one catches it.
SEEDS, ENOUGH = 5, 3 if SWEEP else 1
HISTORIES = 2_000


@pytest.fixture(scope="module")
def caught() -> dict[str, list[int | None]]:
    planted = Path(__file__).parent / "planted.py"
    options = {"seeds": SEEDS, "histories": HISTORIES, "enough": ENOUGH}
    given = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(planted), *given]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {line["bug"]: line["caught_after"] for line in map(json.loads, done.stdout.splitlines())}


def test_there_are_enough_bugs() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 14


@pytest.mark.parametrize("bug", [bug.name for bug in BUGS])
def test_a_planted_bug_is_caught(caught: dict[str, list[int | None]], bug: str) -> None:
    found = [histories for histories in caught[bug] if histories is not None]
    assert len(found) >= ENOUGH, f"{len(found)} of {SEEDS} seeds caught it: {caught[bug]}"
