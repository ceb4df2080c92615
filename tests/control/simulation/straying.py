"""A producer of stray objects: they come and go, and there is one alert each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import notifications
from fakes import WrongError

from control.ingest.events import register_all
from control.ingest.strays import KEY, UNKNOWN_TABLE
from control.model import Stray
from control.ports import Parts, StoredObject, every

if TYPE_CHECKING:
    from history import History

FOLDERS = {"raw/wine/": (UNKNOWN_TABLE, ".json"), "raw/beer/": (KEY, ".txt")}


@dataclass
class Straying:
    """The stray objects of a history."""

    history: History
    # How often an object appeared in an empty folder.
    appearances: Counter[str] = field(default_factory=Counter)
    events: list[str] = field(default_factory=list)

    def produce(self) -> None:
        """Write and delete objects; zero, one or two events announce them, late."""
        random = self.history.random
        for _ in range(random.choice([2, 6, 20])):
            self.history.turns.sleep(random.random() * random.choice([0, 5, 100]))
            folder = random.choice(sorted(FOLDERS))
            there = self._objects(folder)
            if there and random.random() < 0.7:
                self.history.objects.delete([found.uri for found in there])
                continue
            self.appearances[folder] += not there
            uri = f"s3://lake/{folder}{int(random.random() * 2)}{FOLDERS[folder][1]}"
            self.history.objects.put(uri, f"{random.random()}".encode())
            found = next(found for found in self._objects(folder) if found.uri == uri)
            self.events += [notifications.event_bridge(found)] * random.choice([0, 1, 2])

    def register(self, parts: Parts) -> None:
        """Handle one of the events, as the register function does."""
        if self.events:
            event = self.events.pop(int(self.history.random.random() * len(self.events)))
            register_all(event, self.history.tables, parts)

    @property
    def came_again(self) -> int:
        """How often a folder was alerted again."""
        return sum(stray.incident - 1 for stray in every(self.history.store, Stray))

    def check(self) -> None:
        """Assert, once everything has calmed down, that existing strays are alerted and gone ones closed."""
        known = {stray.folder: stray for stray in every(self.history.store, Stray)}
        told = Counter(self._alerts())
        for folder, (code, _) in FOLDERS.items():
            stray, there = known.get(folder), self._objects(folder)
            if there and (stray is None or (stray.code, stray.gone, stray.told) != (code, False, True)):
                raise WrongError(f"{folder} has {len(there)} objects, and it is remembered that {stray}")
            if stray is not None and (stray.gone, stray.count) != (not there, len(there)):
                raise WrongError(f"{folder} has {len(there)} objects, and it is remembered that {stray}")
            if told[folder] != (stray.incident if stray else 0) or told[folder] > self.appearances[folder]:
                times = f"{told[folder]} times, and objects appeared {self.appearances[folder]} times"
                raise WrongError(f"{folder} was alerted {times}: {stray}")

    def _objects(self, folder: str) -> list[StoredObject]:
        """Return the strays of a folder; the tables' own files are JSON."""
        found = self.history.objects.list(f"s3://lake/{folder}")
        return [one for one in found if one.is_latest and one.key.endswith(FOLDERS[folder][1])]

    def _alerts(self) -> Iterator[str]:
        for found in self.history.objects.list("s3://lake/alerts/outbox/"):
            incident = json.loads(self.history.objects.get(found.uri))
            if incident["kind"] in (KEY, UNKNOWN_TABLE):
                yield incident["table"]
