"""What holds for all tests: `make test` draws the same examples each time, `make sweep` draws new ones."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # where planting.py is

# No wall time is asserted: a machine with other work to do is no failure.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", untimed, derandomize=True)
settings.register_profile("sweep", untimed, print_blob=True)
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
