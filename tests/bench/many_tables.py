"""Measure a lake of many tables: the cost of each command that looks at all of them.

Starts its own local cloud and drafts that many tables from files of 200 rows and 20 columns, as a person
would: `dm contract new`, `sync`, `dm ingest run`, `dbt build`. Then it measures the commands that are run
repeatedly, with nothing new, and with a new file of one table. CPU seconds are the command's own. Usage:

    python tests/bench/many_tables.py [--tables 100] [--threads 4] [--without-builds]
"""

import argparse
import csv
import gzip
import io
import itertools
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from lakehouse import BIN, ROOT, Lakehouse, temporary

COLUMNS, ROWS = 20, 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--without-builds", action="store_true", help="leave dbt out: a minute and a half")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-many-") as name, temporary(Path(name)) as house:
        bench = Bench(house, Path(name) / "project")
        bench.begin()
        names = [f"thing_{number:03d}" for number in range(options.tables)]
        for table in names:
            bench.draft(table)
        bench.run("dm", "contract", "sync")
        print(
            f"{platform.machine()}, {options.tables} tables of {COLUMNS} columns, {options.threads} threads\n"
        )
        print("| command | wall s | CPU s | statements |\n|---|---:|---:|---:|")

        def build(what: str) -> None:
            if not options.without_builds:
                threads = ("--threads", str(options.threads))
                bench.measure(what, "dbt", "build", "--profiles-dir", "profiles", *threads)

        bench.measure("", "dm", "contract", "lint")
        bench.measure("the first", "dm", "ingest", "run", "--until-idle")
        build("the first")
        bench.measure("nothing new", "dm", "ingest", "run", "--until-idle")
        build("nothing new")
        bench.land(names[0], 2)
        bench.measure("one file", "dm", "ingest", "run", "--until-idle")
        build("news for one table")
        bench.measure("", "dm", "status")
        if not options.without_builds:
            bench.measure("", "dm", "doctor")


@dataclass(frozen=True, slots=True)
class Bench:
    """A dbt project of drafted tables in the folder `project`, on a lakehouse."""

    house: Lakehouse
    project: Path

    def begin(self) -> None:
        """Create the project without any table."""
        self.project.mkdir()
        for name in ("macros", "profiles", "dbt_project.yml"):
            (self.project / name).symlink_to(ROOT / name)

    def draft(self, table: str) -> None:
        """Draft a table from its first file, and land that file."""
        file = self.project / f"{table}.csv.gz"
        file.write_bytes(self.land(table, 1))
        self.run("dm", "contract", "new", "bronze", table, "--from-file", str(file))

    def land(self, table: str, extract: int) -> bytes:
        """Land an extract of a table; return its bytes."""
        body = gzip.compress(rows(f"{table}_id", Random(f"{table}/{extract}")).encode())
        self.house.put(f"raw/{table}/epoch=1/extract={extract}/{table}.csv.gz", body)
        return body

    def run(self, *command: str) -> None:
        """Run a command in the project."""
        environment = self.house.env | {"DM_CONTRACTS": "contracts"}
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.project, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} gave {done.returncode}\n{done.stdout}{done.stderr}")

    def measure(self, what: str, *command: str) -> None:
        """Run a command and print its cost."""
        before, cpu, begun = self.statements(), children(), time.perf_counter()
        self.run(*command)
        wall, used = time.perf_counter() - begun, children() - cpu
        words = itertools.takewhile(lambda word: not word.startswith("-"), command)
        told = f"`{' '.join(words)}`"
        print(
            f"| {told}{', ' if what else ''}{what} | {wall:.1f} | {used:.1f} "
            f"| {self.statements() - before or ''} |",
            flush=True,
        )

    def statements(self) -> int:
        """Return how many statements Athena has been sent so far."""
        pages = self.house.athena().get_paginator("list_query_executions").paginate()
        return sum(len(page["QueryExecutionIds"]) for page in pages)


def rows(key: str, rng: Random) -> str:
    """Return a CSV of integers, amounts, words and dates."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow([key, *(f"c{at:02d}" for at in range(1, COLUMNS))])
    for number in range(ROWS):
        kinds = (
            rng.randrange(10**6),
            rng.random(),
            f"word {rng.randrange(50)}",
            f"2024-01-{10 + number % 19}",
        )
        out.writerow([number, *(kinds[at % 4] for at in range(1, COLUMNS))])
    return text.getvalue()


def children() -> float:
    """Return the CPU seconds of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
