"""The content of the pages, independent of their layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from control.contracts.model import Column, Contract
from control.cost.runs import Cost
from control.lineage.ask import Hop
from control.status import TableStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a model or test in the last `dbt build`; `failures` counts rows."""

    name: str
    status: str
    failures: int
    seconds: float
    finished_at: datetime | None
    message: str


@dataclass(frozen=True, slots=True)
class Live:
    """What the control store says about a bronze table: its status, and refused records by reason."""

    status: TableStatus
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a table's data is, and how old it may be; None if unknown or not promised."""

    state: Literal["ok", "late", "unknown"]
    updated: datetime | None
    age_seconds: int | None
    promised_hours: float | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract: since when it applies, and what was changed."""

    version: str
    since: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Extras:
    """Optional content: contract versions by `layer/stem.yaml`, costs of the last run by model."""

    versions: Mapping[str, Sequence[Version]] = field(default_factory=dict)
    costs: Mapping[str, Cost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnPage:
    """A column with the direct edges into it and its dbt tests.

    `rows_of` are the tables one hop away, including those that only decide which rows there are, their order
    or rank.
    """

    column: Column
    sources: tuple[Hop, ...]
    rows_of: tuple[str, ...]
    tests: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class TablePage:
    """One contracted table.

    `hops` are all direct edges that lead to the table's columns or away from them, over any number of tables.
    `builds` are the outcomes of its models; `tests` those of dbt's tests on the whole table.
    """

    contract: Contract
    columns: tuple[ColumnPage, ...]
    upstream: tuple[str, ...]
    downstream: tuple[str, ...]
    hops: tuple[Hop, ...]
    builds: tuple[Outcome, ...]
    tests: tuple[Outcome, ...]
    live: Live | None
    freshness: Freshness
    versions: tuple[Version, ...]
    costs: tuple[Cost, ...]

    @property
    def name(self) -> str:
        """The table's name, `layer.table`."""
        return f"{self.contract.layer}.{self.contract.table}"


@dataclass(frozen=True, slots=True)
class Site:
    """All tables, in the order of the layers; `made_at` is when the facts were collected."""

    title: str
    tables: tuple[TablePage, ...]
    made_at: datetime
    has_lineage: bool
    has_results: bool
    has_live: bool
    has_costs: bool = False
