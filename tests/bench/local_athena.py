"""Measure the local Athena as a client sees it, and the same DuckDB statements run directly, in turn.

Starts its own local cloud in a temporary folder and prints Markdown tables: the round trip of `select 1`,
what the gateway adds to a statement by kind, a large CTAS and MERGE with their peak memory, and how many
bytes a MERGE that touches 1 % of a table's files rewrites. Usage:

    python tests/bench/local_athena.py [--rows 5000000] [--repeats 30]
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import duckdb

from localcloud import supervisor
from localcloud.athena.engines.database import open_database
from localcloud.config import Settings
from localcloud.instance import Part

SMALL = 10_000
PARTITIONS = 100
SQL = (
    "select {first} + n - 1 as id, n % 1000 as category, n * 7 % 1000003 / 10e0 as price, "
    "'name ' || cast(n % 50000 as varchar) as name"
)


@dataclass(frozen=True)
class Athena:
    """A client of the measured cloud, and the processes behind it."""

    client: Any
    glue: Any
    s3: Any
    parts: tuple[Part, ...]

    def run(self, sql: str) -> list[list[str]]:
        """Run a statement and read its first page, as dbt and PyAthena do."""
        query = self.start(sql)
        rows = self.client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return [[one.get("VarCharValue", "") for one in row["Data"]] for row in rows[1:]]

    def start(self, sql: str) -> str:
        """Run a statement to its end."""
        context = {"Database": "bench"}
        query = self.client.start_query_execution(QueryString=sql, QueryExecutionContext=context)
        while True:
            found = self.client.get_query_execution(QueryExecutionId=query["QueryExecutionId"])
            status = found["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return str(query["QueryExecutionId"])
            if status["State"] in ("FAILED", "CANCELLED"):
                raise SystemExit(f"{sql[:200]}: {status['StateChangeReason']}")

    def files(self, table: str) -> dict[str, int]:
        """Return paths and sizes of a table's data files."""
        found: dict[str, int] = {}
        query = self.start(f'select file_path, file_size_in_bytes from "{table}$files"')
        for page in self.client.get_paginator("get_query_results").paginate(QueryExecutionId=query):
            for row in page["ResultSet"]["Rows"]:
                path, size = (one.get("VarCharValue", "") for one in row["Data"])
                if path.startswith("s3:"):
                    found[path] = int(size)
        return found


