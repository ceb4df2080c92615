"""Stray objects under `raw/` that are not ingested: reported once, and remembered until they are gone.

They are in a folder that belongs to no table with a contract, or have a key that does not tell their shape.
All strays of one folder and reason are one incident, until a listing finds none.

Each lister reads the known incidents before it lists the bucket, and changes only incidents that are still as
it read them (the fence of `Stray`). So of concurrent listers only one begins an incident, and a lister that
was presumed dead neither reopens an incident that is over nor ends a later one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from control.errors import ConflictError, printable
from control.ingest import alerts
from control.model import RAW, Finding, Severity, Stray
from control.ports import Parts, StoredObject, every

UNKNOWN_TABLE, KEY = "raw.unknown_table", "raw.key"
EXAMPLES = 3
# At most this many folders without a contract have incidents of their own; all further ones share an
# incident, so that a producer which creates a folder for each object does not cause an alert for each.
MOST_FOLDERS = 20
REST = f"{RAW}…"


@dataclass(slots=True)
class Sightings:
    """The strays that one listing finds, counted by code and folder.

    `apart` are the folders without a contract that have an incident of their own.
    """

    apart: set[str]
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, code: str, key: str, reason: str = "") -> None:
        """Count an object; `reason` says what is wrong with its key."""
        kind = (code, self._place(code, key))
        self.counts[kind] = self.counts.get(kind, 0) + 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(printable(f"{key} ({reason})" if reason else key))

    def strays(self, now: datetime) -> Iterator[Stray]:
        """Yield each kind as the first incident of its folder."""
        for (code, folder), count in sorted(self.counts.items()):
            yield Stray(code, folder, 1, now, count, tuple(self.examples[code, folder]))

    def _place(self, code: str, key: str) -> str:
        folder = printable(folder_of(key))
        if code != UNKNOWN_TABLE or folder in self.apart:
            return folder
        if REST in self.apart or len(self.apart) >= MOST_FOLDERS:
            folder = REST
        self.apart.add(folder)
        return folder


def folder_of(key: str) -> str:
    """Return the folder of `raw/` that an object is in, or `raw/` itself."""
    table, slash, _ = key.removeprefix(RAW).partition("/")
    return f"{RAW}{table}/" if slash else RAW


def remembered(parts: Parts) -> dict[str, Stray]:
    """Return all present and past incidents by id; call this before listing the bucket."""
    return {stray.id: stray for stray in every(parts.store, Stray)}


def standing(parts: Parts) -> list[Stray]:
    """Return the open incidents, by folder, without reading past ones."""
    named = [stray.id for stray in every(parts.store, Stray, place="open")]
    found = parts.store.get_many(Stray, Stray.table, named).values() if named else ()
    return sorted((one for one in found if not one.gone), key=lambda one: (one.folder, one.code))


def sightings(before: Mapping[str, Stray]) -> Sightings:
    """Return empty sightings for a lister that has read the incidents `before`."""
    open_ones = (stray for stray in before.values() if not stray.gone)
    return Sightings({stray.folder for stray in open_ones if stray.code == UNKNOWN_TABLE})


def note(
    seen: Sightings,
    before: Mapping[str, Stray],
    is_covered: Callable[[Stray], bool],
    told: dict[str, Stray],
    parts: Parts,
) -> Iterator[Finding]:
    """Record the strays that a listing has `seen`, close incidents that it did not see, and report new ones.

    `before` are the incidents known before the listing; `is_covered` says whether it covered an incident's
    folder. Yields a finding for each incident seen: an error if it is in `told`, which the caller reported.
    """
    wanted = list(seen.strays(parts.clock.now()))
    now = {one.id: kept for one in wanted if (kept := _remember(one, before.get(one.id), parts))}
    tell([*({**before, **now}).values()], told, parts)
    for old in before.values():
        if not old.gone and is_covered(old) and old.id not in {one.id for one in wanted}:
            with suppress(ConflictError):
                parts.store.update(old, replace(old, count=0, examples=(), gone=True))
    for stray in now.values():
        yield finding(stray, "error" if stray.id in told else "warning")


def record_sighting(code: str, found: StoredObject, reason: str, parts: Parts) -> None:
    """Record a stray from a notification, if the object exists as described; the next pass reports it."""
    before = remembered(parts)
    seen = sightings(before)
    seen.add(code, found.key, reason)
    [one] = seen.strays(parts.clock.now())
    old = before.get(one.id)
    if (old is None or old.gone) and _is_there(found, parts):
        _remember(one, old, parts)


def tell(strays: Iterable[Stray], told: dict[str, Stray], parts: Parts) -> None:
    """Put unreported incidents into the outbox of alerts and into `told`, then mark them as reported.

    After a crash in between they are reported again, with the same alert.
    """
    for stray in strays:
        if not (stray.told or stray.gone):
            key = str(stray.incident)
            alerts.put(alerts.Incident(stray.code, stray.folder, key, message(stray), stray.since), parts)
            told[stray.id] = stray
            with suppress(ConflictError):  # gone meanwhile
                parts.store.update(stray, replace(stray, told=True))


def table_of(stray: Stray) -> str:
    """Return the table that its folder is named after; the folder itself if that names none."""
    name = stray.folder.removeprefix(RAW).removesuffix("/")
    return name if name and stray.folder != REST else stray.folder


def finding(stray: Stray, severity: Severity) -> Finding:
    """Return the finding about one incident."""
    return Finding(stray.code, severity, stray.folder, message(stray))


def unmentioned(told: Mapping[str, Stray], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings about reported incidents that are not among `findings`."""
    mentioned = {(one.code, one.where) for one in findings}
    for stray in told.values():
        if (stray.code, stray.folder) not in mentioned:
            yield finding(stray, "error")


def message(stray: Stray) -> str:
    """Return the message for people: how many, since when, examples, and what to do."""
    if stray.code == KEY:
        problem = "have keys from which the parser cannot tell their format"
        remedy = "land them under other keys (docs/raw-files.md), and delete these"
    else:
        problem = "belong to no table that has a contract"
        remedy = "land them in the folder of a table and delete these, or write a contract: `dm contract new`"
    return (
        f"{stray.count:,} object(s) {problem}, since {stray.since:%Y-%m-%d %H:%M} UTC; for example "
        f"{', '.join(stray.examples)}; nobody ingests them: {remedy}"
    )


def _remember(seen: Stray, old: Stray | None, parts: Parts) -> Stray | None:
    """Record `seen` and return its incident; None if that began and ended after `old` was read."""
    if old is None:
        if parts.store.create(seen):
            return seen
    else:
        again = replace(seen, incident=old.incident + 1)
        wanted = again if old.gone else replace(old, count=seen.count, examples=seen.examples)
        with suppress(ConflictError):
            return old if wanted == old else parts.store.update(old, wanted)
    now = parts.store.get(Stray, seen.table, seen.id)
    return None if now is None or now.gone else now


def _is_there(found: StoredObject, parts: Parts) -> bool:
    """Whether `found` is the newest version of an existing object."""
    try:
        found.key.encode()
    except UnicodeEncodeError:
        return False  # no key in S3
    versions = takewhile(lambda one: one.uri == found.uri, parts.objects.list(found.uri))
    newest = next((one for one in versions if one.is_latest), None)
    return newest is not None and (newest.version_id, newest.etag) == (found.version_id, found.etag)
