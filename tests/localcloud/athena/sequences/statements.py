"""The statements of a sequence and their Athena SQL."""

from dataclasses import dataclass
from typing import Any

from expressions import HIVE, Literal

Columns = tuple[tuple[str, str], ...]
Values = tuple[tuple[Any, ...], ...]


def _rows(columns: Columns, rows: Values) -> str:
    """Return typed rows; without rows, one row that no condition lets through."""
    given = rows or (tuple(None for _ in columns),)
    lines = ", ".join(
        "("
        + ", ".join(Literal(value, type_).sql() for value, (_, type_) in zip(row, columns, strict=True))
        + ")"
        for row in given
    )
    names = ", ".join(name for name, _ in columns)
    return f"select {names} from (values {lines}) as v ({names})" + ("" if rows else " where false")


@dataclass(frozen=True)
class Create:
    """CREATE TABLE AS of rows, or of another table's rows (`source`), or with neither, of columns only."""

    kind = "create"
    table: str
    place: int
    columns: Columns
    partitioning: tuple[tuple[str, str, int], ...] = ()
    rows: Values | None = None
    source: str = ""
    where: Any = None

    def sql(self, location: str) -> str:
        place = f"{location}/p{self.place}/"
        if self.rows is None and not self.source:
            columns = ", ".join(f"{name} {HIVE.get(type_, type_)}" for name, type_ in self.columns)
            terms = ", ".join(self._term(*one, hive=True) for one in self.partitioning)
            clause = f" partitioned by ({terms})" if terms else ""
            tail = f"{clause} location '{place}' tblproperties ('table_type'='ICEBERG')"
            return f"create table {self.table} ({columns}){tail}"
        terms = ", ".join(f"'{self._term(*one, hive=False)}'" for one in self.partitioning)
        clause = f", partitioning = array[{terms}]" if terms else ""
        names = ", ".join(name for name, _ in self.columns)
        query = (
            f"select {names} from {self.source} where {self.where.sql()}"
            if self.rows is None
            else _rows(self.columns, self.rows)
        )
        return (
            f"create table {self.table} with (table_type = 'ICEBERG', is_external = false, "
            f"location = '{place}'{clause}) as {query}"
        )

    @staticmethod
    def _term(transform: str, column: str, width: int, *, hive: bool) -> str:
        if transform == "identity":
            return column
        if not width:
            return f"{transform}({column})"
        return f"{transform}({width}, {column})" if hive else f"{transform}({column}, {width})"


@dataclass(frozen=True)
class Insert:
    """INSERT of rows into some or all columns, or of another table's rows."""

    kind = "insert"
    table: str
    columns: Columns
    rows: Values = ()
    source: str = ""
    items: tuple[Any, ...] = ()
    where: Any = None

    def sql(self, location: str) -> str:
        names = ", ".join(name for name, _ in self.columns)
        if not self.source:
            return f"insert into {self.table} ({names}) {_rows(self.columns, self.rows)}"
        items = ", ".join(item.sql() for item in self.items)
        return (
            f"insert into {self.table} ({names}) select {items} from {self.source} where {self.where.sql()}"
        )


@dataclass(frozen=True)
class Update:
    kind = "update"
    table: str
    sets: tuple[tuple[str, Any], ...]
    where: Any

    def sql(self, location: str) -> str:
        sets = ", ".join(f"{name} = {value.sql()}" for name, value in self.sets)
        return f"update {self.table} set {sets} where {self.where.sql()}"


@dataclass(frozen=True)
class Delete:
    kind = "delete"
    table: str
    where: Any

    def sql(self, location: str) -> str:
        return f"delete from {self.table} where {self.where.sql()}"


@dataclass(frozen=True)
class Merge:
    """MERGE of typed rows on `key`: on conditions, matched rows are deleted or updated, others inserted."""

    kind = "merge"
    table: str
    columns: Columns
    rows: Values
    key: str
    delete_if: Any
    sets: tuple[tuple[str, Any], ...]
    update_if: Any
    inserts: bool
    insert_if: Any

    def sql(self, location: str) -> str:
        source = _rows(self.columns, self.rows)
        parts = [
            f"merge into {self.table} as t using ({source}) as s on t.{self.key} = s.{self.key}",
        ]
        if self.delete_if is not None:
            parts.append(f"when matched and {self.delete_if.sql()} then delete")
        if self.sets:
            condition = f" and {self.update_if.sql()}" if self.update_if is not None else ""
            sets = ", ".join(f"{name} = {value.sql()}" for name, value in self.sets)
            parts.append(f"when matched{condition} then update set {sets}")
        if self.inserts:
            condition = f" and {self.insert_if.sql()}" if self.insert_if is not None else ""
            names = ", ".join(name for name, _ in self.columns)
            values = ", ".join(f"s.{name}" for name, _ in self.columns)
            parts.append(f"when not matched{condition} then insert ({names}) values ({values})")
        return " ".join(parts)


@dataclass(frozen=True)
class Rename:
    kind = "rename"
    table: str
    to: str

    def sql(self, location: str) -> str:
        return f"alter table {self.table} rename to {self.to}"


@dataclass(frozen=True)
class Drop:
    kind = "drop"
    table: str

    def sql(self, location: str) -> str:
        return f"drop table {self.table}"


@dataclass(frozen=True)
class Alter:
    """Add (`to` and `type`), drop (neither) or change a column."""

    kind = "alter"
    table: str
    column: str
    to: str = ""
    type: str = ""

    def sql(self, location: str) -> str:
        type_ = HIVE.get(self.type, self.type)
        if not self.column:
            return f"alter table {self.table} add columns ({self.to} {type_})"
        if not self.to:
            return f"alter table {self.table} drop column {self.column}"
        return f"alter table {self.table} change column {self.column} {self.to} {type_}"


@dataclass(frozen=True)
class Optimize:
    kind = "optimize"
    table: str

    def sql(self, location: str) -> str:
        return f"optimize {self.table} rewrite data using bin_pack"


@dataclass(frozen=True)
class Read:
    """SELECT of all rows that pass a condition."""

    kind = "read"
    table: str
    where: Any

    def sql(self, location: str) -> str:
        return f"select * from {self.table} where {self.where.sql()}"


@dataclass(frozen=True)
class Travel:
    """SELECT of the table as it was after statement number `after`: by snapshot, or by time."""

    kind = "time travel"
    table: str
    after: int
    by_time: bool

    def sql(self, location: str) -> str:
        """Return the SQL, with VERSION or TIMESTAMP as placeholders for what only a run knows."""
        what = "timestamp as of timestamp 'TIMESTAMP'" if self.by_time else "version as of VERSION"
        return f"select * from {self.table} for {what}"


Statement = Create | Insert | Update | Delete | Merge | Rename | Drop | Alter | Optimize | Read | Travel
