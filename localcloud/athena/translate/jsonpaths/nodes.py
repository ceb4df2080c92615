"""The tree of an SQL/JSON path: nodes give sequences of items; predicates are true, false or unknown."""

from dataclasses import dataclass
from typing import Literal as OneOf

Sign = OneOf["+", "-", "*", "/", "%"]
Comparing = OneOf["==", "<>", "<", ">", "<=", ">="]


class Node:
    """An expression that gives a sequence of items."""

    __slots__ = ()


class Predicate:
    """The condition of a filter on an item."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Path:
    """`lax $.a`: a whole path. In lax mode arrays unfold where items are expected; absence is no error."""

    lax: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Root(Node):
    """`$`: the document."""


@dataclass(frozen=True, slots=True)
class Current(Node):
    """`@`: the item that a filter tests."""


@dataclass(frozen=True, slots=True)
class Last(Node):
    """`last`: the last position in the array that is being subscripted."""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name`: a value from PASSING."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal: None, a bool, a text, an integer, or a float with its text as written."""

    value: str | int | float | bool | None
    written: str = ""


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`.name`, or `.*` without a name."""

    base: Node
    name: str | None


@dataclass(frozen=True, slots=True)
class Descendants(Node):
    """`..name`."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Elements(Node):
    """`[*]`."""

    base: Node


@dataclass(frozen=True, slots=True)
class Subscripts(Node):
    """`[0, 2 to last]`: the first and last position of each range."""

    base: Node
    ranges: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`?(…)`."""

    base: Node
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Method(Node):
    """`.size()` and the like."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Signed(Node):
    """`-…` or `+…` before a path."""

    sign: Sign
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`… + …`."""

    sign: Sign
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Predicate):
    """`… == …`."""

    operator: Comparing
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class StartsWith(Predicate):
    """`… starts with "…"`."""

    whole: Node
    prefix: Node


@dataclass(frozen=True, slots=True)
class Exists(Predicate):
    """`exists(…)`."""

    node: Node


@dataclass(frozen=True, slots=True)
class Both(Predicate):
    """`… && …`."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Either(Predicate):
    """`… || …`."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Negation(Predicate):
    """`!(…)`."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class IsUnknown(Predicate):
    """`(…) is unknown`."""

    predicate: Predicate
