"""SIGKILL of parts of a real cloud at random points, mostly inside a write: `up` restores a consistent state.

Before each statement a marker goes to DynamoDB, so the restored state shows which statements it may contain:
those before its marker, and the marked one or not. Tables, objects and marker must agree on that.
"""

import os
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from localcloud import snapshots
from localcloud.config import Settings
from localcloud.instance import Folder

KILLS = 10 * int(os.environ.get("SWEEP", "1"))
# `make sweep` draws new kills; `make test` repeats the same ones.
SEED = int(os.environ.get("SEED") or (random.randrange(10**9) if KILLS >= 100 else 20261127))
ROWS = 1500
SETTINGS = {"athena": Settings(Path()).athena, "save_every": 0.4}
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
# A statement is (kind, number); its effect depends only on the statements before it.
KINDS = ("insert", "merge", "update", "insert", "create", "delete", "insert", "merge", "drop", "optimize")
Step = tuple[str, int]
Contents = dict[str, dict[int, int]]
"""Table -> batch -> value of each of its rows."""


def sql_of(step: Step) -> str:
    kind, number = step
    # Long and hard to compress, so that data files are blobs and not part of the snapshot's own file.
    rows = (
        f"select {number} as batch, {number} as v, to_hex(sha256(to_utf8(cast(n * {number} as varchar)))) "
        f"as text from unnest(sequence(1, {ROWS})) as t(n)"
    )
    properties = f"with (table_type = 'ICEBERG', is_external = false, location = 's3://lake/made{number}')"
    return {
        "insert": f"insert into kept {rows}",
        "update": "update kept set v = v + 1 where batch % 3 = 0",
        "delete": f"delete from kept where batch = {number - 5}",
        "merge": f"merge into merged t using (select {number % 4} as batch, {number} as v) s "
        "on t.batch = s.batch when matched then update set v = t.v + s.v "
        "when not matched then insert (batch, v, text) values (s.batch, s.v, 'x')",
        "create": f"create table made{number} {properties} as {rows}",
        "drop": f"drop table if exists made{number - 4}",
        "optimize": "optimize kept rewrite data using bin_pack",
    }[kind]


def effect_of(steps: list[Step]) -> Contents:
    tables: Contents = {"kept": {}, "merged": {}}
    for kind, number in steps:
        kept, merged = tables["kept"], tables["merged"]
        match kind:
            case "insert":
                kept[number] = number
            case "update":
                kept.update({batch: value + 1 for batch, value in kept.items() if batch % 3 == 0})
            case "delete":
                kept.pop(number - 5, None)
            case "merge":
                merged[number % 4] = merged.get(number % 4, 0) + number
            case "create":
                tables[f"made{number}"] = {number: number}
            case "drop":
                tables.pop(f"made{number - 4}", None)
    return tables


@dataclass
class Writer:
    """Runs statements one after another on a cloud, and knows what must be there."""

    cloud: Any
    applied: list[Step] = field(default_factory=list)
    number: int = 0
    last_marked: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @cached_property
    def clients(self) -> dict[str, Any]:
        return {name: self.cloud.client(name) for name in ("athena", "dynamodb", "glue", "s3")}

    def prepare(self) -> None:
        self.clients["glue"].create_database(DatabaseInput={"Name": "d"})
        self.clients["dynamodb"].create_table(
            TableName="marker",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for table in ("kept", "merged"):
            self.run(
                f"create table {table} (batch bigint, v bigint, text string) location 's3://lake/{table}' "
                "tblproperties ('table_type' = 'ICEBERG')"
            )
        self.mark(0)

    def mark(self, number: int) -> None:
        item = {"pk": {"S": "step"}, "number": {"N": str(number)}}
        self.clients["dynamodb"].put_item(TableName="marker", Item=item)
        self.last_marked = number

    def marked(self) -> int:
        found = self.clients["dynamodb"].get_item(TableName="marker", Key={"pk": {"S": "step"}})
        return int(found["Item"]["number"]["N"])

    def start(self, sql: str) -> str:
        context = {"Database": "d"}
        started = self.clients["athena"].start_query_execution(QueryString=sql, QueryExecutionContext=context)
        return str(started["QueryExecutionId"])

    def wait(self, query: str) -> None:
        while True:
            found = self.clients["athena"].get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] in FINAL:
                assert found["Status"]["State"] == "SUCCEEDED", (found["Query"], found["Status"])
                return

    def run(self, sql: str) -> list[list[str]]:
        query = self.start(sql)
        self.wait(query)
        rows: list[list[str]] = []
        for page in (
            self.clients["athena"].get_paginator("get_query_results").paginate(QueryExecutionId=query)
        ):
            rows += [
                [one.get("VarCharValue", "") for one in row["Data"]] for row in page["ResultSet"]["Rows"]
            ]
        return rows[1:]

    def begin(self) -> tuple[Step, str]:
        """Mark the next statement and start it."""
        self.number += 1
        step = (KINDS[self.number % len(KINDS)], self.number)
        self.mark(self.number)
        return step, self.start(sql_of(step))

    def finish(self, step: Step, query: str) -> None:
        begun = time.monotonic()
        self.wait(query)
        self.seconds[step[0]] = time.monotonic() - begun
        self.applied.append(step)

    def contents(self) -> Contents:
        """Return the rows of every table, read in full."""
        found: Contents = {}
        for table in self.clients["glue"].get_tables(DatabaseName="d")["TableList"]:
            name = table["Name"]
            size = 1 if name == "merged" else ROWS
            rows = self.run(
                f"select batch, min(v), max(v), count(*), count(distinct text) from {name} group by batch"
            )
            assert all(
                low == high and int(count) == int(texts) == size for _, low, high, count, texts in rows
            ), rows
            found[name] = {int(batch): int(low) for batch, low, *_ in rows}
        return found

    def check_objects(self) -> None:
        """Check that every object has the size in its listing, and every table version has its files."""
        s3 = self.clients["s3"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="lake"):
            for one in page.get("Contents", ()):
                assert len(s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read()) == one["Size"]
        for name in ("kept", "merged"):
            for (version,) in self.run(
                f'select snapshot_id from "{name}$snapshots" order by committed_at desc limit 2'
            ):
                self.run(f"select count(text) from {name} for version as of {version}")


