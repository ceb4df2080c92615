"""The content of a contract, independent of how its file is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Layer = Literal["bronze", "silver", "gold"]
LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold")
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a check found: `code` for machines, `message` for people (it says what to do)."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Check:
    """A boolean SQL expression in Athena's dialect, true or null for a good row."""

    name: str
    expression: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """A generic dbt test with its arguments, for rules about a table and not about a row."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = "error"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the contract file and the column that a column points to."""

    file: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is a Hive type such as `decimal(6,4)`; `key` is the position in the key, 0 for none.

    `token` asks the parser for a sibling column with a keyed hash. `state_column` names the state table's
    column that a live view shows under this name. `generated` says why the column has no source. `raw_name`
    is its name in raw files, if that is different. `ends` is the day announced as its last; None if none is.
    """

    name: str
    type: str
    logical_type: str
    description: str
    required: bool = False
    key: int = 0
    unique: bool = False
    classification: str = ""
    tags: tuple[str, ...] = ()
    token: bool = False
    state_column: str = ""
    generated: str = ""
    raw_name: str = ""
    ends: date | None = None
    checks: tuple[Check, ...] = ()
    tests: tuple[Test, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether no view may show it, because it is personal and has no token."""
        return self.classification == "personal" and not self.token


@dataclass(frozen=True, slots=True)
class Sla:
    """One service level, for example freshness 24 h."""

    property: str
    value: object
    unit: str
    element: str = ""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who reads the table and for what; `name` is `schema.table` for another table of the lakehouse.

    `kind` is one of dbt's exposure types, such as dashboard; empty if none is stated.
    """

    name: str
    contact: str
    use: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one table.

    `layer` and `stem` come from the file's path, everything else from its text. `properties` are the custom
    properties of the table. `unique` holds groups of columns that are unique together, except for the key.
    `ends` is the day announced as the table's last. `scan_budget` limits the bytes that a build of the table
    may read, as a multiple of the last build's.
    """

    file: str
    layer: str
    stem: str
    id: str
    name: str
    version: str
    table: str
    kind: str
    description: str
    grain: str
    owner: str
    contact: str
    columns: tuple[Column, ...]
    tags: tuple[str, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    tests: tuple[Test, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    slas: tuple[Sla, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    status: str = ""
    domain: str = ""
    product: str = ""
    usage: str = ""
    limitations: str = ""
    ends: date | None = None
    scan_budget: float | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The key's columns in the key's order."""
        return tuple(c.name for c in sorted((c for c in self.columns if c.key), key=lambda c: c.key))

    @property
    def open_key(self) -> tuple[str, ...]:
        """The key's columns that are neither personal nor pseudonyms, in the key's order."""
        shown = {c.name for c in self.columns if c.classification not in ("personal", "pseudonym")}
        return tuple(name for name in self.key if name in shown)

    @property
    def models(self) -> tuple[str, ...]:
        """The dbt models that the contract describes; none for bronze."""
        if self.layer == "bronze":
            return ()
        more = (self.properties.get(p) for p in ("stateTable", "liveView"))
        return (self.table, *(str(name) for name in more if name))

    @property
    def home(self) -> str:
        """The contract's path in the repository, whatever folder it was read from."""
        return f"contracts/{self.layer}/{self.stem}.yaml"

    @property
    def source_schema(self) -> str:
        """The schema in the source database that a bronze table comes from; PostgreSQL defaults to public."""
        return str(self.properties.get("sourceSchema", "public"))

    def column(self, name: str) -> Column | None:
        """Find a column by its name."""
        return next((c for c in self.columns if c.name == name), None)
