"""A person who redrives and replays files at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from control.ingest.redrive import redrive
from control.ingest.replay import batches, replay
from control.model import Batch
from control.ports import Parts, every

if TYPE_CHECKING:
    from history import History


@dataclass
class Operator:
    """The actions of a person in a history."""

    history: History

    def produce(self) -> None:
        """Do something now and then."""
        history = self.history
        for _ in range(history.random.choice([0, 0, 2, 5])):
            history.turns.sleep(history.random.random() * 100)
            deed = history.random.choice([self._redrive_one, self._replay_some])
            # A person's request counts whenever it arrives, so it is never held back as a zombie.
            history.process(deed, replace(history.rates, held=0.0))

    def _redrive_one(self, parts: Parts) -> None:
        random, turns = self.history.random, self.history.turns
        for _ in range(random.choice([1, 40])):  # some look once, some wait for the first failure
            failed = [b for b in every(parts.store, Batch, "review") if b.state == "failed"]
            if failed:
                break
            turns.sleep(turns.pace * 2)
        if failed:
            # Others in a long list may come first.
            turns.sleep(random.choice([0, 2, 10]) * random.random())
            redrive(failed[int(random.random() * len(failed))], "why not", parts)

    def _replay_some(self, parts: Parts) -> None:
        first = self.history.random.choice([1, 1, 2])
        for one in batches("review", str(first), "2", parts):
            replay(one, "why not", parts)
