"""The seeds of a test run: they change every day and stay the same all day."""

import os
from datetime import UTC, datetime

# So many that the seeds of one day never reach those of the next.
SEEDS_A_DAY = 1_000_000


def first_seed() -> int:
    """Return the first seed of the day, or SEED, which repeats that of another day."""
    return int(os.environ.get("SEED") or datetime.now(UTC).toordinal() * SEEDS_A_DAY)
