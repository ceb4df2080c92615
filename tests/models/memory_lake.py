"""Tables in memory under the local Athena's translation: runs the queries of `dbt build` without a server.

Statements are Athena SQL. `localcloud` parses and translates them and DuckDB runs them, as in the local
cloud; only the storage is simpler: a table version is a DuckDB table, and a MERGE creates the next version.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from localcloud.athena.dialect import parse
from localcloud.athena.engines.database import open_database
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.reads import Filter, Scanned
from localcloud.athena.translate.scope import Field, View
from localcloud.athena.translate.terms import Term, duckdb_type, ident
from localcloud.athena.translate.translator import translate
from localcloud.athena.types import Type, as_iceberg, parse_hive
from localcloud.athena.types import parse as parse_type

Rows = list[tuple[Any, ...]]
Columns = tuple[tuple[str, Type], ...]
STAMP = parse_type("timestamp(3) with time zone")
METADATA = {
    "snapshots": (("committed_at", STAMP), ("snapshot_id", parse_type("bigint"))),
    "history": (("snapshot_id", parse_type("bigint")), ("is_current_ancestor", parse_type("boolean"))),
    "refs": (("name", parse_type("varchar")), ("snapshot_id", parse_type("bigint"))),
    "partitions": (("batch", parse_type("bigint")),),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A relation given as DuckDB text, with Athena's types."""

    columns: Columns
    source: str

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(Field(name, type_, ident(name)) for name, type_ in self.columns)

    def scan(self, filters: tuple[Filter, ...]) -> Scanned:
        return Scanned(f"(SELECT * FROM {self.source})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of an Iceberg table: the DuckDB table that holds it, and its commit time in milliseconds."""

    id: int
    label: str
    committed: int


@dataclass(slots=True)
class Iceberg:
    """A table with versions; `identity` changes when it is recreated."""

    columns: Columns
    identity: str
    snapshots: list[Snapshot] = field(default_factory=list)


@dataclass(slots=True)
class MemoryLake:
    """The relations of a lake, by schema and name."""

    connection: Any
    iceberg: dict[tuple[str, str], Iceberg] = field(default_factory=dict)
    plain: dict[tuple[str, str], Stored] = field(default_factory=dict)
    views: dict[tuple[str, str], View] = field(default_factory=dict)
    partitions: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    clock: int = 1_700_000_000_000
    # Statements and inserts so far, and what to call before a statement and after an insert, by its number.
    statements: int = 0
    inserts: int = 0
    before_statement: dict[int, Callable[[], None]] = field(default_factory=dict)
    after_insert: dict[int, Callable[[], None]] = field(default_factory=dict)
    # What to call before the MERGE into the table of this name.
    before_merge: dict[str, Callable[[], None]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # --- what the translation asks -------------------------------------------------------------------------

    def find(self, database: str, name: str, version: exp.Expression | None) -> Any:
        found = self.iceberg.get((database, name))
        if found is not None:
            return Stored(found.columns, self._snapshot(found, version).label)
        if (database, name) in self.views:
            return self.views[database, name]
        if (database, name) in self.plain:
            return self.plain[database, name]
        return self._metadata_table(database, name)

    def has_database(self, name: str) -> bool:
        return any(name == database for database, _ in (*self.iceberg, *self.plain, *self.views))

    def _snapshot(self, table: Iceberg, version: exp.Expression | None) -> Snapshot:
        if version is None:
            return table.snapshots[-1]
        wanted = int(version.expression.name)
        return next(snapshot for snapshot in table.snapshots if snapshot.id == wanted)

    def _metadata_table(self, database: str, name: str) -> Stored | None:
        base, _, kind = name.rpartition("$")
        table = self.iceberg.get((database, base))
        if kind == "partitions" and table is not None:
            return _partitions(table)
        if kind == "partitions":
            batches = self.partitions.get((database, base))
            values = ", ".join(f"({batch})" for batch in sorted(batches)) if batches else "(NULL)"
            return Stored(
                METADATA[kind], f"(FROM (VALUES {values}) AS metadata(batch) WHERE batch IS NOT NULL)"
            )
        if table is None or kind not in METADATA:
            return None
        rows = {
            "snapshots": [f"(make_timestamptz({s.committed * 1000}), {s.id})" for s in table.snapshots],
            "history": [f"({s.id}, true)" for s in table.snapshots],
            "refs": [f"('main', {table.snapshots[-1].id})"],
        }[kind]
        names = ", ".join(column for column, _ in METADATA[kind])
        return Stored(METADATA[kind], f"(VALUES {', '.join(rows)}) AS metadata({names})")

    # --- what a client asks --------------------------------------------------------------------------------

    def begin(self) -> None:
        """Count a statement, and call what is due before it."""
        self.statements += 1
        if (interruption := self.before_statement.pop(self.statements, None)) is not None:
            interruption()

    def query(self, sql: str) -> tuple[list[str], Rows]:
        """Return column names and rows of a query."""
        self.begin()
        return self._answer(sql)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table or view. This does not count as a statement of a build."""
        names, rows = self._answer(f"select * from {table}")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def create_table_as(self, database: str, name: str, sql: str) -> None:
        """CREATE TABLE AS: a new table with one snapshot."""
        self.begin()
        found = translate(parse(sql), self, "default")
        label = self._label(name)
        self.connection.execute(f"CREATE TABLE {label} AS {found.sql}")
        table = Iceberg(tuple((one.name, one.type) for one in found.fields), label.strip('"'))
        self.iceberg[database, name] = table
        self._commit(table, label)

    def create_view(self, database: str, name: str, sql: str) -> None:
        """CREATE VIEW."""
        self.begin()
        tree = parse(sql)
        columns = tuple((one.name, one.type) for one in translate(tree, self, "default").fields)
        self.views[database, name] = View(tree, "default", columns)

    def drop(self, database: str, name: str) -> None:
        """DROP TABLE."""
        self.begin()
        for snapshot in self.iceberg.pop((database, name)).snapshots:
            self.connection.execute(f"DROP TABLE {snapshot.label}")

    def insert(self, sql: str) -> None:
        """INSERT INTO a plain table."""
        self.begin()
        tree = parse(sql)
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        label = self.plain[target.db.lower(), target.name.lower()].source
        found = translate(tree.expression, self, "default")
        self.connection.execute(f"INSERT INTO {label} {found.sql}")
        self.inserts += 1
        if (interruption := self.after_insert.pop(self.inserts, None)) is not None:
            interruption()

    def merge(self, sql: str) -> int:
        """Run MERGE INTO an Iceberg table: one snapshot, or none if nothing changes. Return the rows changed.

        If two source rows match one target row, DuckDB takes any of them, where Athena fails; so does this.
        """
        self.begin()
        tree = parse(sql)
        target, source = tree.this, tree.args["using"]
        if (interruption := self.before_merge.pop(target.name.lower(), None)) is not None:
            interruption()
        table = self.iceberg[target.db.lower(), target.name.lower()]
        staged = self.iceberg[source.db.lower(), source.name.lower()].snapshots[-1].label
        on = tree.args["on"].sql("duckdb")
        before = table.snapshots[-1].label
        doubles = self.connection.execute(
            f"SELECT 1 FROM {before} AS target JOIN {staged} AS src ON {on} "
            "GROUP BY target.rowid HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        assert doubles is None, "MERGE_TARGET_ROW_MULTIPLE_MATCHES"
        label = self._label(target.name)
        self.connection.execute(f"CREATE TABLE {label} AS FROM {before}")
        whens = " ".join(when.sql("duckdb") for when in tree.args["whens"].expressions)
        count = self.connection.execute(
            f"MERGE INTO {label} AS target USING {staged} AS src ON {on} {whens}"
        ).fetchone()[0]
        if count:
            self._commit(table, label)
        else:
            self.connection.execute(f"DROP TABLE {label}")
        return int(count)

    def add_columns(self, name: tuple[str, str], wanted: Columns) -> None:
        """Add the columns that the table lacks; they are null in existing rows."""
        table = self.iceberg[name]
        known = {column for column, _ in table.columns}
        for column, type_ in (one for one in wanted if one[0] not in known):
            table.columns = (*table.columns, (column, type_))
            self.connection.execute(
                f"ALTER TABLE {table.snapshots[-1].label} ADD COLUMN {ident(column)} {_DUCKDB[type_.name]}"
            )

    def create_plain(self, database: str, name: str, columns: list[tuple[str, str]]) -> None:
        """Create an empty Hive table; the types are Hive's."""
        types = tuple((column, parse_hive(type_)) for column, type_ in columns)
        label = self._label(name)
        listed = ", ".join(f"{ident(column)} {duckdb_type(type_)}" for column, type_ in types)
        self.connection.execute(f"CREATE TABLE {label} ({listed})")
        self.plain[database, name] = Stored(types, label)

    def append(self, database: str, name: str, batch: int, rows: list[dict[str, Any]]) -> None:
        """Add a batch to a plain table as a partition; columns that a row leaves out are null."""
        table = self.plain[database, name]
        self.partitions.setdefault((database, name), set()).add(batch)
        if not rows:
            return
        columns = {name: pa.array([row.get(name) for row in rows]) for name, _ in table.columns}
        columns["batch"] = pa.array([batch] * len(rows), pa.int64())
        self.connection.register("arriving", pa.table(columns))
        self.connection.execute(f"INSERT INTO {table.source} FROM arriving")

    def append_table(self, database: str, name: str, batch: int, rows: pa.Table) -> None:
        """Add a batch of the parser's own rows to a plain table as a partition, read as Athena reads them."""
        table = self.plain[database, name]
        self.partitions.setdefault((database, name), set()).add(batch)
        self.connection.register("arriving", rows.append_column("batch", pa.array([batch] * len(rows))))
        read = ", ".join(
            f"{cast(Term(ident(column), as_iceberg(type_)), type_).sql} AS {ident(column)}"
            for column, type_ in table.columns
            if column in {*rows.column_names, "batch"}
        )
        self.connection.execute(f"INSERT INTO {table.source} BY NAME SELECT {read} FROM arriving")

    def _answer(self, sql: str) -> tuple[list[str], Rows]:
        found = translate(parse(sql), self, "default")
        return [one.name for one in found.fields], self.connection.execute(found.sql).fetchall()

    def _label(self, name: str) -> str:
        return ident(f"{name}_{next(self._numbers)}")

    def _commit(self, table: Iceberg, label: str) -> None:
        self.clock += 1
        table.snapshots.append(Snapshot(10**15 + next(self._numbers), label, self.clock))


_RANGED = {
    "_batch": parse_type("bigint"),
    "_build": parse_type("varchar"),
    "_month": parse_type("integer"),
    "_months_left": parse_type("varchar"),
}


def _partitions(table: Iceberg) -> Stored:
    """Return `$partitions` of a table, by `_slot` if it has one: file statistics of a few columns."""
    ranged = {name: type_ for name, type_ in _RANGED.items() if name in dict(table.columns)}
    ranges = ", ".join(
        f"{name}: {{min: min({name}), max: max({name}), null_count: count(*) - count({name})}}"
        for name in ranged
    )
    types = ", ".join(
        f"{name} row(min {type_.athena}, max {type_.athena}, null_count bigint)"
        for name, type_ in ranged.items()
    )
    columns = [("record_count", parse_type("bigint")), ("data", parse_type(f"row({types})"))]
    source = f"count(*) AS record_count, {{{ranges}}} AS data FROM {table.snapshots[-1].label}"
    if "_slot" not in dict(table.columns):
        return Stored(tuple(columns), f"(SELECT {source} HAVING count(*) > 0)")
    slot = ("partition", parse_type("row(_slot integer)"))
    return Stored((slot, *columns), f"(SELECT {{_slot: _slot}} AS partition, {source} GROUP BY _slot)")


_DUCKDB = {
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}


def open_lake(folder: Path, *, threads: int = 2) -> MemoryLake:
    """Return an empty lake; `folder` takes what spills out of memory."""
    return MemoryLake(open_database(folder, threads=threads))
