"""A producer that reloads a table, correctly or not, and what must result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fakes import WrongError

from control.model import Batch, RawFile, Reload, file_id_of
from control.outcomes import counts_in
from control.ports import every

if TYPE_CHECKING:
    from history import History

POSITION = "0/A"


@dataclass
class Reloading:
    """One reload of `table` in a history."""

    history: History
    table: str
    # The records of each object, in the form in which they must be published.
    records: dict[str, list[str]] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)
    completed: bool = False

    @property
    def folder(self) -> str:
        """The folder of its objects."""
        return f"raw/{self.table}/reload=3/"

    def produce(self) -> None:
        """Land the objects of a reload in any order. Some reloads lack an object, some have one too many."""
        random = self.history.random
        bodies: dict[str, str] = {"_BEGIN": json.dumps({"position": POSITION})}
        self.records[f"{self.folder}_BEGIN"] = ["ctl reload-begin"]
        for number in range(random.choice([1, 2, 3])):
            name = f"{number}.json"
            kinds = random.choices(("row", "bad"), (12, 1), k=random.choice([1, 2]))
            lines = [f"{kind} reload {name} {place}" for place, kind in enumerate(kinds)]
            bodies[name] = "\n".join(lines)
            self.records[f"{self.folder}{name}"] = [f"{line}@{POSITION}" for line in lines]
            if random.random() < 0.9:
                self.listed[f"{self.folder}{name}"] = len(lines)
        if random.random() < 0.1:
            self.listed[f"{self.folder}never.json"] = 1
        version = "v1" if self.history.versioned else "null"
        files = [{"key": key, "version_id": version, "records": n} for key, n in self.listed.items()]
        bodies["_COMPLETE"] = json.dumps({"files": files})
        self.records[f"{self.folder}_COMPLETE"] = [f"ctl reload-complete@{POSITION}"]
        for name in random.sample(sorted(bodies), len(bodies)):
            self.history.turns.sleep(random.random() * random.choice([0, 5, 100]))
            self.history.put(self.table, f"{self.folder}{name}", bodies[name].encode())

    def check_order(self, number: int) -> None:
        """Assert that every listed file was published without refusals before batch `number`."""
        if self.completed:
            return  # a replay publishes it again
        self.completed = True
        batches = {batch.batch_id: batch for batch in every(self.history.store, Batch, self.table)}
        for key, records in self.listed.items():
            file = self._file(key)
            if file is None or not any(
                (batch.number or number) < number and counts.rows == counts.records == records
                for batch in batches.values()
                if (counts := counts_in(batch, file)) is not None
            ):
                raise WrongError(f"the reload was completed in batch {number} without {key}")

    def check(self) -> None:
        """Assert, once everything has calmed down, that the reload is complete unless it must not be."""
        lines = [line for key in self.listed for line in self.records.get(key, ["bad: it never came"])]
        spoilt = any(line.startswith("bad") for line in lines)
        unlisted = len(self.records) - 2 != len(self.listed.keys() & self.records.keys())
        if self.completed and spoilt:
            raise WrongError("a reload was completed that lacks records")
        if not self.completed and not spoilt and not unlisted:
            raise WrongError("a reload was not completed")

    def wanted(self, owner: dict[str, Batch]) -> Iterator[str]:
        """Yield every record of the reload that must have been published or refused."""
        reload = self.history.store.get(Reload, self.table, self.folder)
        if reload is None or reload.position != POSITION:
            raise WrongError(f"the reload was not begun: {reload}")
        for key, records in self.records.items():
            file = self._file(key)
            if file is None:
                raise WrongError(f"{key} was never registered")
            if file.batch_id is None:
                # It waits for something that never comes, or it came too late.
                late = reload.complete and key not in self.listed
                if file.format != "complete" and not late:
                    raise WrongError(f"{key} was never taken up")
                continue
            for _ in range(self.history.answers(file, owner)):
                yield from records

    def _file(self, key: str) -> RawFile | None:
        version = "v1" if self.history.versioned else "null"
        return self.history.store.get(RawFile, self.table, file_id_of("lake", key, version))
