"""Rules against cycles: no table is its own source, even indirectly, and foreign keys form no cycle."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from control.contracts.model import LAYERS, Finding
from control.contracts.source import Path
from control.contracts.subject import TABLE, Subject


@dataclass(frozen=True, slots=True)
class _Link:
    """A reference from `start` to `end`, both `layer.table`; the contract `on` states it at `place`."""

    start: str
    end: str
    on: Subject
    place: Path

    def __str__(self) -> str:
        file = self.on.contract.file
        return f"{self.start} -> {self.end} ({file}:{self.on.document.mark(self.place).line})"


def findings(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield each reference that is part of a cycle, with the shortest cycle through it."""
    keys = [link for on in subjects for link in _foreign_keys(on)]
    advice = "no row can be there before the other: remove the relationship of the table that comes first"
    yield from _cycles(keys, "circular-key", advice)
    reads = [link for on in subjects for link in _reads(on)]
    advice = "a table cannot be built from itself: remove the reference that is wrong"
    yield from _cycles(reads, "circular-source", advice)


def _cycles(links: Sequence[_Link], code: str, advice: str) -> Iterator[Finding]:
    ahead: dict[str, list[_Link]] = {}
    for link in links:
        ahead.setdefault(link.start, []).append(link)
    for link in links:
        back = _way(ahead, link.end, link.start)
        if back is not None:
            shown = ", ".join(map(str, [link, *back]))
            yield link.on.finding(code, link.place, f"a cycle of references: {shown}; {advice}")


def _way(ahead: Mapping[str, Sequence[_Link]], start: str, end: str) -> list[_Link] | None:
    """Return the shortest path from `start` to `end`; empty if they are the same, None if there is none."""
    before: dict[str, _Link] = {}
    todo = deque([start])
    while todo:
        here = todo.popleft()
        if here == end:
            way = []
            while here != start:
                way.append(before[here])
                here = before[here].start
            return way[::-1]
        for link in ahead.get(here, ()):
            if link.end != start and link.end not in before:
                before[link.end] = link
                todo.append(link.end)
    return None


def _foreign_keys(on: Subject) -> Iterator[_Link]:
    """Yield relationships to other tables, and of a column to itself; rows of one table may form a tree."""
    start = f"{on.contract.layer}.{on.contract.table}"
    for path, column, _ in on.columns():
        for index, link in enumerate(column.references):
            end = f"{on.contract.layer}.{link.table}"
            if end != start or link.column == column.name:
                yield _Link(start, end, on, (*path, "relationships", index))


def _reads(on: Subject) -> Iterator[_Link]:
    """Yield links to the tables that this one is built from, and from the tables among its consumers."""
    table = f"{on.contract.layer}.{on.contract.table}"
    bronze = on.contract.properties.get("bronze")
    if isinstance(bronze, str):
        yield _Link(table, bronze, on, (*TABLE, "customProperties"))
    for path, column, raw in on.columns():
        for index, name in enumerate(raw.get("transformSourceObjects") or []):
            source, field = ".".join(name.split(".")[:2]), ".".join(name.split(".")[2:])
            if source != table or field == column.name:
                yield _Link(table, source, on, (*path, "transformSourceObjects", index))
    listed = on.data.get("customProperties") or []
    for number, item in enumerate(listed):
        consumers = item["value"] if item["property"] == "consumers" else None
        for index, consumer in enumerate(consumers if isinstance(consumers, list) else []):
            name = consumer.get("name") if isinstance(consumer, dict) else None
            if isinstance(name, str) and name.split(".")[0] in LAYERS:
                place = ("customProperties", number, "value", index, "name")
                yield _Link(name, table, on, place)
