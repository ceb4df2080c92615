"""Which seeds a run of the tests draws: other ones each day, the same ones all day."""

import os
from datetime import UTC, datetime

# So many a day never meet the next day's.
SEEDS_A_DAY = 1_000_000


def first_seed() -> int:
    """The first seed of the day, or the one that SEED names, to repeat what another day drew."""
    return int(os.environ.get("SEED") or datetime.now(UTC).toordinal() * SEEDS_A_DAY)
