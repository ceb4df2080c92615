"""Bugs that tests plant into copies of source files: how to write one, and which are planted today."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

A_DAY = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace every `old` in a file by `new`; `old` must occur."""

    file: str
    old: str
    new: str

    def on(self, text: str) -> str:
        assert self.old in text, f"{self.file} no longer contains the text to edit: plant the bug again"
        return text.replace(self.old, self.new)


def chosen(bugs: Iterable[str]) -> list[str]:
    """Return all bugs in a sweep, else those that PLANTED names, else today's."""
    names = sorted(bugs)
    if "SWEEP" in os.environ:
        return names
    if "PLANTED" in os.environ:
        return os.environ["PLANTED"].split(",")
    first = datetime.now(UTC).toordinal() * A_DAY
    return [names[(first + at) % len(names)] for at in range(A_DAY)]
