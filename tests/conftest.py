"""What holds for all tests: `make test` draws the same examples each time, `make sweep` draws new ones."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # where planting.py is

settings.register_profile("steady", derandomize=True)
settings.register_profile("sweep", print_blob=True)
settings.load_profile("sweep" if "SWEEP" in os.environ else "steady")

# A shell that `dm env` has pointed at a cloud must not decide where a test looks.
for name in [name for name in os.environ if name.startswith(("AWS_", "DM_"))]:
    del os.environ[name]


def pytest_report_header() -> str:
    """Which seeds this run draws, where they change from day to day."""
    day = datetime.now(UTC).toordinal()
    return (
        f"seeds of the day: {day * 1_000_000} for simulated histories and crowds, {day} for crashes of "
        "real processes (SEED=… repeats another day's)"
    )
