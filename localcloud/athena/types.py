"""The gateway's type model, with readers and writers of both notations.

Athena text is used in queries and in `ColumnInfo`: `varchar`, `row(a integer)`, `timestamp(3)`.
Hive text is used in Glue and in DDL: `string`, `struct<a:int>`, `timestamp`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from localcloud.athena.errors import AthenaError

UNBOUNDED = 2147483647
MAX_DECIMAL = 38
MAX_CHAR = 65536


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its base name as Athena spells it, its numbers, and its parts.

    `name` is one of the keys of `_INFO` below. `numbers` is (precision, scale) of a decimal, the
    length of a char or a bounded varchar, the fractional digits of a time or timestamp. `parts` are
    the element of an array, key and value of a map, or the fields of a row, each with a name, which is
    empty except for named fields of rows.
    """

    name: str
    numbers: tuple[int, ...] = ()
    parts: tuple[tuple[str, "Type"], ...] = ()

    @property
    def athena(self) -> str:
        """Athena's own text."""
        if self.parts:
            return f"{self.name}({', '.join(_field(name, part) for name, part in self.parts)})"
        if not self.numbers:
            return self.name
        head, zone, _ = self.name.partition(" with time zone")
        return f"{head}({','.join(map(str, self.numbers))}){zone}"

    @property
    def hive(self) -> str:
        """The text that Glue stores; types that Hive lacks become `string`, time zones are dropped."""
        if self.name == "array":
            return f"array<{self.parts[0][1].hive}>"
        if self.name == "map":
            return f"map<{self.parts[0][1].hive},{self.parts[1][1].hive}>"
        if self.name == "row":
            fields = (f"{name or f'col{at}'}:{part.hive}" for at, (name, part) in enumerate(self.parts))
            return f"struct<{','.join(fields)}>"
        if self.name in ("decimal", "char") or (self.name == "varchar" and self.numbers):
            return self.athena
        return _TO_HIVE.get(self.name, self.name if self.name in _HIVE_NAMES else "string")

    @property
    def label(self) -> str:
        """The name that `ColumnInfo.Type` shows: the base name, but `float` for real."""
        return "float" if self.name == "real" else self.name

    @property
    def precision(self) -> int:
        """`ColumnInfo.Precision`."""
        if self.name in ("decimal", "varchar", "char") and self.numbers:
            return self.numbers[0]
        return _INFO[self.name]

    @property
    def scale(self) -> int:
        """`ColumnInfo.Scale`."""
        return self.numbers[1] if self.name == "decimal" else 0

    @property
    def case_sensitive(self) -> bool:
        """`ColumnInfo.CaseSensitive`."""
        return self.name in ("varchar", "char")

    @property
    def element(self) -> "Type":
        """The element type of an array, or the value type of a map."""
        return self.parts[-1][1]


# Base names, with the precision that ColumnInfo shows when the type itself has none.
_INFO: dict[str, int] = {
    "boolean": 0,
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "real": 17,
    "double": 17,
    "decimal": MAX_DECIMAL,
    "varchar": UNBOUNDED,
    "char": 1,
    "varbinary": 1073741824,
    "date": 0,
    "time": 3,
    "time with time zone": 3,
    "timestamp": 3,
    "timestamp with time zone": 3,
    "interval day to second": 0,
    "interval year to month": 0,
    "json": 0,
    "uuid": 0,
    "ipaddress": 0,
    "unknown": 0,
    "array": 0,
    "map": 0,
    "row": 0,
}
_SYNONYMS = {
    "int": "integer",
    "long": "bigint",
    "string": "varchar",
    "binary": "varbinary",
    "float": "real",
    "bool": "boolean",
    "numeric": "decimal",
    "dec": "decimal",
    "struct": "row",
    "timestamptz": "timestamp with time zone",
    "double precision": "double",
    "timestamp with local time zone": "timestamp with time zone",
}
_TO_HIVE = {
    "integer": "int",
    "real": "float",
    "varchar": "string",
    "varbinary": "binary",
    "timestamp with time zone": "timestamp",
}
_HIVE_NAMES = frozenset({"boolean", "tinyint", "smallint", "bigint", "double", "date", "timestamp"})
_TEMPORAL = frozenset({"time", "timestamp", "time with time zone", "timestamp with time zone"})
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_TOKEN = re.compile(
    r"""\s*(?:"(?P<quoted>(?:[^"]|"")*)"|`(?P<ticked>(?:[^`]|``)*)`|(?P<word>[^\s(),<>:"`]+)|(?P<mark>[(),<>:]))"""
)


def _field(name: str, part: Type) -> str:
    if not name:
        return part.athena
    if not _PLAIN_NAME.fullmatch(name):
        name = '"' + name.replace('"', '""') + '"'
    return f"{name} {part.athena}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Type:
    """Parse Athena text; a bare `timestamp` has 3 digits, a bare `decimal` is (38,0).

    Raises AthenaError TYPE_NOT_FOUND when the text names no type.
    """
    return _Reader(text, hive=False).whole()


