"""SIGKILL of a real process at its calls to a cloud: readers find everything once, after another run."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

SWEEP = "SWEEP" in os.environ
# The sweep is cut into so many tests, to run beside each other.
PARTS = 8 if SWEEP else 1
# Below the calls of a run that nobody kills, as the last test sees to.
CALLS = 76


# What a process has left to do at least that follows some that were killed.
LEFT = 24


def cases(seed: int) -> list[str]:
    """All single crashes and 500 double ones; in a normal run 40 crashes, other ones each day.

    Those 40 are in five histories, each of which is killed eight times: first anywhere, then while it heals.
    """
    points = [f"{call}{effect}" for call in range(1, CALLS + 1) for effect in ("", "+")]
    chance = Random(seed)
    if SWEEP:
        return points + [f"{chance.choice(points)},{chance.choice(points)}" for _ in range(500)]
    early = points[: 2 * LEFT]
    return [",".join([chance.choice(points), *chance.sample(early, 7)]) for _ in range(5)]


def live_through(endpoint: str, folder: Path, chosen: list[str]) -> list[dict[str, object]]:
    script = Path(__file__).parent / "crash.py"
    done = subprocess.run(
        [sys.executable, str(script), endpoint, str(folder), *chosen],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sys.stderr.write(done.stderr)  # shown when the test fails: what went wrong in a process
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_process_killed_at_any_call_loses_and_doubles_nothing(
    endpoint: str, tmp_path: Path, part: int
) -> None:
    seed = int(os.environ.get("SEED") or datetime.now(UTC).toordinal())
    chosen = cases(seed)[part::PARTS]
    outcomes = live_through(endpoint, tmp_path, ["0", *chosen])
    assert [outcome["case"] for outcome in outcomes] == ["0", *chosen]
    assert [outcome for outcome in outcomes if outcome["problems"]] == [], f"seed {seed}"
    unharmed, *killed = outcomes
    assert (unharmed["killed"], unharmed["calls"] >= CALLS) == (0, True), unharmed
    assert all(outcome["killed"] for outcome in killed)
    print(f"{sum(int(str(outcome['killed'])) for outcome in killed)} processes were killed")
