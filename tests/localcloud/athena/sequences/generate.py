"""A random sequence of statements, the same for the same seed, each valid for the tables that exist."""

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dictionary import AMBIGUOUS, Lake, Outcome
from expressions import (
    TYPES,
    Both,
    Changed,
    Coalesce,
    Column,
    Compare,
    IsNull,
    Literal,
    Not,
    OneOf,
    Remainder,
    Selected,
    When,
)
from statements import (
    Alter,
    Columns,
    Create,
    Delete,
    Drop,
    Insert,
    Merge,
    Optimize,
    Read,
    Rename,
    Statement,
    Travel,
    Update,
    Values,
)

LENGTH = 20
KINDS = 6
MAX_TABLES = 3
NAMES = ("ales", "bocks", "cider", "dunkel", "export", "faro")
COLUMNS = ("a", "b", "c", "d", "e", "f")
WORDS = ("", "a", "A", "it's", 'say "x"', "häßlich", "100%_", "Zz top", "null", "\u65e5\u672c", "a\nb")
TRANSFORMS = {
    "integer": (("identity", 0), ("bucket", 4), ("truncate", 10)),
    "bigint": (("identity", 0), ("bucket", 3), ("truncate", 7)),
    "varchar": (("identity", 0), ("bucket", 5), ("truncate", 2)),
    "decimal(10,2)": (("bucket", 4),),
    "date": (("identity", 0), ("day", 0), ("month", 0), ("year", 0)),
    "timestamp(6)": (("day", 0), ("month", 0), ("hour", 0)),
    "boolean": (("identity", 0),),
}


def sequence(seed: int, *, for_trino: bool = False) -> tuple[tuple[Statement, Outcome], ...]:
    """Return at least LENGTH statements of at least KINDS kinds, each with its expected outcome.

    `for_trino` leaves out what Trino 476 gets wrong: a DELETE with a condition on a column that the table is
    partitioned by also drops the partition of NULL (`delete from t where b <> 1` takes rows without `b`), and
    a NULL in a list counts as a miss under NOT (`not (2 in (5, null))` is true).
    """
    return tuple(_Sequence(random.Random(seed), for_trino).steps())