@lru_cache(maxsize=4096)
def parse_hive(text: str) -> Type:
    """Parse Hive (Glue) text; a bare `timestamp` has 3 digits, a bare `decimal` is (10,0).

    Raises AthenaError TYPE_NOT_FOUND when the text names no type.
    """
    return _Reader(text, hive=True).whole()


def as_iceberg(type_: Type) -> Type:
    """Return the type of an Iceberg column: every time and timestamp has 6 digits."""
    numbers = (6,) if type_.name in _TEMPORAL else type_.numbers
    return Type(type_.name, numbers, tuple((name, as_iceberg(part)) for name, part in type_.parts))


def walk(type_: Type) -> Iterator[Type]:
    """Yield the type and every type inside it."""
    yield type_
    for _, part in type_.parts:
        yield from walk(part)


class _Reader:
    """A recursive-descent parser of one type text; both notations share the grammar."""

    def __init__(self, text: str, *, hive: bool) -> None:
        self.text = text
        self.hive = hive
        self.tokens: list[tuple[str, bool]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.unknown()
            quoted, ticked = match["quoted"], match["ticked"]
            if quoted is not None:
                self.tokens.append((quoted.replace('""', '"'), True))
            elif ticked is not None:
                self.tokens.append((ticked.replace("``", "`"), True))
            else:
                self.tokens.append((match["word"] or match["mark"], False))
            at = match.end()
        self.at = 0

    def unknown(self) -> AthenaError:
        return AthenaError("TYPE_NOT_FOUND", f"line 1:1: Unknown type: {self.text.strip()}")

    def whole(self) -> Type:
        found = self.type()
        if self.at != len(self.tokens):
            raise self.unknown()
        return found

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at][0].lower() if at < len(self.tokens) and not self.tokens[at][1] else ""

    def take(self, *expected: str) -> str:
        word = self.peek()
        if not word or (expected and word not in expected):
            raise self.unknown()
        self.at += 1
        return word

    def accept(self, *words: str) -> bool:
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def type(self) -> Type:
        name = self.take()
        if name == "double":
            self.accept("precision")
        if name == "interval":
            name = "interval " + " ".join(self.take() for _ in range(3))
        name = _SYNONYMS.get(name, name)
        if name in ("array", "map", "row"):
            return self.nested(name)
        numbers = self.numbers()
        if name in ("time", "timestamp"):
            if self.accept("with", "time", "zone") or self.accept("with", "local", "time", "zone"):
                name += " with time zone"
            else:
                self.accept("without", "time", "zone")
        if name not in _INFO:
            raise self.unknown()
        return Type(name, self.completed(name, numbers))

    def numbers(self) -> tuple[int, ...]:
        if not self.accept("("):
            return ()
        found = []
        while True:
            word = self.take()
            if not word.isdigit():
                raise self.unknown()
            found.append(int(word))
            if self.take(",", ")") == ")":
                return tuple(found)

    def completed(self, name: str, numbers: tuple[int, ...]) -> tuple[int, ...]:
        if name == "decimal":
            bare = (10, 0) if self.hive else (MAX_DECIMAL, 0)
            return numbers if len(numbers) == 2 else (numbers[0], 0) if numbers else bare
        if name == "char":
            return numbers or (1,)
        if name == "varchar":
            return () if numbers == (UNBOUNDED,) else numbers
        return (numbers or (3,)) if name in _TEMPORAL else ()

    def nested(self, name: str) -> Type:
        closing = ")" if self.take("(", "<") == "(" else ">"
        parts: list[tuple[str, Type]] = []
        while True:
            parts.append(self.part(named=name == "row"))
            if self.take(",", closing) == closing:
                break
        if (name == "array" and len(parts) != 1) or (name == "map" and len(parts) != 2):
            raise self.unknown()
        return Type(name, (), tuple(parts))

    def part(self, *, named: bool) -> tuple[str, Type]:
        if not named or not self.has_name():
            return "", self.type()
        name, quoted = self.tokens[self.at]
        self.at += 1
        if self.hive:  # Glue does not quote names with spaces: struct<unit price:double>
            while self.peek() not in (":", ""):
                name += " " + self.take()
        self.accept(":")
        return (name if quoted else name.lower()), self.type()

    def has_name(self) -> bool:
        """A field is `name type`, `name: type` or, in Athena text, only a type."""
        if self.at >= len(self.tokens):
            raise self.unknown()
        if self.hive or self.tokens[self.at][1] or self.peek(1) == ":":
            return True
        following = self.peek(1)
        starts_type = following in _INFO or following in _SYNONYMS or following == "interval"
        return starts_type and not (self.peek() == "interval" and following in ("day", "year"))
