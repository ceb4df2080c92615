"""Measure ingestion beside many old files, and of 10,000 files that arrive within an hour.

    python tests/bench/ingestion.py beside [--items 0 100000 1000000] [--files 10000]
    python tests/bench/ingestion.py http [--items 0 50000] [--files 200]
    python tests/bench/ingestion.py hour [--files 10000] [--latency-ms 0 30]

`beside` and `http` take a delivery through each step, once without old items in the control store and once
with many: on the fakes, and on DynamoDB, S3 and Glue over HTTP (moto). `hour` runs the real parser on a clock
that advances with the process's CPU seconds and an assumed latency per call. Linux only.
"""

import argparse
import gzip
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from statistics import quantiles
from types import SimpleNamespace
from typing import Any

from old_lake import (
    FILES_A_BATCH,
    START,
    TABLE,
    Clock,
    Counted,
    Lake,
    LakeObjects,
    lake_of,
    old_files,
    old_items,
)

from control import tally
from control.adapters.dynamodb import DynamoStore
from control.adapters.glue import GlueCatalog
from control.adapters.light import LightEngine
from control.adapters.memory import MemoryCatalog, MemoryObjects, MemoryStore
from control.adapters.parquet import event_kinds
from control.adapters.s3 import S3Objects
from control.config import Settings
from control.ingest import claim, tables
from control.ingest.files import file_lines
from control.ingest.listing import register_listed
from control.ingest.parse import parse
from control.ingest.plan import plan
from control.ingest.publish import publish
from control.ingest.register import register
from control.ingest.rules import Rules
from control.ingest.run import run
from control.ingest.sweep import leftovers
from control.model import Batch, Item, RawFile
from control.ports import ControlStore, Parts, StoredObject, every
from control.serialization import to_record
from control.status import table_status

ROOT = Path(__file__).parents[2]
RULES = Rules(open_batches=10_000, light_files=FILES_A_BATCH)
HEADER = (
    "review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,review_appearance,review_palate,"
    "review_taste,review_time\n"
)


def look_around(lake: Lake) -> None:
    """Measure what people ask about a table of which all but a few files are published."""
    parts = lake.parts
    for number in range(3):
        file_ids = (f"failed-{number}",)
        failed = Batch(
            f"failed-{number}", TABLE, file_ids, 1, "light", START, state="failed", told=True, epoch=1
        )
        parts.store.create(failed)
        key = f"raw/{TABLE}/failed/{number}.csv.gz"
        file = RawFile(file_ids[0], TABLE, "lake", key, "null", "e", 1, 1, 1, "csv", START, START)
        parts.store.create(replace(file, batch_id=failed.batch_id))
    lake.clock.waited += 100_000
    for kind in (RawFile, Batch):
        parts.store.query(kind, TABLE, limit=1)  # the fake sorts new items: not measured
    with lake.look("`dm status`"):
        status = table_status(TABLE, parts)
    assert status.files["failed"] == 3, status
    with lake.look("`dm files list --state failed`"):
        assert len(list(file_lines(parts, TABLE, "failed"))) == 3
    with lake.look("`dm files list --limit 20`"):
        assert len(list(islice(file_lines(parts, TABLE), 20))) == 20
    with lake.look("`dm ingest sweep --dry-run`"):
        assert all(not left.attempts for left in leftovers(TABLE, timedelta(hours=24), parts))


def deliver(lake: Lake, files: int) -> None:
    """Take `files` new files through every step."""
    parts, table = lake.parts, lake.table
    bucket = parts.settings.bucket
    found = [
        StoredObject(f"s3://{bucket}/{key}", key, "null", "new", 1, START, is_latest=True)
        for key in (f"raw/{TABLE}/new/{number:06}.csv.gz" for number in range(files))
    ]
    parts.catalog.ensure_table(table.rows)
    with lake.step("register"):
        assert sum(register(TABLE, one, parts) for one in found) == files
    with lake.step("plan"):
        batches = plan(TABLE, parts, replace(RULES, planned_files=files))
    assert sum(len(batch.file_ids) for batch in batches) == files
    with lake.step("look for work"):
        waiting = list(every(parts.store, Batch, TABLE, place="open"))
    assert len(waiting) == len(batches)
    with lake.step("claim"):
        held = [claim.take(batch, "bench", parts, RULES) for batch in batches]
    with lake.step("parse and seal"):
        written = [parse(one, table, parts.engines["light"], parts, RULES) for one in held if one]
    with lake.step("publish"):
        done = [publish(one, table, parts) for one in written]
    assert {batch.state for batch in done} == {"published"}


