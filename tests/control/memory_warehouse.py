"""A warehouse in memory: an Athena with these answers and this history, and a catalog that lists nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from control.adapters.memory import MemoryCatalog, MemoryClock, MemoryObjects
from control.adapters.parquet import encode
from control.config import Settings
from control.ports import Execution, Query, TableEntry, Warehouse


class NoTables:
    def tables(self, database: str) -> Iterable[TableEntry]:
        return ()


@dataclass
class History:
    """The statements that Athena remembers."""

    executions: Sequence[Execution] = field(default_factory=list)

    def since(self, moment: datetime) -> Iterable[Execution]:
        return [one for one in self.executions if one.submitted >= moment]


def memory_warehouse(
    prefix: str = "", *, query: Query = lambda _: [], executions: Sequence[Execution] = ()
) -> Warehouse:
    """A warehouse whose databases begin with `prefix`; its bronze database is `bronze`."""
    return Warehouse(
        settings=Settings(schema_prefix=prefix),
        bronze="bronze",
        listing=NoTables(),
        query=query,
        statements=History(executions),
        objects=MemoryObjects(),
        catalog=MemoryCatalog(),
        encode=encode,
        clock=MemoryClock(datetime(2026, 1, 1, tzinfo=UTC)),
    )
