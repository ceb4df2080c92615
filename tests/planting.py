"""Bugs that tests plant into copies of sources: how one is written down, and which are planted today."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

A_DAY = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """`old` becomes `new` in a file, wherever it stands there; it must."""

    file: str
    old: str
    new: str

    def on(self, text: str) -> str:
        assert self.old in text, f"{self.file} has no longer what was to be edited: plant the bug anew"
        return text.replace(self.old, self.new)


def chosen(bugs: Iterable[str]) -> list[str]:
    """All bugs in a sweep, those of PLANTED, or the ones of today."""
    names = sorted(bugs)
    if "SWEEP" in os.environ:
        return names
    if "PLANTED" in os.environ:
        return os.environ["PLANTED"].split(",")
    first = datetime.now(UTC).toordinal() * A_DAY
    return [names[(first + at) % len(names)] for at in range(A_DAY)]
