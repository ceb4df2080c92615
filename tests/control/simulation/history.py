"""One random history of the real core: producers, events, workers, operators, and every kind of fault.

`History(seed).run()` raises WrongError if a record is lost or duplicated after everything has calmed down.
Only the ports are fakes; the code that runs is `control.ingest`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any

from fakes import Clock, LaggingStore, LineEngine, WatchedCatalog, WrongError, bronze_table, event_kinds
from faults import Killed, Port, Rates, World, draw
from operating import Operator
from rekeying import TABLE, KeyedEngine, Rekeying
from reloading import Reloading
from straying import Straying
from turns import Endless, Turns

from control.adapters.memory import MemoryObjects
from control.config import Settings
from control.errors import ThrottledError, UnavailableError, UsageError
from control.ingest import alerts
from control.ingest.overwritten import is_published
from control.ingest.redrive import redrive
from control.ingest.register import register
from control.ingest.rules import Rules
from control.ingest.run import Listing, Mode, Outcome, run
from control.ingest.sweep import all_leftovers, leftovers, tidy
from control.model import Batch, Counts, Head, RawFile
from control.outcomes import counts_of, file_state
from control.ports import Parts, StoredObject, every
from control.status import table_status

TABLES = ("beer", "review")


# More processes than all files of a history can kill.
MOST_PROCESSES = 100


STORE = ("get", "get_many", "create", "update", "query", "at_hand", "etags", "etags_of")
OBJECTS = ("put", "create", "get", "open", "delete", "list")
CATALOG = ("get_table", "ensure_table", "add_partition", "get_partition")


@dataclass
class History:
    """Everything that happens under one seed."""

    seed: int
    landed: dict[str, list[list[str]]] = field(default_factory=dict)
    swept: int = 0
    noted: int = 0
    reload: Reloading | None = None
    straying: Straying | None = None

    def __post_init__(self) -> None:
        self.random = random = Random(self.seed)
        self.turns = Turns(
            random, pace=random.choice([0.01, 0.3, 1.5]), stick=random.choice([0.0, 0.5, 0.9, 0.97])
        )
        self.rates = draw(random)
        self.rules = Rules(
            lease_seconds=random.choice([4, 60]),
            light_files=random.choice([1, 2, 3]),
            split_after=random.choice([1, 2]),
            max_attempts=random.choice([2, 4]),
            planned_files=random.choice([2, 10]),
            relist_seconds=random.choice([0, 20, 100]),
        )
        # Whether runs list the bucket every time, or leave new files to events as long as they may.
        self.listing: Listing = random.choice(["always", "when_due"])
        self.versioned = random.random() < 0.6
        self.forgetful = random.choice([0, 0, 0, 0.1])
        # The share of files that are refused as a whole, or that crash or kill their reader.
        self.poisonous = random.choice([0.1, 0.1, 0.4])
        self.objects = MemoryObjects(versioned=self.versioned, clock=Clock(self.turns))
        self.keys = Rekeying(self)
        self.store = LaggingStore(random, self.keys.saw)
        self.catalog = WatchedCatalog(self.objects)
        self.tables = {name: replace(bronze_table(name), needs_token_key=name == TABLE) for name in TABLES}
        self.events: list[tuple[str, StoredObject]] = []

    def run(self) -> None:
        """Play the history, then calm down."""
        self.turns.spawn("producer", self._produce)
        if self.random.random() < 0.25:
            self.reload = Reloading(self, "review")
            self.catalog.on_completion = self.reload.check_order
            self.turns.spawn("reloader", self.reload.produce)
        if self.random.random() < 0.4:
            self.straying = Straying(self)
            self.turns.spawn("stranger", self.straying.produce)
        if self.random.random() < 0.4:
            self.turns.spawn("keeper", self.keys.produce)
        self.turns.spawn("lambda", self._register)
        self.turns.spawn("operator", Operator(self).produce)
        self.turns.spawn("sweeper", self._keep_sweeping)
        for number in range(self.random.choice([1, 2, 3, 4])):
            self.turns.spawn(f"worker {number}", self.work)
        self.calm_down()

    def calm_down(self) -> None:
        """Let all tasks finish, check, let the zombies continue, and check again."""
        try:
            self.turns.run()
            self._drain()
            before = self.settled()
            if self.turns.thaw() and self.settled() != before:
                raise WrongError("a zombie changed what was settled")
            self._drain()
        except (Endless, Exception) as error:
            self.turns.failures.append(error)
        if self.turns.failures:
            raise self.turns.failures[0]

    def parts(self, rates: Rates, skew: float = 0.0) -> Parts:
        """Return the ports of one process."""
        world = World(self.turns, rates, self.rules.lease_seconds)
        objects = Port(self.objects, world, OBJECTS, lazy=("list",))
        calm = rates == Rates()
        lines = LineEngine(objects, self.random, 0.0 if calm else self.forgetful)  # type: ignore[arg-type]
        key = self.keys.key(stray=0.0 if calm else 0.1)
        other = not calm and self.random.random() < 0.03
        engine = KeyedEngine(lines, self.keys.key(stray=1.0) if other else key, self.keys.made)
        return Parts(
            settings=Settings(token_key=key),
            store=Port(self.store, world, STORE),  # type: ignore[arg-type]
            objects=objects,  # type: ignore[arg-type]
            catalog=Port(self.catalog, world, CATALOG),  # type: ignore[arg-type]
            engines={"light": engine, "spark": engine},
            clock=Clock(self.turns, skew),
            event_kinds=event_kinds,
            say=lambda event, fields: None,
        )

    # --- what happens ---

    def _produce(self) -> None:
        random = self.random
        for number in range(random.choice([1, 3, 4, 6])):
            self.turns.sleep(random.random() * random.choice([0, 5, 100]))
            name = f"{number}" if random.random() < 0.85 else "0"
            self.land(TABLES[random.random() < 0.7], name)

    def land(self, table: str, name: str) -> None:
        random, key = self.random, f"raw/{table}/{name}.json.gz"
        contents = self.landed.setdefault(key, [])
        mark = f"{table}/{name}.{len(contents)}"
        kinds = random.choices(("row", "bad", "ctl"), (8, 2, 1), k=random.choice([1, 2, 4]))
        lines = [f"{kind} {mark} {number}" for number, kind in enumerate(kinds)]
        if random.random() < self.poisonous:
            lines.insert(0, f"{random.choice(('!refuse', '!refuse', '!crash', '!kill'))} {mark}")
        contents.append(lines)
        self.put(table, key, "\n".join(lines).encode())

    def put(self, table: str, key: str, body: bytes) -> None:
        """Write an object that zero, one or more events announce."""
        self.objects.put(f"s3://lake/{key}", body)
        found = next(o for o in self.objects.list(f"s3://lake/{key}") if o.is_latest)
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            self.events.append((table, found))

    def _register(self) -> None:
        """Deliver events late and in any order; some come twice, some never."""
        for _ in range(self.random.choice([0, 5, 20])):
            self.turns.sleep(self.random.random() * 20)
            if self.straying is not None:
                self.process(self.straying.register)
            if self.events:
                table, found = self.events.pop(int(self.random.random() * len(self.events)))
                self.process(lambda parts, table=table, found=found: register(table, found, parts))

    def work(self) -> None:
        random, lease = self.random, self.rules.lease_seconds
        pause = random.choice([1, lease / 2, 2 * lease])
        for _ in range(random.choice([1, 3, 6])):
            mode: Mode = "until_idle" if random.random() < 0.2 else "once"
            self.process(lambda parts, mode=mode: self._run(parts, mode))
            self.turns.sleep(random.random() * pause)

    def _run(self, parts: Parts, mode: Mode) -> Outcome:
        return run(self.tables, parts, self.rules, mode=mode, listing=self.listing)

    def _keep_sweeping(self) -> None:
        for _ in range(self.random.choice([0, 0, 3, 8])):
            self.turns.sleep(self.random.random() * 30)
            self.process(self._sweep)

    def _sweep(self, parts: Parts) -> None:
        age = timedelta(seconds=self.random.choice([0, 0, 30]))
        for table in TABLES:
            for left in (self.random.choice([leftovers, leftovers, all_leftovers]))(table, age, parts):
                self.swept += len(tidy(left, parts))

    def process(self, work: Callable[[Parts], Any], rates: Rates | None = None) -> None:
        """Run one process from start to end, with its own clock."""
        skew = self.random.choice([0, 0, 0, 3, -3, 90, -90, 50_000])
        with suppress(Killed, UnavailableError, ThrottledError, UsageError):
            work(self.parts(rates or self.rates, skew))

    # --- how it ends ---

    def _drain(self) -> None:
        """Without further faults, ingest until idle, redrive what failed, and ingest again."""
        parts = self.parts(Rates())
        for _ in range(2):
            self._ingest()
            for table in TABLES:
                for batch in every(parts.store, Batch, table):
                    if batch.state == "failed" and not batch.error.startswith("refused"):
                        redrive(batch, "calm again", parts)
        self._ingest()
        self._check_overwritten(parts)
        for table in TABLES:
            self._check(table)
        self.keys.check()
        if self.reload is not None:
            self.reload.check()
        if self.straying is not None:
            self.straying.check()

    def _ingest(self) -> None:
        # Let every lease expire, however wrong the clocks, and the time until the next listing; update the
        # index.
        self.turns.sleep(self.rules.lease_seconds * 3 + 200)
        for _ in range(MOST_PROCESSES):
            self.store.catch_up()
            try:
                outcome = self._run(self.parts(Rates()), "until_idle")
            except Killed:
                self.turns.sleep(self.rules.lease_seconds + 1)
                continue
            if not (outcome.registered or outcome.batches):
                return
        raise WrongError("ingestion does not end")

    def settled(self) -> object:
        """Return what readers see, and the batch of each file."""
        files = {
            (table, file.file_id): file.batch_id
            for table in TABLES
            for file in every(self.store, RawFile, table)
        }
        return dict(self.catalog.partitions), files

    def batches(self, table: str) -> list[Batch]:
        """Return all batches of `table`."""
        return list(every(self.store, Batch, table))

    def happenings(self) -> dict[str, int]:
        """Count the events that the simulation is meant to exercise."""
        batches = [batch for table in TABLES for batch in every(self.store, Batch, table)]
        return {
            "taken over": sum(batch.epoch > 1 for batch in batches),
            "split": sum(batch.state == "split" for batch in batches),
            "failed": sum(batch.state == "failed" for batch in batches),
            "refused": sum(batch.error.startswith("refused") for batch in batches),
            "overwritten": sum(len(contents) > 1 for contents in self.landed.values()),
            "overwritten after they were published": self.noted,
            "two batches of a table": sum((batch.number or 0) > 1 for batch in batches),
            "replayed": len({batch.parent for batch in batches} & {b.batch_id for b in batches if b.number}),
            "swept": self.swept,
            "keys changed": len(self.keys.changed_at),
            "zombies": self.turns.thawed,
            "reloads that were completed": self.reload is not None and self.reload.completed,
            "reloads that were not": self.reload is not None and not self.reload.completed,
            "strays that came again": self.straying.came_again if self.straying else 0,
        }

    # --- what must hold ---

    def _check(self, table: str) -> None:
        batches = list(every(self.store, Batch, table))
        states = {batch.state for batch in batches}
        if not states <= {"published", "failed", "split"}:
            raise WrongError(f"{table}: batches are left {states}")
        head = self.store.get(Head, table, table)
        numbers = sorted(batch.number for batch in batches if batch.number is not None)
        if head is None or head.intent or numbers != list(range(1, head.number + 1)):
            raise WrongError(f"{table}: head {head}, numbers {numbers}")
        if self.catalog.numbers(table) != numbers:
            raise WrongError(f"{table}: a reader sees {self.catalog.numbers(table)} of {numbers}")
        for location, content in self.catalog.content.items():
            if self.catalog.listed(location) != content:
                raise WrongError(f"{location} was changed after it was published")
        for batch in batches:
            for incident in alerts.of_batch(batch, batch.created_at, ""):
                if not self.catalog.listed(f"s3://lake/alerts/outbox/{incident.id}.json"):
                    raise WrongError(f"nobody is told that batch {batch.batch_id} of {table} failed")
        self._check_status(table, {batch.batch_id: batch for batch in batches})
        kept, wanted = Counter(self._kept(table, batches)), Counter(self._wanted(table, batches))
        if kept != wanted:
            raise WrongError(f"{table}: too many {dict(kept - wanted)}, lost {dict(wanted - kept)}")

    def _check_status(self, table: str, batches: dict[str, Batch]) -> None:
        """Assert that status, which reads no finished work, agrees with a count of all items."""
        self.store.catch_up()
        status = table_status(table, self.parts(Rates()))
        files = list(every(self.store, RawFile, table))
        events: Counter[str] = Counter()
        for batch in batches.values():
            events.update(batch.events or {})
        said = (status.files, status.events, status.records, status.rows, status.quarantined)
        counts = sum((counts_of(file, batches) for file in files), Counts())
        states = Counter(file_state(batches.get(file.batch_id or "")) for file in files)
        if said != (states, events, counts.records, counts.rows, counts.quarantined):
            raise WrongError(f"{table}: status says {said}, and there are {states} {events} {counts}")
        head = self.store.get(Head, table, table)
        if head is None or head.counted is None or head.coming is not None:
            raise WrongError(f"{table}: what is published is not counted: {head}")

    def _check_overwritten(self, parts: Parts) -> None:
        """Assert that overwritten published files are recorded and were alerted, and that no later run fails
        because of them or of strays."""
        self.turns.sleep(self.rules.relist_seconds + 200)
        self.store.catch_up()
        outcome = self._run(parts, "once")
        if any(found.code.startswith("raw.") and found.severity == "error" for found in outcome.findings):
            raise WrongError(f"what was told of is told of again: {outcome.findings}")
        now = {(o.uri, o.version_id): o.etag for o in self.objects.list("s3://lake/raw/")}
        told = [self.objects.get(o.uri).decode() for o in self.objects.list("s3://lake/alerts/outbox/")]
        for table in TABLES:
            batches = {batch.batch_id: batch for batch in every(self.store, Batch, table)}
            for file in every(self.store, RawFile, table):
                tag = now[file.uri, file.version_id]
                differs = tag != file.etag and is_published(batches[file.batch_id or ""], parts)
                if file.overwritten != (tag if differs else ""):
                    raise WrongError(f"{file.key} holds {tag}, and it is noted that {file}")
                if differs and not any(f"raw/{table}/" in text and "overwritten" in text for text in told):
                    raise WrongError(f"nobody is told that {file.key} was overwritten")
                self.noted += differs

    def _kept(self, table: str, batches: list[Batch]) -> Iterator[str]:
        """Yield every record that was published or refused, and every control record."""
        folders = [
            p.location for p in self.catalog.partitions.values() if p.table in (table, f"{table}_events")
        ]
        ended = [batch for batch in batches if batch.state in ("published", "failed")]
        folders += [f"s3://lake/quarantine/{table}/{b.batch_id}-e{b.epoch}/" for b in ended if b.counts]
        for folder in folders:
            for uri, _ in self.catalog.listed(folder):
                yield from json.loads(self.objects.get(uri))

    def _wanted(self, table: str, batches: list[Batch]) -> Iterator[str]:
        """Yield every landed record, except those of files that failed without a report."""
        owner = {batch.batch_id: batch for batch in batches}
        files = list(every(self.store, RawFile, table))
        for key, contents in self.landed.items():
            if not key.startswith(f"raw/{table}/"):
                continue
            for number, lines in enumerate(contents, start=1):
                version = f"v{number}" if self.versioned else "null"
                file = next((f for f in files if (f.key, f.version_id) == (key, version)), None)
                batch = owner.get((file and file.batch_id) or "")
                if file is None or batch is None:
                    raise WrongError(f"{key} {version} was never taken up: {file}")
                if sha256("\n".join(lines).encode()).hexdigest() != file.etag:
                    continue  # overwritten in a bucket without versions, before or after it was ingested
                answers = self.answers(file, owner)
                if not answers and not lines[0].startswith(("!crash", "!kill")):
                    raise WrongError(f"{key} {version} failed: {batch.error}")
                for _ in range(answers):
                    yield from lines
        if self.reload is not None and self.reload.table == table:
            yield from self.reload.wanted(owner)

    def answers(self, file: RawFile, batches: dict[str, Batch]) -> int:
        """Return how often the file was published or refused: once, and once more per replay."""
        chain, batch = [], batches.get(file.batch_id or "")
        while batch is not None:
            chain.append(batch.batch_id)
            batch = batches.get(batch.parent)
        found = [
            batch.batch_id
            for batch in batches.values()
            if file.file_id in batch.file_ids and batch.counts and batch.state in ("published", "failed")
        ]
        if not set(found) <= set(chain):
            raise WrongError(f"{file.key} belongs to {chain}, and is in {found}")
        return len(found)
