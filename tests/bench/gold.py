"""Measure what gold costs after a delivery, against a full recompute, through the real adapter.

Starts its own local cloud, lands 1,586,614 reviews of 186 months and builds. The sample stands for the public
review set: as many reviews, in the same proportions by month. A delivery is 990 new reviews in the newest
month and 10 corrections in three others. Gold takes in the first delivery by a full recompute (`rebuild:
true`) and the second as in every build; there is a target for the second, as a share of the first. Without a
target: builds after 1,000 changes over all months, after the brewery with the most reviews was renamed, and
with nothing new. Bytes and milliseconds are those that Athena records for each statement; bytes written are
the sizes of new data files under `warehouse/gold/`. Usage:

    python tests/bench/gold.py [--rows 1586614] [--threads 1] [--engine duckdb|trino]

Concurrent statements slow each other down, so the figures use one thread; `dbt build` uses four.
"""

import argparse
import gzip
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from lakehouse import Lakehouse, temporary

from control.dbt_runs import executions, last_run
from control.ports import Execution
from control.sample.changes import Edit, LogStart, change_line, commit
from control.sample.shop import DATA, SCORES, Shop, new_review, open_shop, public_months, review_row
from control.wiring import statements

FULL_ROWS = 1_586_614
SEED = 1
# Above everything in the first delivery, by id and by log position.
FIRST_ID = 50_000_000
FIRST_LSN = 0x10_0000_0000
# How far into all reviews so far the three other months are, the oldest first.
THREE_PARTS = (0.12, 0.38, 0.67)
CORRECTIONS = (3, 3, 4)
TARGET_BYTES, TARGET_SECONDS = 0.05, 0.20


@dataclass(frozen=True, slots=True)
class Measured:
    """What gold's models cost in one build; `wall` is the whole `dbt build`, in seconds."""

    name: str
    reading: tuple[Execution, ...]
    writing: tuple[Execution, ...]
    written: int
    wall: float

    @property
    def bytes(self) -> int:
        """Bytes that all of its statements read."""
        return sum(one.scanned_bytes for one in (*self.reading, *self.writing))

    @property
    def seconds(self) -> float:
        """Engine seconds of all of its statements."""
        return sum(one.milliseconds for one in (*self.reading, *self.writing)) / 1000


class Deliveries:
    """Raw files of changes, each later in the source's log than the one before."""

    def __init__(self, house: Lakehouse, shop: Shop) -> None:
        self.house, self.shop, self.rng = house, shop, Random(SEED)
        self.ids = iter(range(FIRST_ID, FIRST_ID + 1_000_000))
        self.days = 0

    def deliver(self, edits: Sequence[Edit]) -> None:
        """Land one raw file of changes of one table and ingest it."""
        self.days += 1
        at = datetime(2025, 2, 1, 6, tzinfo=UTC) + timedelta(days=self.days)
        begin = LogStart(lsn=FIRST_LSN + self.days * 0x1000_0000, transaction=self.days * 1_000_000, at=at)
        lines = [change_line(change) for change in commit([(edit,) for edit in edits], begin, self.rng)]
        key = f"raw/{edits[0].table}/epoch=1/{at:%Y/%m/%d}/changes-0001.json.gz"
        self.house.put(key, gzip.compress(b"\n".join(lines) + b"\n"))
        self.house.run("dm", "ingest", "run", "--until-idle")

    def additions(self, count: int, month: int) -> Iterator[Edit]:
        """Yield new reviews in a month, of beers and people with the usual popularity."""
        habits = self.shop.habits
        beers, people = habits.beers.pick(self.rng, count), habits.profiles.pick(self.rng, count)
        for beer, profile in zip(beers, people, strict=True):
            moment = self.rng.randrange(*habits.starts[month : month + 2])
            scores = self.rng.randrange(len(habits.scores))
            review = next(self.ids)
            row = new_review(self.shop, review, beer=beer, profile=profile, time=moment, scores=scores)
            yield Edit("review", "insert", row)

    def corrections(self, count: int, months: Iterable[int]) -> Iterator[Edit]:
        """Yield new scores for reviews of these months."""
        wanted = set(months)
        of_month = [at for at, month in enumerate(self.shop.reviews.month) if month in wanted]
        for at in self.rng.sample(of_month, count):
            scores = dict(zip(SCORES, self.rng.choice(self.shop.habits.scores), strict=True))
            yield Edit("review", "update", {**review_row(self.shop, at), **scores})

    def renamed(self) -> Edit:
        """Rename the brewery with the most reviews."""
        counts = Counter(self.shop.beers[beer]["brewery_id"] for beer in self.shop.reviews.beer)
        (most, _), *_ = counts.most_common(1)
        row = next(row for row in self.shop.breweries if row["brewery_id"] == most)
        return Edit("brewery", "update", {**row, "brewery_name": f"{row['brewery_name']} & Daughters"})


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs builds on a lakehouse and measures them."""

    house: Lakehouse
    threads: int

    def build(self, name: str, *arguments: str) -> Measured:
        """Run `dbt build` with these arguments; return what gold's statements cost in it."""
        before = self.gold_files()
        begun = time.perf_counter()
        self.house.build("--threads", str(self.threads), *arguments)
        wall = time.perf_counter() - begun
        reading: list[Execution] = []
        writing: list[Execution] = []
        for one in self.statements():
            (writing if one.writes else reading).append(one.execution)
        written = sum(size for key, size in self.gold_files().items() if key not in before)
        return Measured(name, tuple(reading), tuple(writing), written, wall)

    def statements(self) -> Iterator["GoldStatement"]:
        """Yield the statements of gold's models in the last build, without those of their tests."""
        run = last_run(self.house.folder / "target")
        for node, execution in executions(run, statements(self.house.env, "primary")):
            kind, _, model = node.rpartition(".")
            if kind.startswith("model") and model in GOLD:
                yield GoldStatement(execution)

    def gold_files(self) -> dict[str, int]:
        """Return keys and sizes of gold's data files."""
        pages = (
            self.house.s3().get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix="warehouse/gold/")
        )
        items = (item for page in pages for item in page.get("Contents", []))
        return {item["Key"]: item["Size"] for item in items if item["Key"].endswith(".parquet")}


