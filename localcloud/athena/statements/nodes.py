"""The content of each statement, once parsed. Names are in lower case, as in Glue."""

from dataclasses import dataclass
from typing import ClassVar

from sqlglot import exp

from localcloud.athena.catalog import TableColumn
from localcloud.athena.errors import AthenaError
from localcloud.athena.statements import kinds
from localcloud.athena.statements.kinds import Kind

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a table or view; an empty database is the context's."""

    table: str
    database: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """SELECT, WITH, VALUES, TABLE."""

    kind: ClassVar[Kind] = kinds.SELECT
    tree: exp.Expression


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN of a statement; `validate` only checks that it is valid."""

    kind: ClassVar[Kind] = kinds.EXPLAIN
    tree: exp.Expression
    validate: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """INSERT, UPDATE, DELETE or MERGE."""

    kind: Kind
    tree: exp.Expression


@dataclass(frozen=True, slots=True)
class CreateTableAs:
    """CREATE TABLE … AS."""

    kind: ClassVar[Kind] = kinds.CREATE_TABLE_AS_SELECT
    tree: exp.Create


@dataclass(frozen=True, slots=True)
class Unload:
    """UNLOAD (query) TO 's3://…' WITH (…); `sql` is the query as written."""

    kind: ClassVar[Kind] = kinds.UNLOAD
    query: exp.Expression
    sql: str
    location: str
    properties: str


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW; `sql` is the query as written."""

    kind: ClassVar[Kind] = kinds.CREATE_VIEW
    name: Name
    query: exp.Expression
    sql: str
    replace: bool = False


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    """CREATE DATABASE, CREATE SCHEMA."""

    kind: ClassVar[Kind] = kinds.CREATE_DATABASE
    name: str
    if_not_exists: bool = False
    comment: str = ""
    location: str = ""
    properties: Pairs = ()


@dataclass(frozen=True, slots=True)
class DropDatabase:
    """DROP DATABASE, DROP SCHEMA."""

    kind: ClassVar[Kind] = kinds.DROP_DATABASE
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class AlterDatabase:
    """ALTER DATABASE … SET DBPROPERTIES."""

    kind: ClassVar[Kind] = kinds.ALTER_DATABASE
    name: str
    properties: Pairs


