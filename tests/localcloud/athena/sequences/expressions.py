"""Small expressions that know their Athena text and their value for a row, in three-valued logic."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]

TYPES = ("integer", "bigint", "varchar", "double", "decimal(10,2)", "date", "timestamp(6)", "boolean")
HIVE = {"integer": "int", "varchar": "string", "timestamp(6)": "timestamp"}


@dataclass(frozen=True)
class Literal:
    """A value with its type written out, so that no engine has to guess it."""

    value: Any
    type: str

    def sql(self) -> str:
        match self.value:
            case None:
                return f"cast(null as {self.type})"
            case bool():
                return str(self.value).lower()
            case str():
                text = "'" + self.value.replace("'", "''") + "'"
                return f"cast({text} as varchar)"
            case datetime():
                return f"timestamp '{text_of(self.value)}'"
            case date():
                return f"date '{self.value}'"
            case float():
                return f"double '{self.value}'"
        return f"cast({self.value} as {self.type})"

    def value_of(self, row: Row) -> Any:
        return self.value


@dataclass(frozen=True)
class Column:
    name: str
    side: str = ""

    def sql(self) -> str:
        return f"{self.side}.{self.name}" if self.side else self.name

    def value_of(self, row: Row) -> Any:
        return row[f"{self.side}.{self.name}" if self.side else self.name]


@dataclass(frozen=True)
class Compare:
    left: Any
    operator: str
    right: Any

    def sql(self) -> str:
        return f"{self.left.sql()} {self.operator} {self.right.sql()}"

    def value_of(self, row: Row) -> bool | None:
        left, right = self.left.value_of(row), self.right.value_of(row)
        if left is None or right is None:
            return None
        return {
            "=": left == right,
            "<>": left != right,
            "<": left < right,
            ">=": left >= right,
        }[self.operator]


@dataclass(frozen=True)
class IsNull:
    of: Any
    negated: bool = False

    def sql(self) -> str:
        return f"{self.of.sql()} is {'not ' if self.negated else ''}null"

    def value_of(self, row: Row) -> bool:
        return (self.of.value_of(row) is None) != self.negated


@dataclass(frozen=True)
class OneOf:
    """`x in (…)`, where a NULL among the values makes a miss unknown."""

    of: Any
    values: tuple[Any, ...]
    negated: bool = False

    def sql(self) -> str:
        values = ", ".join(value.sql() for value in self.values)
        return f"{self.of.sql()} {'not ' if self.negated else ''}in ({values})"

    def value_of(self, row: Row) -> bool | None:
        found = self.of.value_of(row)
        values = [value.value_of(row) for value in self.values]
        if found is None:
            return None
        if found in [value for value in values if value is not None]:
            return not self.negated
        return None if None in values else self.negated


@dataclass(frozen=True)
class Selected:
    """`x in (select …)`: the values that a column has in the rows that pass `where`, when the statement runs.

    `given` are these values. If there are none, the result is false, even for a NULL.
    """

    of: Any
    table: str
    column: str
    where: Any
    given: tuple[Any, ...]
    negated: bool = False

    def sql(self) -> str:
        query = f"select {self.column} from {self.table} where {self.where.sql()}"
        return f"{self.of.sql()} {'not ' if self.negated else ''}in ({query})"

    def value_of(self, row: Row) -> bool | None:
        if not self.given:
            return self.negated
        values = tuple(Literal(value, "") for value in self.given)
        return OneOf(self.of, values, self.negated).value_of(row)


@dataclass(frozen=True)
class Both:
    left: Any
    word: str
    right: Any

    def sql(self) -> str:
        return f"({self.left.sql()} {self.word} {self.right.sql()})"

    def value_of(self, row: Row) -> bool | None:
        values = (self.left.value_of(row), self.right.value_of(row))
        decided = self.word == "or"
        if decided in values:
            return decided
        return None if None in values else not decided


@dataclass(frozen=True)
class Not:
    of: Any

    def sql(self) -> str:
        return f"not ({self.of.sql()})"

    def value_of(self, row: Row) -> bool | None:
        value = self.of.value_of(row)
        return None if value is None else not value


@dataclass(frozen=True)
class Remainder:
    """`mod(x, n)` of an integer: it has the sign of x."""

    of: Any
    by: int

    def sql(self) -> str:
        return f"mod({self.of.sql()}, {self.by})"

    def value_of(self, row: Row) -> int | None:
        value = self.of.value_of(row)
        if value is None:
            return None
        rest: int = abs(value) % self.by
        return rest if value >= 0 else -rest


@dataclass(frozen=True)
class Changed:
    """The value made a bit larger, longer or turned round, of the same type."""

    of: Any
    type: str

    def sql(self) -> str:
        of = self.of.sql()
        if self.type == "varchar":
            return f"'+' || {of}"
        if self.type == "boolean":
            return f"not {of}"
        if self.type == "date":
            return f"date_add('month', 1, {of})"
        if self.type == "timestamp(6)":
            return f"{of} + interval '1' day"
        if self.type == "decimal(10,2)":
            return f"cast({of} + decimal '1.25' as decimal(10,2))"
        return f"cast({of} + 1 as {self.type})"

    def value_of(self, row: Row) -> Any:
        value = self.of.value_of(row)
        if value is None:
            return None
        match value:
            case bool():
                return not value
            case str():
                return "+" + value
            case datetime():
                return datetime.fromordinal(value.toordinal() + 1).replace(
                    hour=value.hour, minute=value.minute, second=value.second, microsecond=value.microsecond
                )
            case date():
                return _next_month(value)
            case Decimal():
                return value + Decimal("1.25")
        return value + 1


def _next_month(value: date) -> date:
    year, month = divmod(value.year * 12 + value.month, 12)
    for day in range(value.day, 27, -1):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    return date(year, month + 1, value.day)


@dataclass(frozen=True)
class Coalesce:
    first: Any
    second: Any

    def sql(self) -> str:
        return f"coalesce({self.first.sql()}, {self.second.sql()})"

    def value_of(self, row: Row) -> Any:
        value = self.first.value_of(row)
        return self.second.value_of(row) if value is None else value


@dataclass(frozen=True)
class When:
    condition: Any
    then: Any
    otherwise: Any

    def sql(self) -> str:
        return f"case when {self.condition.sql()} then {self.then.sql()} else {self.otherwise.sql()} end"

    def value_of(self, row: Row) -> Any:
        return (self.then if self.condition.value_of(row) else self.otherwise).value_of(row)


def text_of(value: Any) -> str | None:
    """Return a value as Athena prints it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat(" ", "microseconds")
    return str(value)
