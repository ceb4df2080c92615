"""Count what each role has requested since the start: actions by resource, and how many were refused."""

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from localcloud.iam.policies import Need, Verdict

CALLS = "/_localcloud/calls"


@dataclass(slots=True)
class Count:
    """How often one role requested one action on one resource.

    `unjudged` names conditions that cannot be evaluated here.
    """

    times: int = 0
    refused: int = 0
    unjudged: set[str] = field(default_factory=set)


class Calls:
    """The calls of all roles; those of the account's owner are not counted."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], Count] = {}
        self._lock = threading.Lock()

    def note(self, role: str, need: Need, verdict: Verdict) -> None:
        """Count one call."""
        with self._lock:
            count = self._counts.setdefault((role, need.action, need.resource), Count())
            count.times += 1
            count.refused += not verdict.allowed
            count.unjudged |= verdict.unjudged

    def as_json(self) -> list[dict[str, Any]]:
        """Return all counts, ordered by role, action and resource."""
        with self._lock:
            found = sorted((key, asdict(count)) for key, count in self._counts.items())
        return [
            {
                "role": role,
                "action": action,
                "resource": resource,
                **count,
                "unjudged": sorted(count["unjudged"]),
            }
            for (role, action, resource), count in found
        ]
