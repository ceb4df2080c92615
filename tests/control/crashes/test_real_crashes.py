"""SIGKILL a real process at its calls to the cloud: after another run, readers find everything once."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

SWEEP = "SWEEP" in os.environ
# The sweep is split into this many tests, which can run in parallel.
PARTS = 8 if SWEEP else 1
# A lower bound for the number of calls of an undisturbed run, asserted below.
CALLS = 76


# A lower bound for the calls of a process that follows killed ones.
LEFT = 24


def cases(seed: int) -> list[str]:
    """Return all single crashes and 500 double ones in a sweep; else 40 crashes that change every day.

    The 40 are in five histories with eight kills each: first anywhere, then during recovery.
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
    sys.stderr.write(done.stderr)  # pytest shows it if the test fails
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_process_killed_at_any_call_neither_loses_nor_duplicates_rows(
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
