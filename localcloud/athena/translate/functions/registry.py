"""The list of functions that the local cloud has verified; any other name is refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from localcloud.athena.translate.functions.signatures import Signature, signature
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import Term

# Renders one aggregate or window call in DuckDB text, with DISTINCT, FILTER, ORDER BY and OVER.
Render = Callable[..., str]
Scalar = Callable[[list[Term]], str | Term]
Aggregate = Callable[[list[Term], Render], str | Term]
Special = Callable[[list[exp.Expression], exp.Expression, Scope], Term]


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function and how DuckDB computes it."""

    signature: Signature
    scalar: Scalar | None = None
    aggregate: Aggregate | None = None


@dataclass(slots=True)
class Function:
    """A function: its overloads, or its own rule for calls that no signature describes."""

    name: str
    overloads: list[Overload] = field(default_factory=list)
    special: Special | None = None
    windowed: bool = False


FUNCTIONS: dict[str, Function] = {}


def _function(name: str) -> Function:
    return FUNCTIONS.setdefault(name, Function(name))


def scalar(written: str, sql: str | Scalar) -> None:
    """Add a scalar function; `sql` is a template with {0}, {1} … or a rule that returns the text."""
    found = signature(written)
    rule = _templated(sql) if isinstance(sql, str) else sql
    _function(found.name).overloads.append(Overload(found, scalar=rule))


def aggregate(written: str, sql: str | Aggregate) -> None:
    """Add an aggregate; `sql` is its name in DuckDB, or a rule that renders one or more calls."""
    found = signature(written)
    rule = _named(sql) if isinstance(sql, str) else sql
    _function(found.name).overloads.append(Overload(found, aggregate=rule))


def window(written: str, sql: str | Aggregate) -> None:
    """Add a function that can only be called over a window."""
    found = signature(written)
    rule = _named(sql) if isinstance(sql, str) else sql
    function = _function(found.name)
    function.overloads.append(Overload(found, aggregate=rule))
    function.windowed = True


def special(*names: str) -> Callable[[Special], Special]:
    """Register a rule over untranslated arguments for these functions."""

    def register(rule: Special) -> Special:
        for name in names:
            _function(name).special = rule
        return rule

    return register


def alias(name: str, of: str) -> None:
    """Add another name for a function."""
    FUNCTIONS[name] = FUNCTIONS[of]


def _templated(template: str) -> Scalar:
    return lambda arguments: template.format(*(argument.sql for argument in arguments))


def _named(name: str) -> Aggregate:
    return lambda arguments, render: render(name, *texts(arguments))


def texts(arguments: Sequence[Term]) -> list[str]:
    """Return the DuckDB text of each argument."""
    return [argument.sql for argument in arguments]


def is_aggregate(node: exp.Expression) -> bool:
    """Whether a node is the call of an aggregate, over a window or not."""
    if isinstance(node, exp.Filter | exp.GroupConcat):
        return True
    function = FUNCTIONS.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    if function is None:
        return False
    return function.name == "reduce_agg" or any(overload.aggregate for overload in function.overloads)
