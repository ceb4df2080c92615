"""Histories of whole builds by dbt itself: some are killed, overtaken by a batch, or meet a broken rule.

What readers may see at any moment is checked afterwards and completely: a reader sees one version of a table,
and every version is kept. A version is whole when it equals what the dictionary computes for one batch
boundary of each bronze table: for silver state a boundary of its own table, for review_flat any combination
of them, and for gold one version of review_flat. A boundary whose latest records include a broken row does
not count: such a row must never be published.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

import oracle
from bronze_lake import Lake
from forked_dbt import COMMENT, Death, ForkedDbt, Outcome
from histories import sequence
from shops import KEYS, STATES, Batch, History, Row, difference, history, live_tables, states, tables

GOLD = tuple(oracle.GOLD)
FLAT = "silver.review_flat"
BUILD = ("build", "--exclude-resource-type", "unit_test", "test")
# A build runs at least this many statements; the one to die at is drawn from them.
STATEMENTS = 70
DONE = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass
class BuildHistory:
    """A random history that dbt builds into a lake step by step."""

    lake: Lake
    dbt: ForkedDbt
    seed: int
    shops: int = 2
    # The number of visible batches of each table, at each moment when it changed.
    moments: list[dict[str, int]] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    while_running: int = 0
    builds: int = 0

    @cached_property
    def history(self) -> History:
        return history(self.seed, self.shops)

    @cached_property
    def chance(self) -> Random:
        return Random(self.seed)

    def live(self) -> None:
        """Make three deliveries; kill the first or a later build, every third seed after a broken rule."""
        sent: dict[str, list[Batch]] = {table: [] for table in KEYS}
        self.published = sent
        self._deliver(share=0.4)
        if self.seed % 5 == 1:
            self.build()
            self._deliver(share=0.5)
        if self.seed % 3 == 0:
            self._publish("review", Batch([broken_review(9)]))
            outcome = self.dbt.run(*BUILD)
            assert outcome.exit_code == 1, outcome.output
            assert "where review_overall_range does not hold" in outcome.output
            self._publish("review", Batch([broken_review(4)]))
        self.killed_build()
        self._deliver(share=1)
        self.build()

    def _deliver(self, share: float) -> None:
        for table in KEYS:
            for batch in self._coming(table, share):
                self._publish(table, batch)

    def _coming(self, table: str, share: float) -> list[Batch]:
        """Return the next batches of the history: a share of the rest, but at least one."""
        own = [batch for batch in self.published[table] if batch in self.history.batches[table]]
        left = self.history.batches[table][len(own) :]
        return left[: max(1, int(len(left) * share))]

    def _publish(self, table: str, batch: Batch) -> None:
        self.published[table].append(batch)
        self.lake.publish(table, batch.rows, [event.row for event in batch.events])
        self.moments.append({name: len(batches) for name, batches in self.published.items()})

    def build(self) -> Outcome:
        """Run a build that must succeed."""
        outcome = self.dbt.run(*BUILD)
        assert outcome.exit_code == 0, f"{self.seed}: {outcome.output}"
        self.builds += 1
        return outcome

    def killed_build(self) -> None:
        """Kill a build, nine of ten in a statement; for half of them a batch is published before the kill."""
        share = None if self.seed % 10 == 0 else self.chance.random()
        death = Death(self.chance.randint(2, STATEMENTS), share)
        overtaken = self.chance.random() < 0.5
        overtaking = threading.Thread(target=self._overtake, args=(death.statement // 2,))
        if overtaken:
            overtaking.start()
        outcome = self.dbt.run(*BUILD, death=death)
        if overtaken:
            overtaking.join()
        if outcome.exit_code is not None:
            assert outcome.exit_code == 0, f"{self.seed}: {outcome.output}"
            self.kills.append(f"not killed: the build was done after {len(outcome.statements)} statements")
            return
        running = list(self._running(outcome))
        time.sleep(1.1)  # until the lease of the dead build has expired
        self.while_running += bool(running)
        where = f"statement {len(outcome.statements)}"
        self.kills.append(f"{where}, while there ran {running or 'nothing'}")

    def _overtake(self, statement: int) -> None:
        """Publish the next batch of reviews once the build has reached a statement."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.dbt.trace.exists() and len(self.dbt.trace.read_text().split()) >= statement:
                break
            time.sleep(0.05)
        for batch in self._coming("review", 0.5)[:1]:
            self._publish("review", batch)

    def _running(self, outcome: Outcome) -> Iterator[str]:
        """Wait for the statements to end; yield the first words of those that were running when dbt died."""
        athena = self.lake.client("athena")
        for query in outcome.statements[-8:]:
            while True:
                found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
                if found["Status"]["State"] in DONE:
                    break
                time.sleep(0.05)
            assert outcome.died is not None
            if found["Status"]["CompletionDateTime"].timestamp() > outcome.died:
                yield " ".join(COMMENT.sub("", found["Query"]).split()[:3])

    # --- what must hold ------------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """Return how the tables differ from the dictionary after the last build."""
        wrong = []
        for name, expected in tables(self.published).items():
            found = difference(self.lake.rows(f"select * from {name}"), expected)
            if found is not None:
                wrong.append(f"{name}: {found}")
        return wrong

    def half_versions(self) -> Iterator[str]:
        """Yield the table versions that match no batch boundary."""
        whole = {name: list(self._whole_states(name)) for name in KEYS}
        for table in KEYS:
            name = f"silver.{STATES[table]}_state"
            for version, rows in self._versions(name):
                if not any(difference(rows, one.values()) is None for one in whole[table]):
                    yield f"{name} {version}"
        allowed = [
            frozen(live_tables(combination)["silver.reviews_enriched"])
            for combination in self._combinations(whole)
        ]
        months: dict[str, list[set[Any]]] = {name: [] for name in GOLD}
        for version, rows in self._versions(FLAT):
            live = [without_marks(row) for row in rows if not row["_deleted"]]
            if frozen(live) not in allowed:
                yield f"{FLAT} {version}"
            for name, made in oracle.gold(live).items():
                months[name].append(frozen(made))
        for name in GOLD:
            for version, rows in self._versions(name):
                if frozen(rows) not in months[name]:
                    yield f"{name} {version}"

    def _whole_states(self, table: str) -> Iterator[dict[int, Row]]:
        for boundary in sorted({moment[table] for moment in self.moments} - {0}):
            found = states({table: self.published[table][:boundary]})[table]
            if not any(row.get("review_overall") == 9 and not row["_deleted"] for row in found.values()):
                yield found

    def _combinations(self, whole: dict[str, list[dict[int, Row]]]) -> Iterator[dict[str, dict[int, Row]]]:
        for combination in product(*whole.values()):
            yield dict(zip(whole, combination, strict=True))

    def _versions(self, name: str) -> Iterator[tuple[int, list[Row]]]:
        schema, table = name.split(".")
        for row in self.lake.rows(f'select snapshot_id as id from {schema}."{table}$snapshots"'):
            yield row["id"], self.lake.rows(f"select * from {name} for version as of {row['id']}")


def broken_review(overall: float) -> Row:
    """Return a review whose score of 9 is out of range, or its correction with another score."""
    return {
        "_op": "update",
        "_seq": sequence(5000 - int(overall)),
        "_rev": 1,
        "review_id": 9_999,
        "brewery_id": 1,
        "beer_id": 1,
        "profile_id": 1,
        "review_overall": float(overall),
        "review_time": 1_234_817_823,
    }


def without_marks(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def frozen(rows: list[Row]) -> set[Any]:
    """Return the rows as a set that can be compared; null columns are left out."""
    return {frozenset((name, value) for name, value in row.items() if value is not None) for row in rows}