@dataclass(frozen=True, slots=True)
class Format:
    """How the files of a Hive table are written; empty strings stand for the defaults."""

    serde: str = ""
    serde_properties: Pairs = ()
    stored_as: str = ""
    input_format: str = ""
    output_format: str = ""
    delimiters: Pairs = ()


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE [EXTERNAL] TABLE with columns.

    `partition_columns` are those of a Hive table; `partitioning` holds the terms of an Iceberg table, such
    as `day(ts)` and `bucket(4, n)`.
    """

    kind: ClassVar[Kind] = kinds.CREATE_TABLE
    name: Name
    columns: tuple[TableColumn, ...]
    external: bool = False
    if_not_exists: bool = False
    comment: str = ""
    partition_columns: tuple[TableColumn, ...] = ()
    partitioning: tuple[str, ...] = ()
    clustered_by: tuple[str, ...] = ()
    buckets: int = 0
    format: Format = Format()
    location: str = ""
    properties: Pairs = ()

    @property
    def is_iceberg(self) -> bool:
        """Whether the properties ask for an Iceberg table."""
        return any(
            key.lower() == "table_type" and value.lower() == "iceberg" for key, value in self.properties
        )


@dataclass(frozen=True, slots=True)
class Drop:
    """DROP TABLE or DROP VIEW."""

    kind: Kind
    name: Name
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameTable:
    """ALTER TABLE … RENAME TO."""

    kind: ClassVar[Kind] = kinds.RENAME_TABLE
    name: Name
    to: Name


@dataclass(frozen=True, slots=True)
class SetColumns:
    """ALTER TABLE … ADD COLUMNS or REPLACE COLUMNS."""

    kind: Kind
    name: Name
    columns: tuple[TableColumn, ...]


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """ALTER TABLE … CHANGE [COLUMN]: a new name, a wider type, a comment."""

    kind: ClassVar[Kind] = kinds.CHANGE_COLUMN
    name: Name
    column: str
    to: TableColumn


@dataclass(frozen=True, slots=True)
class DropColumn:
    """ALTER TABLE … DROP COLUMN."""

    kind: ClassVar[Kind] = kinds.DROP_COLUMN
    name: Name
    column: str


@dataclass(frozen=True, slots=True)
class SetProperties:
    """ALTER TABLE … SET TBLPROPERTIES, or UNSET of keys."""

    kind: ClassVar[Kind] = kinds.SET_PROPERTIES
    name: Name
    properties: Pairs = ()
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """ALTER TABLE … ADD PARTITION: each a specification and a location, empty for the default folder."""

    kind: ClassVar[Kind] = kinds.ADD_PARTITIONS
    name: Name
    partitions: tuple[tuple[Pairs, str], ...]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropPartitions:
    """ALTER TABLE … DROP PARTITION: each specification is a list of (key, operator, value)."""

    kind: ClassVar[Kind] = kinds.DROP_PARTITIONS
    name: Name
    partitions: tuple[tuple[tuple[str, str, str], ...], ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenamePartition:
    """ALTER TABLE … PARTITION (…) RENAME TO PARTITION (…)."""

    kind: ClassVar[Kind] = kinds.RENAME_PARTITION
    name: Name
    partition: Pairs
    to: Pairs


@dataclass(frozen=True, slots=True)
class SetLocation:
    """ALTER TABLE … [PARTITION (…)] SET LOCATION."""

    kind: ClassVar[Kind] = kinds.SET_LOCATION
    name: Name
    location: str
    partition: Pairs = ()


@dataclass(frozen=True, slots=True)
class RepairTable:
    """MSCK REPAIR TABLE."""

    kind: ClassVar[Kind] = kinds.MSCK_REPAIR
    name: Name


@dataclass(frozen=True, slots=True)
class Optimize:
    """OPTIMIZE … REWRITE DATA USING BIN_PACK."""

    kind: ClassVar[Kind] = kinds.OPTIMIZE
    name: Name
    where: exp.Expression | None = None


@dataclass(frozen=True, slots=True)
class Vacuum:
    """VACUUM."""

    kind: ClassVar[Kind] = kinds.VACUUM
    name: Name


@dataclass(frozen=True, slots=True)
class ShowNames:
    """SHOW DATABASES, SHOW TABLES or SHOW VIEWS; an empty database is the context's."""

    kind: Kind
    database: str = ""
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ShowTable:
    """SHOW COLUMNS, PARTITIONS, CREATE TABLE, CREATE VIEW or TBLPROPERTIES (of one key or all)."""

    kind: Kind
    name: Name
    key: str = ""


@dataclass(frozen=True, slots=True)
class Describe:
    """DESCRIBE [EXTENDED | FORMATTED]."""

    kind: ClassVar[Kind] = kinds.DESCRIBE_TABLE
    name: Name
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    """PREPARE name FROM statement."""

    kind: ClassVar[Kind] = kinds.PREPARE
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Deallocate:
    """DEALLOCATE PREPARE name."""

    kind: ClassVar[Kind] = kinds.DEALLOCATE
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement that parses but cannot be run; running it raises `error`."""

    kind: ClassVar[Kind] = kinds.SELECT
    error: AthenaError


Node = (
    Query
    | Explain
    | Change
    | CreateTableAs
    | Unload
    | CreateView
    | CreateDatabase
    | DropDatabase
    | AlterDatabase
    | CreateTable
    | Drop
    | RenameTable
    | SetColumns
    | ChangeColumn
    | DropColumn
    | SetProperties
    | AddPartitions
    | DropPartitions
    | RenamePartition
    | SetLocation
    | RepairTable
    | Optimize
    | Vacuum
    | ShowNames
    | ShowTable
    | Describe
    | Prepare
    | Deallocate
    | Refused
)