def beside(items: Sequence[int], files: int) -> None:
    """Measure the steps of a delivery beside old items, on the fakes."""
    results, looks = {}, {}
    for old in items:
        clock, store = Clock(), MemoryStore()
        for item in old_items(old):
            store.put(item)
        count(store)
        objects, settings = LakeObjects(clock, old_files(old)), Settings(contracts=ROOT / "contracts")
        lake = lake_of(store, objects, MemoryCatalog(), settings, clock)
        deliver(lake, files)
        with lake.step("compare the bucket with the store, once an hour"):
            assert register_listed([TABLE], lake.parts) == (0, ())
        look_around(lake)
        results[old], looks[old] = lake.steps, lake.looks
    _print(results, files)
    _print_looks(looks, "items")


def over_http(items: Sequence[int], files: int) -> None:
    """Measure the same on moto's DynamoDB, S3 and Glue, in a separate process."""
    results, looks = {}, {}
    for old in items:
        with _moto() as endpoint:
            settings = Settings(endpoint=endpoint, contracts=ROOT / "contracts")
            store, objects = DynamoStore(settings), S3Objects(settings)
            store.ensure()
            objects.ensure_bucket(settings.bucket)
            _load(store, old_items(old))
            count(store)
            lake = lake_of(store, objects, GlueCatalog(settings), settings, Clock())
            deliver(lake, files)
            with lake.step("read what is known of every file, once an hour"):
                assert register_listed([TABLE], lake.parts) == (0, ())
            lake.read = bytes_of(store, objects)
            look_around(lake)
        results[old], looks[old] = lake.steps, lake.looks
    _print(results, files)
    _print_looks(looks, "bytes")


def count(store: ControlStore) -> None:
    """Make the head count what is published, as if it had been published one by one."""
    tally.recount(TABLE, SimpleNamespace(store=store))  # type: ignore[arg-type]


def bytes_of(*adapters: DynamoStore | S3Objects) -> Callable[[], int]:
    """Return a function: the bytes of all answers to these adapters so far."""
    read = [0]

    def note(http_response: Any, **_: Any) -> None:
        read[0] += len(http_response.content)

    for adapter in adapters:
        adapter._client.meta.events.register("after-call", note)
    return lambda: read[0]


