"""Play a history on a lake in memory, with builds that crash, fail or are overtaken; compare the tables."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from memory_lake import MemoryLake, open_lake
from project_sources import Project
from rendering import CONSUMED, GOLD, MODELS, STATES, CrashError, Dbt
from shops import KEYS, ROOT, Batch, History, difference, tables
from shops import STATES as STATE_OF

from bronze import contract
from bronze.events import EVENT_HIVE_COLUMNS

# Tables that show only some of their groups, and what a group is of besides its month.
GROUPS = {
    "gold.top_beers_by_rating": "beer_id",
    "gold.top_breweries_by_rating": "brewery_id",
    "gold.top_styles_by_popularity": "beer_style",
    "gold.top_drinkers": "profile_id",
}
PARTITION = [("ingest_date", "string"), ("batch", "bigint")]


def new_lake(folder: Path) -> MemoryLake:
    """Return a lake with empty bronze tables."""
    lake = open_lake(folder, threads=1)
    for table in KEYS:
        columns = contract.load(ROOT / f"contracts/bronze/{table}.yaml").hive_columns
        lake.create_plain("bronze", table, [*columns, *PARTITION])
        lake.create_plain("bronze", f"{table}_events", [*EVENT_HIVE_COLUMNS, *PARTITION])
    lake.create_plain("ops", "consumed", CONSUMED)
    return lake


# What may go wrong with a build: a play begins with the first three, then takes the others in turn.
OVERTAKEN, CRASHED, BETWEEN = FIRST = (
    "a batch published while a build runs",
    "a crash",
    "builds that failed between silver and gold",
)
OTHERS = (
    "a build of silver state only",
    "a build that failed within gold",
    "a rebuild that crashed",
    "none",
)
TROUBLES = (*FIRST, *OTHERS)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a batch became visible: after `builds` builds, maybe in the middle of the next one."""

    table: str
    number: int
    builds: int


class Play:
    """A history that is being published into a lake."""

    def __init__(self, history: History, project: Project, folder: Path) -> None:
        self.history = history
        self.chance = Random(history.seed + 1)
        self.lake = new_lake(folder)
        self.dbt = Dbt(project, self.lake)
        self.published: dict[str, list[Batch]] = {table: [] for table in KEYS}
        self.arrivals: list[Arrival] = []
        self.troubles: list[str] = []
        # The keys of each gold table after each whole build.
        self.groups: dict[str, list[set[tuple[int, ...]]]] = {name: [] for name in GROUPS}
        self._statements = 0

    def publish(self, table: str) -> None:
        """Make the next batch of a table visible."""
        self._publish_events(table)
        self._publish_rows(table)

    def _publish_events(self, table: str) -> None:
        """Register the events of the next batch. Until its rows follow, nothing else shows that it exists."""
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
        """Return the tables with batches that are not published yet."""
        return [t for t in KEYS if len(self.published[t]) < len(self.history.batches[t])]

    def _left(self, table: str) -> int:
        return len(self.history.batches[table]) - len(self.published[table])

    def run(self) -> str:
        """Publish and build at random to the end; return how the tables differ from the expected, or ""."""
        for table in KEYS:
            self.publish(table)
        found = self._whole_build()
        while not found and (waiting := self.waiting()):
            # The first three troubles publish the batches that they need.
            for _ in range(self.chance.randint(1, 4) if len(self.troubles) >= len(FIRST) else 0):
                if waiting := self.waiting():
                    self.publish(self.chance.choice(waiting))
            # The clocks of committers do not agree.
            self.lake.clock += self.chance.choice([0, 0, 60_000, -20_000])
            self._broken_build()
            if self.chance.random() < 0.5:
                found = self._whole_build()
        return found or self._whole_build() or "".join(self.dbt.waiting())

    def _broken_build(self) -> None:
        """Run a build with the next kind of trouble."""
        turn = len(self.troubles)
        trouble = FIRST[turn] if turn < len(FIRST) else OTHERS[(self.history.seed + turn) % len(OTHERS)]
        self.troubles.append(trouble)
        match trouble:
            case "a build of silver state only":
                self.dbt.build(*STATES)
            case _ if trouble == BETWEEN:
                for _ in range(2):
                    if waiting := self.waiting():
                        self.publish(max(waiting, key=self._left))
                    self.dbt.build(*MODELS[: MODELS.index(GOLD[0])])
            case "a build that failed within gold":
                self.dbt.build(*MODELS[: MODELS.index(GOLD[0])], *self.chance.sample(GOLD, 2))
            case _ if trouble == CRASHED:
                self._crashing_build()
            case _ if trouble == OVERTAKEN:
                self._overtaken_build()
            case "a rebuild that crashed":
                self.dbt.variables = {"rebuild": True}
                self._crashing_build()
                self.dbt.variables = {}

    def _crashing_build(self) -> None:
        """Crash one build just after one of its first models recorded its offsets, and another anywhere."""
        if waiting := self.waiting():
            self.publish(max(waiting, key=self._left))
        self.lake.after_insert = {self.chance.choice([1, 1, 2]): _crash}
        with contextlib.suppress(CrashError):
            self._build()
        self.lake.after_insert = {}
        self.lake.before_statement = {self.chance.randint(1, self._statements): _crash}
        with contextlib.suppress(CrashError):
            self._build()
        self.lake.before_statement = {}

    def _overtaken_build(self) -> None:
        """Publish a batch while its own model runs, and those of other tables in two steps, at any moment."""
        waiting = sorted(self.waiting(), key=self._left)
        if not waiting:
            return
        table = waiting.pop()
        if self._left(table) > 1:
            self.publish(table)
        self.lake.before_merge = {f"{STATE_OF[table]}_state": partial(self.publish, table)}
        early, late = sorted(self.chance.sample(range(1, self._statements), 2))
        for when, step in ((early, self._publish_events), (late, self._publish_rows)):
            self.lake.before_statement[when] = partial(_all, [partial(step, other) for other in waiting])
        self._build()
        for left in (self.lake.before_statement, self.lake.before_merge):
            for interruption in left.values():  # the build ended before these were due
                interruption()
            left.clear()

    def _build(self) -> None:
        self.lake.statements = self.lake.inserts = 0
        self.dbt.build()

    def _whole_build(self) -> str:
        self._build()
        self._statements = self.lake.statements
        for name, expected in tables(self.published).items():
            if name in GROUPS:
                key = ("review_year", "review_month", GROUPS[name])
                self.groups[name].append({tuple(row[one] for one in key) for row in expected})
            found = difference(self.lake.rows(name), expected)
            if found is not None:
                return f"{name} differs after build {self.dbt.builds}: {found}"
        return ""


def _crash() -> None:
    raise CrashError


def _all(steps: list[Callable[[], None]]) -> None:
    for step in steps:
        step()