@contextmanager
def cloud() -> Iterator[Athena]:
    """Start a cloud that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder:
        path = Path(folder) / "cloud"
        record = supervisor.up(Settings(path, port=0, save_every=0), lambda _: None).record
        try:
            names = ("athena", "glue", "s3")
            session = boto3.Session("local", "local", region_name="us-east-1")
            athena, glue, s3 = (session.client(name, endpoint_url=record.endpoint) for name in names)
            glue.create_database(DatabaseInput={"Name": "bench"})
            yield Athena(athena, glue, s3, record.parts)
        finally:
            supervisor.reset(path)


def properties(table: str, *partitioning: str) -> str:
    keys = ", ".join(f"'{key}'" for key in partitioning)
    parts = f", partitioning = array[{keys}]" if keys else ""
    return f"with (table_type = 'ICEBERG', is_external = false, location = 's3://lake/{table}'{parts})"


def rows_sql(count: int, first: int = 1) -> str:
    """Return a query of `count` rows; one call of sequence() gives at most 10,000."""
    step = 10_000
    if count <= step:
        return f"{SQL.format(first=first)} from unnest(sequence(1, {count})) as t(n)"
    numbers = (
        f"select (a - 1) * {step} + b as n from unnest(sequence(1, {count // step})) as x(a) "
        f"cross join unnest(sequence(1, {step})) as y(b)"
    )
    return f"{SQL.format(first=first)} from ({numbers}) as t"


@dataclass
class Times:
    """Milliseconds of the same work done in both ways, in turn."""

    direct: list[float] = field(default_factory=list)
    gateway: list[float] = field(default_factory=list)

    def line(self, kind: str) -> str:
        """Return a row of the table; the added time is computed per pair."""
        added = sorted(b - a for a, b in zip(self.direct, self.gateway, strict=True))
        p95 = added[min(len(added) - 1, round(0.95 * len(added)))]
        return (
            f"| {kind} | {len(added)} | {statistics.median(self.direct):.1f} | "
            f"{statistics.median(self.gateway):.1f} | {statistics.median(added):.1f} | {p95:.1f} |"
        )


def milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def round_trips(athena: Athena, repeats: int) -> None:
    """Measure `select 1`, to its end and with its result."""
    athena.run("select 1")
    ended = sorted(milliseconds(lambda: athena.start("select 1")) for _ in range(repeats))
    read = sorted(milliseconds(lambda: athena.run("select 1")) for _ in range(repeats))
    print("\n| `select 1`, milliseconds | runs | p50 | p95 |\n|---|---:|---:|---:|")
    for name, times in (("until it has succeeded", ended), ("and its result is read", read)):
        print(
            f"| {name} | {repeats} | {times[repeats // 2]:.1f} | {times[round(0.95 * (repeats - 1))]:.1f} |"
        )


def overhead(athena: Athena, repeats: int, folder: Path) -> None:
    """Measure what the gateway adds to statements on a table of 10,000 rows."""
    database = open_database(folder)
    athena.run(f"create table small {properties('small')} as {rows_sql(SMALL)}")
    local = str(folder / "small.parquet")
    (only,) = athena.files("small")
    athena.s3.download_file("lake", only.removeprefix("s3://lake/"), local)
    print(
        "\n| statement on 10,000 rows, milliseconds | runs | DuckDB | Athena | added, median | added, p95 |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    print(_select(athena, repeats, database, local).line("SELECT, 100 groups"))
    print(_create(athena, repeats, database, folder).line("CTAS"))
    print(_merge(athena, repeats, database, local, folder).line("MERGE of 1,000 rows"))
    database.close()


def _select(athena: Athena, repeats: int, database: duckdb.DuckDBPyConnection, local: str) -> Times:
    grouped = "select category % 100 as g, count(*) as c, sum(price) as s from {} group by category % 100"
    times = Times()
    for _ in range(repeats + 1):
        direct = lambda: database.execute(grouped.format(f"'{local}'")).to_arrow_table()  # noqa: E731
        times.direct.append(milliseconds(direct))
        times.gateway.append(milliseconds(lambda: athena.start(grouped.format("small"))))
    return _without_first(times)


COPY = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"


def _create(athena: Athena, repeats: int, database: duckdb.DuckDBPyConnection, folder: Path) -> Times:
    times = Times()
    values = SQL.format(first=1)
    for number in range(repeats + 1):
        target = folder / f"made{number}.parquet"
        direct = f"COPY ({values} FROM range(1, {SMALL + 1}) AS t(n)) TO '{target}' {COPY}"
        times.direct.append(milliseconds(lambda sql=direct: database.execute(sql)))
        sql = f"create table made{number} {properties(f'made{number}')} as {rows_sql(SMALL)}"
        times.gateway.append(milliseconds(lambda sql=sql: athena.start(sql)))
    return _without_first(times)


def _merge(
    athena: Athena, repeats: int, database: duckdb.DuckDBPyConnection, local: str, folder: Path
) -> Times:
    times = Times()
    for number in range(repeats + 1):
        first = SMALL - 500 + number
        target = folder / f"merged{number}.parquet"
        source = f"({SQL.format(first=first)} FROM range(1, 1001) AS t(n))"
        names = ", ".join(
            f"coalesce(s.{name}, t.{name}) AS {name}" for name in ("id", "category", "price", "name")
        )
        direct = (
            f"COPY (SELECT {names} FROM '{local}' t FULL JOIN {source} s ON t.id = s.id) TO '{target}' {COPY}"
        )
        times.direct.append(milliseconds(lambda sql=direct: database.execute(sql)))
        times.gateway.append(
            milliseconds(lambda first=first: athena.start(merge_sql("small", rows_sql(1000, first))))
        )
    return _without_first(times)


def _without_first(times: Times) -> Times:
    """Drop the first pair, which warms caches on both sides."""
    return Times(times.direct[1:], times.gateway[1:])


def merge_sql(table: str, source: str) -> str:
    return (
        f"merge into {table} t using ({source}) s on t.id = s.id "
        "when matched then update set price = s.price, name = s.name "
        "when not matched then insert (id, category, price, name) values (s.id, s.category, s.price, s.name)"
    )


def peaks(parts: tuple[Part, ...], work: Callable[[], object]) -> tuple[float, dict[str, int]]:
    """Return the seconds of `work`, and each part's peak resident memory meanwhile, in MB."""
    for part in parts:
        Path(f"/proc/{part.pid}/clear_refs").write_text("5")
    seconds = milliseconds(work) / 1000
    found = {}
    for part in parts:
        lines = Path(f"/proc/{part.pid}/status").read_text().splitlines()
        found[part.name] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    return seconds, found


