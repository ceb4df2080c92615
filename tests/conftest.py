"""Settings for all tests: `make test` draws the same examples each time, `make sweep` draws new ones."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # where planting.py is

# No deadlines: a test must not fail because the machine is busy.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", untimed, derandomize=True)
settings.register_profile("sweep", untimed, print_blob=True)
settings.load_profile("sweep" if "SWEEP" in os.environ else "steady")

# Tests must not use a cloud that `dm env` has set in the caller's shell.
for name in [name for name in os.environ if name.startswith(("AWS_", "DM_"))]:
    del os.environ[name]

# The folders of the longest tests.
LONG = ("e2e", "models", "spark")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest tests, so that no process waits for another at the end."""
    folders = tuple(Path(__file__).parent / name for name in LONG)
    items.sort(key=lambda item: not any(folder in item.path.parents for folder in folders))


def pytest_report_header() -> str:
    """Print the seeds that change from day to day."""
    day = datetime.now(UTC).toordinal()
    return (
        f"seeds of the day: {day * 1_000_000} for simulated histories and crowds, {day} for crashes of "
        "real processes (SEED=… repeats another day's)"
    )
