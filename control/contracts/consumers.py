"""Add a consumer to the text of a contract without changing the rest of the text."""

import re

from control.contracts import placeholders, skeleton
from control.contracts.source import Document


def with_reader(document: Document, reader: str) -> str | None:
    """Return the contract's text with `reader` added as a consumer, replacing a draft's `to-be-named`.

    Returns None if its consumers are not written one per line, as `- name: …`.
    """
    listed = document.mapping.get("customProperties") or []
    at = next((i for i, item in enumerate(listed) if item.get("property") == "consumers"), None)
    consumers = None if at is None else listed[at].get("value")
    if not isinstance(consumers, list) or not consumers or not isinstance(consumers[0], dict):
        return None
    lines = document.text.splitlines(keepends=True)
    begin = document.mark(("customProperties", at or 0, "value", 0)).line - 1
    start = re.match(r"( *)- (?=name:)", lines[begin])
    if start is None:
        return None
    entry = skeleton.consumer_entry(reader)
    written = [
        f"{start[0] if i == 0 else start[1] + '  '}{key}: {text}\n"
        for i, (key, text) in enumerate(entry.items())
    ]
    end = begin
    if consumers[0].get("name") == placeholders.CONSUMER:
        deeper = re.compile(rf"{start[1]}  ")
        end = next((n for n in range(begin + 1, len(lines)) if not deeper.match(lines[n])), len(lines))
    return "".join([*lines[:begin], *written, *lines[end:]])
