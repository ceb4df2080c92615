"""A path of SQL/JSON as a tree: nodes give sequences of items, predicates are true, false or unknown."""

from dataclasses import dataclass
from typing import Literal as OneOf

Sign = OneOf["+", "-", "*", "/", "%"]
Comparing = OneOf["==", "<>", "<", ">", "<=", ">="]


class Node:
    """What gives a sequence of items."""

    __slots__ = ()


class Predicate:
    """What a filter asks of an item."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Path:
    """`lax $.a`: a whole path. In lax mode arrays unfold where items are wanted, and absence is no error."""

    lax: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Root(Node):
    """`$`: the document."""


@dataclass(frozen=True, slots=True)
class Current(Node):
    """`@`: the item that a filter asks about."""


@dataclass(frozen=True, slots=True)
class Last(Node):
    """`last`: the last place of the array in whose subscript it stands."""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name`: what PASSING gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal: None, a bool, a text, a whole number, or a float with the text that it was written as."""

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
    """`[0, 2 to last]`: the first and the last place of each range."""

    base: Node
    ranges: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`?(…)`."""

    base: Node
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Method(Node):
    """`.size()` and its like."""

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
