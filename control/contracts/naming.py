"""Name a reader among the consumers of a contract, and leave all else of its text as people wrote it."""

import re

from control.contracts import drafted, skeleton
from control.contracts.source import Document


def named(document: Document, reader: str) -> str | None:
    """The text of a contract with `reader` among its consumers, in the place of a draft's `to-be-named`.

    None when its consumers are not written one below the other, as `- name: …`.
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
    if consumers[0].get("name") == drafted.CONSUMER:
        deeper = re.compile(rf"{start[1]}  ")
        end = next((n for n in range(begin + 1, len(lines)) if not deeper.match(lines[n])), len(lines))
    return "".join([*lines[:begin], *written, *lines[end:]])
