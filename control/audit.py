"""The audit trail: who redrove, replayed, waived or let go of what and why; one object each, written once."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from control.errors import UsageError
from control.papers import from_json, to_json
from control.ports import Parts

Action = Literal["redrive", "replay", "waive", "let go", "keep"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed of a person. `subjects` are the ids of the raw files that it was about."""

    action: Action
    table: str
    subjects: tuple[str, ...]
    by: str
    reason: str
    at: datetime


def record(action: Action, table: str, subjects: tuple[str, ...], reason: str, parts: Parts) -> Entry:
    """Write down what is about to be done.

    Before it is done: the trail may name a deed that then failed, but no deed is missing in it. Raises
    UsageError without a reason.
    """
    if not reason.strip():
        raise UsageError(f"a {action} needs a reason", hint="say why with --reason; it is kept")
    entry = Entry(action, table, subjects, parts.settings.actor, reason.strip(), parts.clock.now())
    name = f"{entry.at:%Y%m%dT%H%M%S.%f}-{action.replace(' ', '-')}-{secrets.token_hex(4)}.json"
    parts.objects.create(f"{_folder(table, parts)}{name}", to_json(entry))
    return entry


def trail(table: str, parts: Parts, subject: str | None = None) -> Iterator[Entry]:
    """What was done to `table`, or to one of its raw files, oldest first."""
    for found in parts.objects.list(_folder(table, parts)):
        entry = from_json(Entry, parts.objects.get(found.uri), found.uri)
        if subject is None or subject in entry.subjects:
            yield entry


def _folder(table: str, parts: Parts) -> str:
    return f"s3://{parts.settings.bucket}/audit/{table}/"
