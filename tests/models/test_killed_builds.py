"""Histories of `dbt build` on the local cloud, some killed, overtaken or refused; no version is half done.

The normal suite runs 5 of them, `make sweep` runs 50 others; `BUILDS_SEED=7` repeats one.
"""

import os
import random
from collections.abc import Iterator

import pytest
from bronze_lake import ROOT, Lake, clean_environment
from forked_dbt import ForkedDbt
from killed_builds import BuildHistory
from reader import Reader

HISTORIES = 5 * int(os.environ.get("SWEEP", "1"))
FIRST = random.randrange(10**6) if HISTORIES > 5 else 1
SEEDS = [int(os.environ["BUILDS_SEED"])] if "BUILDS_SEED" in os.environ else range(FIRST, FIRST + HISTORIES)


@pytest.fixture(scope="module")
def dbt(lake: Lake) -> Iterator[ForkedDbt]:
    # The lease of a killed build expires after a second.
    env = clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint, "DM_BUILD_LEASE_SECONDS": "1"}
    started = ForkedDbt(ROOT, lake.folder, env)
    yield started
    started.close()


@pytest.mark.timeout(600 * HISTORIES)
def test_histories_with_killed_builds_end_right_and_readers_never_see_half_of_anything(
    lake: Lake, dbt: ForkedDbt
) -> None:
    kills, while_running, polls = 0, 0, 0
    for seed in SEEDS:
        lake = lake.emptied()
        life = BuildHistory(lake, dbt, seed)
        with Reader(lake.endpoint, lake.rows) as reader:
            life.live()
        print(f"BUILDS_SEED={seed}: {life.builds} builds, killed at {life.kills}, {reader.polls} polls")
        assert life.differences() == [], f"BUILDS_SEED={seed}"
        assert list(life.half_versions()) == [], f"BUILDS_SEED={seed}"
        assert reader.missing == [], f"BUILDS_SEED={seed}"
        assert reader.failed == [], f"BUILDS_SEED={seed}"
        assert len(reader.seen) == 15
        kills += len(life.kills)
        while_running += life.while_running
        polls += reader.polls
    print(f"{while_running} of {kills} kills while a statement ran; {polls:,} polls")
    assert len(SEEDS) < 5 or while_running >= 0.8 * kills