class _Sequence:
    def __init__(self, chance: random.Random, for_trino: bool) -> None:
        self.chance = chance
        self.for_trino = for_trino
        self.lake = Lake()
        self.places = 0
        self.makers: dict[str, tuple[int, Callable[[str], Statement | None]]] = {
            "insert": (5, self.insert),
            "update": (3, self.update),
            "delete": (3, self.delete),
            "merge": (4, self.merge),
            "rename": (1, self.rename),
            "drop": (1, self.drop),
            "alter": (2, self.alter),
            "optimize": (1, self.optimize),
            "read": (2, self.read),
            "time travel": (3, self.travel),
        }

    def steps(self) -> Iterator[tuple[Statement, Outcome]]:
        """Yield statements until there are enough of them and of their kinds."""
        count, kinds = 0, set()
        while count < LENGTH or len(kinds) < KINDS:
            statement = self.statement()
            if statement is None:
                continue
            outcome = self.lake.apply(statement)
            if outcome.error == AMBIGUOUS:
                self.lake.at -= 1
                continue
            yield statement, outcome
            count += 1
            kinds.add(statement.kind)
        for name in sorted(self.lake.tables):
            statement = Read(name, IsNull(Literal(1, "integer"), negated=True))
            yield statement, self.lake.apply(statement)

    def statement(self) -> Statement | None:
        names = sorted(self.lake.tables)
        if not names or (len(names) < MAX_TABLES and self.chance.random() < 0.1):
            return self.create()
        weights = [weight for weight, _ in self.makers.values()]
        (kind,) = self.chance.choices(list(self.makers), weights)
        return self.makers[kind][1](self.chance.choice(names))

    def create(self) -> Statement:
        self.places += 1
        name = self.free_name()
        sources = sorted(self.lake.tables)
        if sources and self.chance.random() < 0.3:
            source = self.chance.choice(sources)
            columns = tuple(self.lake.tables[source].columns.items())
            where = self.condition(columns)
            return Create(name, self.places, columns, self.partitioning(columns), None, source, where)
        columns = self.columns()
        rows = self.rows(columns, 0, 8) if self.chance.random() < 0.6 else None
        return Create(name, self.places, columns, self.partitioning(columns), rows)

    def columns(self) -> Columns:
        names = self.chance.sample(COLUMNS, self.chance.randint(1, 4))
        others = ((name, self.chance.choice(TYPES)) for name in names)
        return (("id", self.chance.choice(("integer", "bigint"))), *others)

    def partitioning(self, columns: Columns) -> tuple[tuple[str, str, int], ...]:
        able = [(name, type_) for name, type_ in columns if type_ in TRANSFORMS]
        found = []
        for name, type_ in self.chance.sample(able, min(len(able), self.chance.choice((0, 0, 1, 1, 2)))):
            transform, width = self.chance.choice(TRANSFORMS[type_])
            found.append((transform, name, width))
        return tuple(found)

    def insert(self, name: str) -> Statement:
        columns = self.some(tuple(self.lake.tables[name].columns.items()))
        if self.chance.random() < 0.6:
            return Insert(name, columns, self.rows(columns, 1, 6))
        source = self.chance.choice(sorted(self.lake.tables))
        given = tuple(self.lake.tables[source].columns.items())
        items = tuple(self.item(type_, given) for _, type_ in columns)
        return Insert(name, columns, (), source, items, self.condition(given))

    def item(self, type_: str, given: Columns) -> Any:
        same = [name for name, other in given if other == type_]
        return self.value(type_, [Column(self.chance.choice(same))] if same else [])

    def update(self, name: str) -> Statement:
        columns = tuple(self.lake.tables[name].columns.items())
        return Update(name, self.sets(columns), self.condition(columns))

    def sets(self, columns: Columns, side: str = "", other: Columns = ()) -> tuple[tuple[str, Any], ...]:
        chosen = self.some(columns)
        return tuple((name, self.set(name, type_, side, other)) for name, type_ in chosen)

    def set(self, name: str, type_: str, side: str, other: Columns) -> Any:
        sources = [Column(name, side)] + ([Column(name, "s")] * 2 if (name, type_) in other else [])
        return self.value(type_, sources)

    def value(self, type_: str, sources: list[Column]) -> Any:
        literal = self.literal(type_)
        if not sources:
            return literal
        column = self.chance.choice(sources)
        return self.chance.choice(
            (
                column,
                literal,
                Changed(column, type_),
                Coalesce(column, literal),
                When(IsNull(column), literal, Changed(column, type_)),
            )
        )

    def delete(self, name: str) -> Statement | None:
        table = self.lake.tables[name]
        without = table.partitioned if self.for_trino else set()
        columns = tuple((column, type_) for column, type_ in table.columns.items() if column not in without)
        return Delete(name, self.condition(columns)) if columns else None

    def merge(self, name: str) -> Statement:
        table = self.lake.tables[name]
        columns = tuple(table.columns.items())
        key = "id" if self.chance.random() < 0.8 else self.chance.choice(columns)[0]
        listed = self.some(columns, key)
        rows = self.rows(listed, 1, 6)
        if self.chance.random() < 0.5:
            rows = self.distinct(rows, [column for column, _ in listed].index(key))
        both = tuple((f"t.{column}", type_) for column, type_ in columns)
        deletes = self.condition(both) if self.chance.random() < 0.4 else None
        sets = self.sets(columns, "t", listed) if self.chance.random() < 0.8 or deletes is None else ()
        source = tuple((f"s.{column}", type_) for column, type_ in listed)
        update_if = self.condition(both + source) if self.chance.random() < 0.3 else None
        insert_if = self.condition(source) if self.chance.random() < 0.3 else None
        inserts = self.chance.random() < 0.8
        return Merge(name, listed, rows, key, deletes, sets, update_if, inserts, insert_if)

    def distinct(self, rows: Values, at: int) -> Values:
        found = {}
        for row in rows:
            found.setdefault(row[at], row)
        return tuple(found.values())

    def rename(self, name: str) -> Statement:
        return Rename(name, self.free_name())

    def drop(self, name: str) -> Statement:
        return Drop(name)

    def alter(self, name: str) -> Statement | None:
        """Draw an ALTER, but widen no type: until the next write, Trino 476 fails on conditions on it."""
        table = self.lake.tables[name]
        free = [column for column in COLUMNS if column not in table.columns]
        kept = {"id", *table.partitioned}
        loose = [column for column in table.columns if column not in kept]
        kind = self.chance.choice(("add", "drop", "rename"))
        if kind == "add" and free:
            return Alter(name, "", self.chance.choice(free), self.chance.choice(TYPES))
        if kind == "drop" and loose:
            return Alter(name, self.chance.choice(loose))
        if kind == "rename" and free and len(table.columns) > 1:
            column = self.chance.choice([one for one in table.columns if one != "id"])
            return Alter(name, column, self.chance.choice(free), table.columns[column])
        return None

    def optimize(self, name: str) -> Statement:
        return Optimize(name)

    def read(self, name: str) -> Statement:
        return Read(name, self.condition(tuple(self.lake.tables[name].columns.items())))

    def travel(self, name: str) -> Statement | None:
        versions = sorted(self.lake.tables[name].versions)
        return Travel(name, self.chance.choice(versions), self.chance.random() < 0.5) if versions else None

    def free_name(self) -> str:
        return self.chance.choice([name for name in NAMES if name not in self.lake.tables])

    def some(self, columns: Columns, always: str = "") -> Columns:
        if self.chance.random() < 0.5:
            return columns
        size = self.chance.randint(1, len(columns))
        chosen = {*self.chance.sample([name for name, _ in columns], size), *([always] if always else [])}
        return tuple(one for one in columns if one[0] in chosen)

    def rows(self, columns: Columns, least: int, most: int) -> Values:
        count = self.chance.randint(least, most)
        return tuple(tuple(self.literal(type_).value for _, type_ in columns) for _ in range(count))

    def condition(self, columns: Columns, depth: int = 0) -> Any:
        choice = self.chance.random()
        if depth < 2 and choice < 0.2:
            word = self.chance.choice(("and", "or"))
            return Both(self.condition(columns, depth + 1), word, self.condition(columns, depth + 1))
        if depth < 2 and choice < 0.3:
            return Not(self.condition(columns, depth + 1))
        name, type_ = self.chance.choice(columns)
        column = Column(*reversed(name.split(".")))
        if not column.side and self.chance.random() < 0.15 and (asked := self.selected(column, type_)):
            return asked
        if choice < 0.4:
            return IsNull(column, self.chance.random() < 0.5)
        if choice < 0.55:
            values = tuple(self.literal(type_) for _ in range(self.chance.randint(1, 3)))
            if self.for_trino:
                values = tuple(one for one in values if one.value is not None)
                values = values or (Literal(self.constant(type_), type_),)
            return OneOf(column, values, self.chance.random() < 0.3)
        if choice < 0.7 and type_ in ("integer", "bigint"):
            rest = Literal(self.chance.randint(0, 2), "integer")
            return Compare(Remainder(column, 3), self.chance.choice(("=", "<>")), rest)
        operators = ("=", "<>") if type_ == "boolean" else ("=", "<>", "<", ">=")
        return Compare(column, self.chance.choice(operators), self.literal(type_))

    def selected(self, column: Column, type_: str) -> Selected | None:
        """Draw a subquery on any table that has a column of the type, the statement's own table included."""
        able = [
            (table, name)
            for table, found in sorted(self.lake.tables.items())
            for name, other in found.columns.items()
            if other == type_
        ]
        if not able:
            return None
        table, name = self.chance.choice(able)
        where = Compare(Remainder(Column("id"), 3), "<>", Literal(self.chance.randint(0, 2), "integer"))
        given = tuple(row[name] for row in self.lake.tables[table].rows if where.value_of(row))
        return Selected(column, table, name, where, given, self.chance.random() < 0.4)

    def literal(self, type_: str) -> Literal:
        if self.chance.random() < 0.15:
            return Literal(None, type_)
        return Literal(self.constant(type_), type_)

    def constant(self, type_: str) -> Any:
        whole = self.chance.randint(-3, 12)
        match type_:
            case "integer" | "bigint":
                return whole
            case "varchar":
                return self.chance.choice(WORDS)
            case "double":
                return whole / 2
            case "decimal(10,2)":
                return Decimal(whole * 25).scaleb(-2)
            case "date":
                return date(2023 + whole % 2, 1 + whole % 12, 28 + whole % 2)
            case "timestamp(6)":
                return datetime(2024, 1 + whole % 3, 28, whole % 24, 59, 59, 999_999 - 7 * whole % 3)
        return whole % 2 == 0