def hour(files: int, latencies: Sequence[float]) -> None:
    """Ingest files that arrive within an hour, by one pass a minute on one machine."""
    print(f"{files:,} files of 100 reviews, at random within an hour; one pass a minute\n")
    print("| ms a call | calls a file | CPU s | busy, of the hour | published after s: median | p95 | most |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for latency in latencies:
        chance, clock, calls = Random(1), Clock(), Counter[str]()
        objects = MemoryObjects(clock=clock)
        counted = Counted(objects, calls, clock, latency / 1000)
        settings = Settings(contracts=ROOT / "contracts")
        parts = Parts(
            settings=settings,
            store=Counted(MemoryStore(), calls, clock, latency / 1000),  # type: ignore[arg-type]
            objects=counted,  # type: ignore[arg-type]
            catalog=Counted(MemoryCatalog(), calls, clock, latency / 1000),  # type: ignore[arg-type]
            engines={"light": LightEngine(counted, b"")},  # type: ignore[arg-type]
            clock=clock,
            event_kinds=event_kinds,
            say=lambda event, fields: None,
        )
        known = tables.load(settings, TABLE)
        clock.began = time.process_time()
        arrivals = sorted(3600 * chance.random() for _ in range(files))
        bodies = [gzip.compress(_csv(number).encode(), 1, mtime=0) for number in range(50)]
        landed, busy, passes = 0, 0.0, 0
        while landed < files:
            clock.waited += max(0.0, 60.0 * passes - clock.seconds())
            passes, began = int(clock.seconds() // 60) + 1, clock.seconds()
            while landed < files and arrivals[landed] <= began:
                _land(landed, arrivals[landed], bodies, objects, parts)
                landed += 1
            run(known, parts, Rules(), listing="when_due")
            busy += clock.seconds() - began
        run(known, parts, Rules(), listing="when_due")
        batches = {one.batch_id: one for one in every(parts.store, Batch, TABLE)}
        lags = [
            (batches[file.batch_id or ""].published_at or START) - file.landed_at
            for file in every(parts.store, RawFile, TABLE)
        ]
        assert len(lags) == files
        cuts = quantiles([lag.total_seconds() for lag in lags], n=20)
        cpu, share = time.process_time() - clock.began, 100 * busy / 3600
        print(
            f"| {latency:g} | {calls.total() / files:.1f} | {cpu:.1f} | {share:.0f} % | {cuts[9]:.0f} "
            f"| {cuts[18]:.0f} | {max(lags).total_seconds():.0f} |"
        )


def _land(number: int, at: float, bodies: list[bytes], objects: MemoryObjects, parts: Parts) -> None:
    key = f"raw/{TABLE}/{number:06}.csv.gz"
    objects.put(f"s3://lake/{key}", bodies[number % len(bodies)])
    found = next(iter(objects.list(f"s3://lake/{key}")))
    register(TABLE, replace(found, modified_at=START + timedelta(seconds=at)), parts)


def _csv(number: int) -> str:
    rows = (
        f"{number * 100 + row},{row % 37},{row % 91},{row % 53},4.0,3.5,4.5,4.0,3.0,{1_300_000_000 + row}\n"
        for row in range(100)
    )
    return HEADER + "".join(rows)


@contextmanager
def _moto() -> Iterator[str]:
    """Start moto's server in a separate process; yield its address."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        import logging

        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        os.write(writer, json.dumps(server.get_host_and_port()).encode())
        os.close(writer)
        time.sleep(10**6)
    os.close(writer)
    try:
        with os.fdopen(reader) as answer:
            host, port = json.loads(answer.read())
        os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        yield f"http://{host}:{port}"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def _load(store: DynamoStore, items: Iterator[Item]) -> None:
    """Write items that do not belong to the delivery, 25 per call."""
    from control.adapters.dynamodb import _key, _serialize

    waiting: list[dict[str, Any]] = []
    for item in items:
        values = {name: _serialize(value) for name, value in to_record(item).items() if value is not None}
        waiting.append({"PutRequest": {"Item": values | _key(type(item), item.table, item.id)}})
        if len(waiting) == 25:
            store._client.batch_write_item(RequestItems={store._table: waiting})
            waiting = []
    if waiting:
        store._client.batch_write_item(RequestItems={store._table: waiting})


def _print(results: dict[int, list[tuple[str, float, float, int]]], files: int) -> None:
    print(f"{files:,} files in batches of {FILES_A_BATCH}, by the control items that are there already\n")
    print("| step | " + " | ".join(f"calls, {old:,} | CPU s | MB" for old in results) + " |")
    print("|---|" + "---:|---:|---:|" * len(results))
    for rows in zip(*results.values(), strict=True):
        cells = " | ".join(f"{calls:,} | {cpu:.2f} | {mb:.0f}" for _, cpu, mb, calls in rows)
        print(f"| {rows[0][0]} | {cells} |")


def _print_looks(results: dict[int, list[tuple[str, float, int, int]]], what: str) -> None:
    print("\n| look | " + " | ".join(f"calls, {old:,} | {what} | CPU s" for old in results) + " |")
    print("|---|" + "---:|---:|---:|" * len(results))
    for rows in zip(*results.values(), strict=True):
        cells = " | ".join(f"{calls:,} | {read:,} | {cpu:.2f}" for _, cpu, calls, read in rows)
        print(f"| {rows[0][0]} | {cells} |")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["beside", "http", "hour"])
    parser.add_argument("--items", type=int, nargs="+")
    parser.add_argument("--files", type=int)
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0, 30])
    options = parser.parse_args()
    if options.what == "beside":
        beside(options.items or [0, 100_000, 1_000_000], options.files or 10_000)
    elif options.what == "http":
        over_http(options.items or [0, 50_000], options.files or 200)
    else:
        hour(options.files or 10_000, options.latency_ms)


if __name__ == "__main__":
    sys.exit(main())
