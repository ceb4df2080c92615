"""The wall clock."""

import time
from datetime import UTC, datetime


class WallClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """See Clock."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """See Clock."""
        time.sleep(seconds)
