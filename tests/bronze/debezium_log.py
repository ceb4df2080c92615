"""A PostgreSQL that writes its log as the real one does, and what Debezium's connector makes of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

KEYS = 8
MOST_OPEN = 3


@dataclass(eq=False)
class Transaction:
    """Changes that are in the log, and not committed: position, operation, key and value."""

    changes: list[tuple[int, str, int, int | None]] = field(default_factory=list)
    # Who deletes the row whose key this one inserts again: it has to end first.
    waits_for: "Transaction | None" = None


@dataclass
class Source:
    """One table of key and value. `rows` are committed; `records` are what was captured, in their order."""

    rng: Random
    rows: dict[int, int] = field(default_factory=dict)
    at: int = 0x16B3748
    open: list[Transaction] = field(default_factory=list)
    last_commit: int | None = None
    captures: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)

    def position(self) -> int:
        """The next place in the log; some are left free before it."""
        self.at += 16 * self.rng.randint(2, 4)
        return self.at

    def locked(self) -> set[int]:
        """Keys that an open transaction has changed."""
        return {key for transaction in self.open for _, _, key, _ in transaction.changes}

    def change(self) -> None:
        """A change of a key that nobody else has changed, in a transaction that is open or new."""
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
            # The new row is in the log before the delete that lets it be, which its index waits for.
            early = Transaction([(self.at - 16, "c", key, self.rng.randrange(1000))], waits_for=transaction)
            self.open.append(early)

    def commit(self) -> None:
        """The end of a transaction; what it did is captured then."""
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
        """Each row as a load, at the position that is the log's now."""
        lsn = self.position()
        for key, value in self.rows.items():
            self.capture("r", key, value, lsn, self.last_commit)

    def start(self) -> None:
        """A connector begins: with a snapshot, and knowing of no commit."""
        self.captures, self.last_commit = True, None
        self.snapshot()

    def capture(self, operation: str, key: int, value: int | None, lsn: int, committed: int | None) -> None:
        """A record of a change."""
        if self.captures:
            row = {"id": key, "value": value}
            places = [None if committed is None else str(committed), str(lsn)]
            sides = {"before": row, "after": None} if operation == "d" else {"before": None, "after": row}
            source = {"sequence": json.dumps(places), "lsn": lsn, "ts_us": 1_700_000_000_000_000 + lsn}
            self.records.append({**sides, "source": source, "op": operation})


def history(seed: int) -> Source:
    """A table that was changed before, while and after a connector began, and was read anew at times."""
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
