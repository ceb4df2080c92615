"""Decide which faults occur now, by counting the occasions of each."""

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from localcloud.faults.rules import DIE, Fault

log = logging.getLogger(__name__)


class Faults:
    """The faults of one part."""

    def __init__(self, rules: Sequence[Fault] = ()) -> None:
        self.rules = tuple(rules)
        self._occasions: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def at_call(self, call: str) -> list[Fault]:
        """Return the faults for this occasion of a call, `service:Operation`."""
        return self._due(lambda rule: rule.fits_call(call), call)

    def at_commit(self, point: str, table: str) -> list[Fault]:
        """Return the faults for this occasion of a point of a commit to `database.table`."""
        return self._due(lambda rule: rule.fits_commit(point, table), f"{point} {table}")

    def _due(self, fits: Callable[[Fault], bool], what: str) -> list[Fault]:
        due = []
        with self._lock:
            for rule in filter(fits, self.rules):
                self._occasions[rule] += 1
                if rule.is_due(self._occasions[rule]):
                    due.append(rule)
        for rule in due:
            log.warning("fault.injected do=%s at=%s", rule.do, what)
        return due


NO_FAULTS = Faults()


def die_if(due: Sequence[Fault]) -> None:
    """Kill this process with SIGKILL if one of the faults says so."""
    if any(fault.do == DIE for fault in due):
        os.kill(os.getpid(), signal.SIGKILL)
