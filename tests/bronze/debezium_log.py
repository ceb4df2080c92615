"""A model of PostgreSQL's write-ahead log, and of what Debezium's connector makes of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

KEYS = 8
MOST_OPEN = 3


@dataclass(eq=False)
class Transaction:
    """Changes that are in the log but not committed: position, operation, key and value."""

    changes: list[tuple[int, str, int, int | None]] = field(default_factory=list)
    # The transaction that deletes the row whose key this one inserts again; it has to end first.
    waits_for: "Transaction | None" = None


@dataclass
class Source:
    """One table of key and value. `rows` are committed; `records` were captured, in this order."""

    rng: Random
    rows: dict[int, int] = field(default_factory=dict)
    at: int = 0x16B3748
    open: list[Transaction] = field(default_factory=list)
    last_commit: int | None = None
    captures: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)

    def position(self) -> int:
        """Return the next position in the log; some positions before it stay free."""
        self.at += 16 * self.rng.randint(2, 4)
        return self.at

    def locked(self) -> set[int]:
        """Return the keys that open transactions have changed."""
        return {key for transaction in self.open for _, _, key, _ in transaction.changes}

    def change(self) -> None:
        """Change a key that no open transaction has changed, in an open transaction or a new one."""
        free = [key for key in range(KEYS) if key not in self.locked()]
        able = [transaction for transaction in self.open if transaction.waits_for is None]
        if len(self.open) < MOST_OPEN:
            able.append(Transaction())
        if not (free and able):
            return
        key, transaction = self.rng.choice(free), self.rng.choice(able)
        if transaction not in self.open:
            self.open.append(transaction)
        operation = "c" if key not in self.rows else self.rng.choice("uud")
        value = None if operation == "d" else self.rng.randrange(1000)
        transaction.changes.append((self.position(), operation, key, value))
        if operation == "d" and self.rng.random() < 0.5:
            # The new row is logged before the delete that makes it possible; its unique index waits for that.
            early = Transaction([(self.at - 16, "c", key, self.rng.randrange(1000))], waits_for=transaction)
            self.open.append(early)

    def commit(self) -> None:
        """End a transaction; its changes are captured then."""
        able = [transaction for transaction in self.open if transaction.waits_for is None]
        if not able:
            return
        transaction = self.rng.choice(able)
        self.open.remove(transaction)
        for later in self.open:
            if later.waits_for is transaction:
                later.waits_for = None
        if self.rng.random() < 0.1 and not any(op == "d" for _, op, _, _ in transaction.changes):
            return  # rolled back
        for lsn, operation, key, value in transaction.changes:
            if value is None:
                del self.rows[key]
            else:
                self.rows[key] = value
            self.capture(operation, key, value, lsn, self.last_commit)
        self.last_commit = self.position()

    def snapshot(self) -> None:
        """Capture each row as a load, at the log's current position."""
        lsn = self.position()
        for key, value in self.rows.items():
            self.capture("r", key, value, lsn, self.last_commit)

    def start(self) -> None:
        """Start a connector: it takes a snapshot and knows of no commit."""
        self.captures, self.last_commit = True, None
        self.snapshot()

    def capture(self, operation: str, key: int, value: int | None, lsn: int, committed: int | None) -> None:
        """Record a captured change."""
        if self.captures:
            row = {"id": key, "value": value}
            places = [None if committed is None else str(committed), str(lsn)]
            sides = {"before": row, "after": None} if operation == "d" else {"before": None, "after": row}
            source = {"sequence": json.dumps(places), "lsn": lsn, "ts_us": 1_700_000_000_000_000 + lsn}
            self.records.append({**sides, "source": source, "op": operation})


def history(seed: int) -> Source:
    """Return a table that changed before, during and after a connector's start, with some snapshots."""
    source = Source(Random(seed))
    for step in _steps(source.rng):
        step_of = {"change": source.change, "commit": source.commit, "snapshot": source.snapshot}
        (source.start if step == "start" else step_of[step])()
    while source.open:
        source.commit()
    return source


def _steps(rng: Random) -> Iterator[str]:
    yield from rng.choices(("change", "commit"), (3, 1), k=rng.randrange(30))
    yield "start"
    yield from rng.choices(("change", "commit", "snapshot"), (12, 6, 1), k=rng.randrange(80))