def large(athena: Athena, rows: int, runs: int) -> None:
    """Measure a large CTAS and a MERGE of 15 % into it: two thirds are spread changes, a third is new."""
    changed, new = rows // 10, rows // 20
    title = f"{rows:,} rows, median of {runs}"
    print(f"\n| {title} | seconds | Athena part, MB | AWS part, MB |\n|---|---:|---:|---:|")
    created, merged = [], []
    for number in range(runs):
        name = f"large{number}"
        sql = f"create table {name} {properties(name)} as {rows_sql(rows)}"
        created.append(peaks(athena.parts, lambda sql=sql: athena.start(sql)))
        spread = f"select id * 10 as id, category, price, name from ({rows_sql(changed)}) as c"
        source = f"{spread} union all {rows_sql(new, rows + 1)}"
        sql = merge_sql(name, source)
        merged.append(peaks(athena.parts, lambda sql=sql: athena.start(sql)))
        athena.start(f"drop table {name}")
    for kind, found in (
        (f"CTAS of {rows:,}", created),
        (f"MERGE of {changed + new:,} into {rows:,}", merged),
    ):
        seconds = statistics.median(one for one, _ in found)
        memory = [statistics.median(one[part] for _, one in found) for part in ("athena", "aws")]
        print(f"| {kind} | {seconds:.1f} | {memory[0]:.0f} | {memory[1]:.0f} |")


def rewritten(athena: Athena, rows: int) -> None:
    """Measure the bytes that a MERGE rewrites when its rows are in one file of a hundred."""
    athena.run(
        f"create table wide {properties('wide', 'part')} as "
        f"select id, category, price, name, id % {PARTITIONS} as part from ({rows_sql(rows)}) as r"
    )
    before = athena.files("wide")
    athena.run(
        "merge into wide t using (select id, price + 1 as price from wide where part = 7) s "
        "on t.id = s.id and t.part = 7 when matched then update set price = s.price"
    )
    after = athena.files("wide")
    added = sum(size for path, size in after.items() if path not in before)
    touched = sum(1 for path in before if path not in after)
    print("\n| MERGE into one of 100 partitions | files | bytes |\n|---|---:|---:|")
    total = sum(before.values())
    print(f"| the table | {len(before)} | {total:,} |")
    print(f"| rewritten | {touched} ({touched / len(before):.1%}) | {added:,} ({added / total:.2%}) |")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, default=5_000_000, help="rows of the large table, a multiple of 200,000"
    )
    parser.add_argument("--repeats", type=int, default=30, help="runs of each small statement")
    parser.add_argument("--runs", type=int, default=3, help="runs of the large ones")
    arguments = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}, ", end=""
    )
    print(f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, load {os.getloadavg()[0]:.1f}")
    with cloud() as athena, tempfile.TemporaryDirectory(prefix="bench-direct-") as folder:
        round_trips(athena, arguments.repeats * 3)
        overhead(athena, arguments.repeats, Path(folder))
        large(athena, arguments.rows, arguments.runs)
        rewritten(athena, max(arguments.rows // 5, 200_000))


if __name__ == "__main__":
    main()
