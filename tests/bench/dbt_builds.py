"""Measure what `dbt build` costs when it finds nothing new: CPU seconds, and statements by kind.

Starts its own local cloud, lands 1,586,614 reviews, builds once, and then again. Milliseconds are those that
Athena records for each statement; CPU seconds of the cloud are those of its two processes. Usage:

    python tests/bench/dbt_builds.py [--rows 1586614] [--threads 1] [--builds 3]
"""

import argparse
import os
import platform
import re
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import boto3
from gold import FULL_ROWS, lakehouse, land_first
from lakehouse import Lakehouse

NODE = re.compile(r'"node_id": "(\w+)\.')
WORDS = 2
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Build:
    """Seconds of one build, and the milliseconds of its statements by kind."""

    wall: float
    dbt: float
    cloud: float
    kinds: dict[str, list[int]]


def build(house: Lakehouse, threads: int) -> Build:
    """Build once."""
    begun, mine, clouds = time.time(), _children(), _cloud(house.folder)
    house.build("--threads", str(threads))
    wall = time.time() - begun
    kinds = defaultdict(list)
    for sql, milliseconds in _statements(house.env, begun):
        kinds[_kind(sql)].append(milliseconds)
    return Build(wall, _children() - mine, _cloud(house.folder) - clouds, kinds)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cloud(folder: Path) -> float:
    """Return the CPU seconds so far of the processes that serve from a folder."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().split("\0")
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if any(word.startswith("localcloud.") for word in words) and any(
            str(folder) in word for word in words
        ):
            ticks += int(stat[11]) + int(stat[12])
    return ticks / TICKS


def _statements(env: dict[str, str], since: float) -> Iterator[tuple[str, int]]:
    """Yield text and milliseconds of the statements sent since `since`."""
    athena: Any = boto3.client("athena", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"])
    for page in athena.get_paginator("list_query_executions").paginate(PaginationConfig={"PageSize": 50}):
        found = athena.batch_get_query_execution(QueryExecutionIds=page["QueryExecutionIds"])
        for one in found["QueryExecutions"]:
            if one["Status"]["SubmissionDateTime"].timestamp() >= since:
                yield one["Query"], one["Statistics"]["EngineExecutionTimeInMillis"]


def _kind(sql: str) -> str:
    node = NODE.search(sql)
    text = " ".join(sql.partition("*/")[2].split()).lower()
    if text.startswith("with taken"):
        return "offsets"
    if text.startswith("select count_if"):
        return "audit before a MERGE"
    if text.startswith("select '{"):
        return "the adapter's last one of a model"
    words = " ".join(text.split()[:WORDS]).removesuffix(" or")
    return f"{node[1] if node else 'hook'}: {words}"


def show(one: Build) -> None:
    """Print the statements of a build, the costliest kind first."""
    print("\n| statements | number | ms | ms each |\n|---|---:|---:|---:|")
    for kind, found in sorted(one.kinds.items(), key=lambda item: -sum(item[1])):
        print(f"| {kind} | {len(found)} | {sum(found)} | {sum(found) / len(found):.0f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=FULL_ROWS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--builds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-dbt-") as folder, lakehouse(Path(folder)) as house:
        land_first(house, options.rows)
        house.build()
        print(f"{platform.machine()}, {options.rows:,} reviews, {options.threads} thread(s)\n")
        print(
            "| build | statements | engine s | wall s | dbt CPU s | cloud CPU s |\n"
            "|---|---:|---:|---:|---:|---:|"
        )
        for at in range(options.builds):
            one = build(house, options.threads)
            times = [ms for found in one.kinds.values() for ms in found]
            print(
                f"| nothing new, {at + 1} | {len(times)} | {sum(times) / 1000:.2f} | {one.wall:.1f} "
                f"| {one.dbt:.1f} | {one.cloud:.1f} |"
            )
        show(one)


if __name__ == "__main__":
    main()
