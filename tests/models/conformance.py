"""Play a history on a lake in memory with builds that are cut, late or repeated, and compare."""

from pathlib import Path
from random import Random

from memory_lake import MemoryLake, open_lake
from rendering import CONSUMED, FLAT, GOLD, MODELS, STATES, CrashError, Dbt, Project
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


class Play:
    """A history on its way into a lake."""

    def __init__(self, history: History, project: Project, folder: Path) -> None:
        self.history = history
        self.chance = Random(history.seed + 1)
        self.lake = new_lake(folder)
        self.dbt = Dbt(project, self.lake)
        self.published: dict[str, list[Batch]] = {table: [] for table in KEYS}

    def publish(self, table: str) -> None:
        """Make the next batch of a table visible."""
        batch = self.history.batches[table][len(self.published[table])]
        self.published[table].append(batch)
        number = len(self.published[table])
        self.lake.append("bronze", table, [{**row, "batch": number} for row in batch.rows])
        events = [{**event.row, "batch": number} for event in batch.events]
        self.lake.append("bronze", f"{table}_events", events)

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
        return found or self._whole_build()

    def _broken_build(self) -> None:
        """A build that goes wrong in one of the ways that builds do."""
        match self.chance.choice(["silver only", "no gold", "some gold", "crash", "late batch", "none"]):
            case "silver only":
                self.dbt.build(*STATES)
            case "no gold":
                self.dbt.build(*MODELS[:10])
            case "some gold":
                self.dbt.build(*MODELS[:10], *self.chance.sample(GOLD, 2))
            case "crash":
                at = self.chance.choice([*STATES, FLAT, *GOLD])
                try:
                    self.dbt.build(crash_after=at)
                except CrashError:
                    return
            case "late batch":
                half = self.chance.randint(1, len(MODELS) - 1)
                self.dbt.build(*MODELS[:half])
                if waiting := self.waiting():
                    self.publish(self.chance.choice(waiting))
                self.dbt.build(*MODELS[half:])

    def _whole_build(self) -> str:
        self.dbt.build()
        for name, expected in tables(self.published).items():
            found = difference(self.lake.rows(name), expected)
            if found is not None:
                return f"{name} differs after build {self.dbt.builds}: {found}"
        return ""
