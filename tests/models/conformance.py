"""Play a history on a lake in memory with builds that are cut, late or repeated, and compare."""

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from memory_lake import MemoryLake, open_lake
from rendering import CONSUMED, GOLD, MODELS, STATES, CrashError, Dbt, Project
from shops import KEYS, ROOT, Batch, History, difference, tables

from bronze import contract
from bronze.events import EVENT_HIVE_COLUMNS

PARTITION = [("ingest_date", "string"), ("batch", "bigint")]


def new_lake(folder: Path) -> MemoryLake:
    """A lake with empty bronze tables."""
    lake = open_lake(folder)
    lake.connection.execute("SET threads = 1")
    for table in KEYS:
        columns = contract.load(ROOT / f"contracts/bronze/{table}.yaml").hive_columns
        lake.create_plain("bronze", table, [*columns, *PARTITION])
        lake.create_plain("bronze", f"{table}_events", [*EVENT_HIVE_COLUMNS, *PARTITION])
    lake.create_plain("ops", "consumed", CONSUMED)
    return lake


# What may go wrong with a build. A play goes through them in turn, so that a few plays see all.
TROUBLES = (
    "a build of silver state only",
    "a build that failed between silver and gold",
    "a build that failed within gold",
    "a crash before any statement",
    "a batch published while a build runs",
    "a rebuild that crashed",
    "none",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a batch became visible: after that many builds, maybe in the middle of the next."""

    table: str
    number: int
    builds: int


class Play:
    """A history on its way into a lake."""

    def __init__(self, history: History, project: Project, folder: Path) -> None:
        self.history = history
        self.chance = Random(history.seed + 1)
        self.lake = new_lake(folder)
        self.dbt = Dbt(project, self.lake)
        self.published: dict[str, list[Batch]] = {table: [] for table in KEYS}
        self.arrivals: list[Arrival] = []
        self.troubles: list[str] = []
        self._statements = 0

    def publish(self, table: str) -> None:
        """Make the next batch of a table visible."""
        self._publish_events(table)
        self._publish_rows(table)

    def _publish_events(self, table: str) -> None:
        """Ingestion registers the events of a batch before its rows: only these show that it is there."""
        number = len(self.published[table]) + 1
        batch = self.history.batches[table][number - 1]
        self.lake.append("bronze", f"{table}_events", number, [event.row for event in batch.events])

    def _publish_rows(self, table: str) -> None:
        batch = self.history.batches[table][len(self.published[table])]
        self.published[table].append(batch)
        number = len(self.published[table])
        self.lake.append("bronze", table, number, batch.rows)
        self.arrivals.append(Arrival(table, number, self.dbt.builds))

    def waiting(self) -> list[str]:
        """Tables that have batches still to come."""
        return [t for t in KEYS if len(self.published[t]) < len(self.history.batches[t])]

    def run(self) -> str:
        """Publish and build at random to the end; where the tables differ from the dictionary, or nothing."""
        for table in KEYS:
            self.publish(table)
        found = self._whole_build()
        while not found and (waiting := self.waiting()):
            for _ in range(self.chance.randint(1, 4)):
                if waiting := self.waiting():
                    self.publish(self.chance.choice(waiting))
            # Committers do not agree about the time.
            self.lake.clock += self.chance.choice([0, 0, 60_000, -20_000])
            self._broken_build()
            if self.chance.random() < 0.5:
                found = self._whole_build()
        return found or self._whole_build() or "".join(self.dbt.waiting())

    def _broken_build(self) -> None:
        """A build that goes wrong in one of the ways that builds do."""
        trouble = TROUBLES[(self.history.seed + len(self.troubles)) % len(TROUBLES)]
        self.troubles.append(trouble)
        match trouble:
            case "a build of silver state only":
                self.dbt.build(*STATES)
            case "a build that failed between silver and gold":
                self.dbt.build(*MODELS[: MODELS.index(GOLD[0])])
            case "a build that failed within gold":
                self.dbt.build(*MODELS[: MODELS.index(GOLD[0])], *self.chance.sample(GOLD, 2))
            case "a crash before any statement":
                self._crashing_build()
            case "a batch published while a build runs":
                self._overtaken_build()
            case "a rebuild that crashed":
                self.dbt.variables = {"rebuild": True}
                self._crashing_build()
                self.dbt.variables = {}

    def _crashing_build(self) -> None:
        self.lake.interruptions = {self.chance.randint(1, self._statements): _crash}
        with contextlib.suppress(CrashError):
            self._build()
        self.lake.interruptions = {}

    def _overtaken_build(self) -> None:
        """The events of a batch become visible at one statement, its rows at a later one."""
        if not (waiting := self.waiting()):
            return
        table = self.chance.choice(waiting)
        early, late = sorted(self.chance.sample(range(1, self._statements), 2))
        self.lake.interruptions = {
            early: partial(self._publish_events, table),
            late: partial(self._publish_rows, table),
        }
        self._build()
        for interruption in self.lake.interruptions.values():  # the build was done before
            interruption()
        self.lake.interruptions = {}

    def _build(self) -> None:
        self.lake.statements = 0
        self.dbt.build()

    def _whole_build(self) -> str:
        self._build()
        self._statements = self.lake.statements
        for name, expected in tables(self.published).items():
            found = difference(self.lake.rows(name), expected)
            if found is not None:
                return f"{name} differs after build {self.dbt.builds}: {found}"
        return ""


def _crash() -> None:
    raise CrashError