GOLD = {
    "top_beers_by_rating",
    "top_breweries_by_rating",
    "top_styles_by_popularity",
    "state_by_review_volume",
    "top_drinkers",
}


@dataclass(frozen=True, slots=True)
class GoldStatement:
    """A statement of a model of gold."""

    execution: Execution

    @property
    def writes(self) -> bool:
        """Whether it changes a table for readers, instead of reading or staging."""
        text = self.execution.sql.partition("*/")[2].lstrip().lower()
        return text.startswith(("merge", "insert", "alter"))


@contextmanager
def lakehouse(folder: Path, engine: str = "duckdb") -> Iterator[Lakehouse]:
    """Yield a temporary lakehouse on this engine; Trino needs its largest heap for a first build."""
    with temporary(folder, "--save-every", "0", "--engine", engine, "--heap", "2048") as house:
        os.environ |= house.env
        yield house


def land_first(house: Lakehouse, rows: int) -> None:
    """Land the first delivery of the sample, with the public set's months, and ingest it."""
    size = ("--rows", str(rows), "--months", "public")
    house.run("dm", "sample", "land", "--delivery", "1", *size, "--seed", str(SEED))
    house.run("dm", "ingest", "run", "--until-idle")


def measure(bench: Bench, deliveries: Deliveries) -> Iterator[Measured]:
    """Run all builds in turn."""
    yield bench.build("first build")
    months = len(deliveries.shop.habits.starts) - 1
    deliveries.deliver(list(_delivery(deliveries, months - 1)))
    bench.house.build("--exclude", "path:models/gold")
    yield bench.build(
        "a delivery, recomputed in full", "--select", "path:models/gold", "--vars", "rebuild: true"
    )
    deliveries.deliver(list(_delivery(deliveries, months - 1)))
    yield bench.build("a delivery")
    deliveries.deliver(list(deliveries.corrections(1000, range(months))))
    yield bench.build("1,000 over all months")
    deliveries.deliver([deliveries.renamed()])
    yield bench.build("a renamed brewery")
    yield bench.build("nothing new")


def _delivery(deliveries: Deliveries, newest: int) -> Iterator[Edit]:
    yield from deliveries.additions(990, newest)
    reviews = deliveries.shop.reviews
    for count, part in zip(CORRECTIONS, THREE_PARTS, strict=True):
        yield from deliveries.corrections(count, [reviews.month[round(part * len(reviews))]])


def show(builds: Iterator[Measured]) -> None:
    """Print the table row by row, and whether the target is met."""
    names = ("build", "statements", "MB read", "of full", "engine s", "of full", "s reading", "s writing")
    names = (*names, "MB written", "whole build s")
    print(f"| {' | '.join(names)} |")
    print(f"|---|{'---:|' * (len(names) - 1)}")
    first, full = next(builds), next(builds)
    _line(first, full)
    _line(full, full)
    for one in builds:
        _line(one, full)
        if one.name == "a delivery":
            read, took = one.bytes / full.bytes, one.seconds / full.seconds
    print(
        f"\nTarget: at most {TARGET_BYTES:.0%} of the bytes ({'held' if read <= TARGET_BYTES else 'MISSED'})"
        f" and {TARGET_SECONDS:.0%} of the seconds ({'held' if took <= TARGET_SECONDS else 'MISSED'})."
    )


def _line(one: Measured, full: Measured) -> None:
    reading, writing = (sum(e.milliseconds for e in part) / 1000 for part in (one.reading, one.writing))
    print(
        f"| {one.name} | {len(one.reading) + len(one.writing)} | {one.bytes / 1e6:.2f} "
        f"| {one.bytes / full.bytes:.1%} | {one.seconds:.2f} | {one.seconds / full.seconds:.1%} "
        f"| {reading:.2f} | {writing:.2f} | {one.written / 1e6:.2f} | {one.wall:.1f} |",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=FULL_ROWS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine", choices=("duckdb", "trino"), default="duckdb")
    options = parser.parse_args()
    temporary = tempfile.TemporaryDirectory(prefix="bench-gold-")
    with temporary as folder, lakehouse(Path(folder), options.engine) as house:
        land_first(house, options.rows)
        shop = open_shop(DATA, rows=options.rows, seed=SEED, months=public_months(DATA))
        kind = f"{platform.machine()}, {options.engine}"
        print(f"{kind}, {options.rows:,} reviews, {options.threads} thread(s)\n")
        show(measure(Bench(house, options.threads), Deliveries(house, shop)))


if __name__ == "__main__":
    main()
