"""The audit trail: who redrove, replayed, rekeyed, waived, let go of or kept what, and why. Append-only."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from control.errors import UsageError
from control.ports import Parts
from control.serialization import from_json, to_json

Action = Literal["redrive", "replay", "rekey", "waive", "let go", "keep"]
# An entry's name begins with its time, by its writer's clock; clocks may differ by up to CLOCKS_APART.
_MOMENT = "%Y%m%dT%H%M%S.%f"
CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One action of a person. `subjects` are the ids of the raw files that it was about.

    `kind` says which of their objects it was about, if not all: `raw`, `bronze` or `quarantine`.
    """

    action: Action
    table: str
    subjects: tuple[str, ...]
    by: str
    reason: str
    at: datetime
    kind: str = ""


def record(
    action: Action, table: str, subjects: tuple[str, ...], reason: str, parts: Parts, kind: str = ""
) -> Entry:
    """Record an action before it is done.

    So the trail may name an action that then failed, but it never lacks one. Raises UsageError if the reason
    is empty or cannot be encoded as UTF-8.
    """
    if not reason.strip():
        raise UsageError(f"a {action} needs a reason", hint="say why with --reason; it is kept")
    entry = Entry(action, table, subjects, parts.settings.actor, reason.strip(), parts.clock.now(), kind)
    name = f"{entry.at:{_MOMENT}}-{_word(action)}-{secrets.token_hex(4)}.json"
    try:
        text = to_json(entry)
    except UnicodeEncodeError as error:  # undecodable bytes from a terminal, or a lone surrogate in JSON
        hint = "write both as UTF-8; nothing was done"
        raise UsageError(f"the reason of the {action}, or DM_ACTOR, is not valid text", hint=hint) from error
    parts.objects.create(f"{_folder(table, parts)}{name}", text)
    return entry


def trail(
    table: str,
    parts: Parts,
    subject: str | None = None,
    *,
    action: Action | None = None,
    since: datetime | None = None,
) -> Iterator[Entry]:
    """Yield the entries about `table`, or about one of its raw files, oldest first.

    `action` and `since` filter by name, without reading the other entries: the trail only grows, and reading
    an entry is one request.
    """
    folder = _folder(table, parts)
    first = f"{since - CLOCKS_APART:{_MOMENT}}" if since else ""
    for found in parts.objects.list(folder):
        name = found.uri.removeprefix(folder)
        if name >= first and (action is None or f"-{_word(action)}-" in name):
            entry = from_json(Entry, parts.objects.get(found.uri), found.uri)
            if subject is None or subject in entry.subjects:
                yield entry


def _word(action: Action) -> str:
    return action.replace(" ", "-")


def _folder(table: str, parts: Parts) -> str:
    return f"s3://{parts.settings.bucket}/audit/{table}/"