def log_says_done(folder: Folder, query: str) -> bool:
    """Return whether the Athena part had finished the statement before it died, by its own log."""
    for name in ("athena.log", "athena.log.1"):
        path = folder.path / "logs" / name
        if path.exists() and re.search(rf"query\.ended id={query} .*state=SUCCEEDED", path.read_text()):
            return True
    return False


@dataclass
class Hit:
    """One kill: what was killed, which statement ran, whether it was in flight, what was restored."""

    part: str
    kind: str
    in_flight: bool
    came_back: str = ""


def running(writer: Writer, chance: random.Random, folder: Folder) -> tuple[Step, str]:
    """Return a statement that is in flight, part of the way into its usual duration; skip quicker ones."""
    while True:
        step, query = writer.begin()
        time.sleep(chance.uniform(0, 0.7 * writer.seconds.get(step[0], 0.2)))
        if not log_says_done(folder, query):
            return step, query
        writer.finish(step, query)


def kill(cloud: Any, writer: Writer, chance: random.Random) -> tuple[Hit, Step | None]:
    """SIGKILL a part, nineteen of twenty times inside a statement, at a random point of its duration."""
    part = chance.choice(("aws", "athena", "athena", "all"))
    for _ in range(chance.randint(0, 2)):
        writer.finish(*writer.begin())
    if chance.random() < 0.05:
        cloud.kill_all() if part == "all" else cloud.kill(part)
        return Hit(part, "-", in_flight=False), None
    step, query = running(writer, chance, Folder(cloud.folder))
    cloud.kill_all() if part == "all" else cloud.kill(part)
    # Athena may survive and still finish the statement, without a catalog to commit to.
    return Hit(part, step[0], in_flight=not log_says_done(Folder(cloud.folder), query)), step


def recover(cloud: Any, writer: Writer, hit: Hit, step: Step | None) -> None:
    """Run `up`, and compare the restored state with every state that is allowed."""
    last = snapshots.header(cloud.folder / "state")
    cloud.up(**SETTINGS)
    if hit.part == "athena":
        before = writer.applied
        marked = writer.last_marked
    else:
        assert last is not None
        assert any(last.saved_at in line for line in cloud.said), cloud.said
        marked = writer.marked()
        before = [one for one in writer.applied if one[1] < marked]
        step = next((one for one in [*writer.applied, step] if one and one[1] == marked), None)
        hit.came_back = f"snapshot of {writer.number - marked} statements before ({last.reason})"
    assert writer.marked() == marked
    writer.last_marked = marked
    found = writer.contents()
    with_step = [*before, step] if step and step not in before else before
    assert found in (effect_of(before), effect_of(with_step)), (hit, marked, step)
    writer.applied = with_step if found == effect_of(with_step) else list(before)
    if hit.part == "athena":
        hit.came_back = "with the statement" if step in writer.applied else "without the statement"
    writer.check_objects()


@pytest.mark.timeout(max(3000, 90 * KILLS))
def test_after_a_kill_at_any_point_up_restores_a_consistent_state(cloud, capsys):
    chance = random.Random(SEED)
    with capsys.disabled():
        print(f"\n{KILLS} kills; to repeat them: SEED={SEED}")
    cloud.up(**SETTINGS)
    writer = Writer(cloud)
    writer.prepare()
    for _ in KINDS:
        writer.finish(*writer.begin())
    while (last := snapshots.header(cloud.folder / "state")) is None or last.counts["Glue tables"] < 2:
        time.sleep(0.05)
    hits: list[Hit] = []
    while len(hits) < KILLS:
        hit, step = kill(cloud, writer, chance)
        recover(cloud, writer, hit, step)
        hits.append(hit)
        if len(hits) % 10 == 0 and len(hits) < KILLS:
            with capsys.disabled():
                print(f"{len(hits)} of {KILLS} kills, each followed by one whole state", flush=True)
    counted = Counter(
        (hit.part, hit.kind if hit.in_flight else "between statements", hit.came_back) for hit in hits
    )
    inside = sum(hit.in_flight for hit in hits)
    with capsys.disabled():
        print(f"{inside} of {KILLS} kills inside a statement")
        for (part, kind, came_back), count in sorted(counted.items()):
            print(f"{count:4} {part:7} in {kind:20} -> {came_back}")
    assert inside >= (0.8 if KILLS >= 100 else 0.5) * KILLS
