"""Token keys that change in the middle, workers with a different key, and what must result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fakes import LineEngine, WrongError

from bronze.tokens import key_name
from control.ingest.keys import rekey
from control.model import Head
from control.orders import Report, WorkOrder
from control.ports import Parts

if TYPE_CHECKING:
    from history import History

TABLE = "review"
KEYS = tuple(f"key {number} of the tokens, long and random".encode() for number in range(3))


@dataclass
class KeyedEngine:
    """An engine with a key, which records the key of each attempt."""

    engine: LineEngine
    key: bytes
    made: dict[str, tuple[str, int]]

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        # Recorded before parsing; another attempt with the same name would be another bug.
        self.made[order.attempt] = key_name(self.key), order.rekeyed
        return replace(self.engine.run(order, beat), token_key=key_name(self.key))


@dataclass
class Rekeying:
    """The token keys of a history."""

    history: History
    made: dict[str, tuple[str, int]] = field(default_factory=dict)
    # The batch number of the table at the first, second … change of its key.
    changed_at: dict[int, int] = field(default_factory=dict)

    def key(self, *, stray: float) -> bytes:
        """Return the table's key, or for a share of `stray` calls a random one."""
        head = self.history.store.get(Head, TABLE, TABLE)
        named = [key for key in KEYS if head is not None and key_name(key) == head.token_key]
        if self.history.random.random() < stray:
            return self.history.random.choice(KEYS)
        return (named or KEYS)[0]

    def produce(self) -> None:
        """Change the key now and then, as a person would."""
        history = self.history
        for _ in range(history.random.choice([2, 4, 8])):
            history.turns.sleep(history.random.random() * history.random.choice([2, 10, 50]))
            for _ in range(history.random.choice([0, 40])):  # some wait for a batch ready to be published
                if any(batch.state == "written" for batch in history.batches(TABLE)):
                    break
                history.turns.sleep(history.turns.pace)
            history.process(self._change, replace(history.rates, held=0.0))

    def _change(self, parts: Parts) -> None:
        key = self.history.random.choice([key for key in KEYS if key != parts.settings.token_key])
        parts = replace(parts, settings=replace(parts.settings, token_key=key))
        rekey(self.history.tables[TABLE], "why not", parts)

    def saw(self, before: Head, after: Head) -> None:
        """Record a write of the head."""
        if before.rekeyed != after.rekeyed:
            self.changed_at[after.rekeyed or 0] = after.number

    def check(self) -> None:
        """Assert that every published batch has tokens of the key that the table had at the time."""
        names: dict[int, str] = {}
        for batch in self.history.batches(TABLE):
            if batch.number is None:
                continue
            how = self.made[f"{batch.batch_id}-e{batch.epoch}"]
            if how != (batch.token_key, batch.rekeyed or 0):
                raise WrongError(f"batch {batch.number} has tokens of {how}, but its item says {batch}")
            if names.setdefault(how[1], how[0]) != how[0]:
                raise WrongError(f"batch {batch.number} has other tokens than batches published before it")
            wanted = max((n for n, at in self.changed_at.items() if batch.number > at), default=0)
            if how[1] != wanted:
                raise WrongError(f"batch {batch.number} has tokens of key {how[1]}, not of {wanted}")
