"""Calls: find the function, fit the arguments, and put modifiers (DISTINCT, FILTER, OVER) in place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, function_not_found, not_supported
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.functions import (  # noqa: F401  each fills the list when imported
    aggregates,
    collections,
    conditional,
    dates,
    json,
    lambdas,
    numbers,
    strings,
)
from localcloud.athena.translate.functions.registry import FUNCTIONS, Function, Overload
from localcloud.athena.translate.functions.signatures import is_variable, match, resolved, substitute
from localcloud.athena.translate.scope import Scope, mismatch, place
from localcloud.athena.translate.terms import BIGINT, BOOLEAN, UNKNOWN, VARCHAR, Term, varchar
from localcloud.athena.types import Type


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What stands around an aggregate call, as DuckDB's text."""

    distinct: bool = False
    order: str = ""
    where: str = ""
    over: str = ""
    nulls: str = ""

    def render(self, name: str, *arguments: str, bare: bool = False) -> str:
        """One call; `bare` leaves DISTINCT and ORDER BY out (for a count beside a sum, say)."""
        distinct = "DISTINCT " if self.distinct and not bare else ""
        order = self.order if not bare else ""
        return f"{name}({distinct}{', '.join(arguments)}{self.nulls}{order}){self.where}{self.over}"


def call(
    name: str,
    arguments: Sequence[exp.Expression],
    node: exp.Expression,
    scope: Scope,
    modifiers: Modifiers | None = None,
) -> Term:
    """The call, typed. Raises FUNCTION_NOT_FOUND for names that are not on the list."""
    function = FUNCTIONS.get(name)
    if function is None:
        line, column = place(node)
        raise function_not_found(name, line=line, column=column)
    if function.special is not None and modifiers is None:
        return function.special(list(arguments), node, scope)
    if function.windowed and (modifiers is None or not modifiers.over):
        line, column = place(node)
        raise AthenaError(
            "MISSING_OVER", f"line {line}:{column}: Window function {name} requires an OVER clause"
        )
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        arguments = []
    arguments, modifiers = _modified(list(arguments), modifiers or Modifiers(), scope)
    return _apply(function, [scope.term(argument) for argument in arguments], node, modifiers)


def apply(name: str, terms: list[Term], node: exp.Expression) -> Term:
    """The call of a listed function on translated arguments."""
    return _apply(FUNCTIONS[name], terms, node, Modifiers())


def _apply(function: Function, terms: list[Term], node: exp.Expression, modifiers: Modifiers) -> Term:
    overload, bound = _best(function, [term.type for term in terms], node)
    fitted = [
        _fitted(term, parameter, bound)
        for term, parameter in zip(terms, _parameters(overload, len(terms)), strict=True)
    ]
    if overload.scalar is not None:
        if modifiers != Modifiers():
            raise mismatch(node, f"'{function.name}' is not an aggregation or window function")
        result = overload.scalar(fitted)
    else:
        assert overload.aggregate is not None
        result = overload.aggregate(fitted, modifiers.render)
    if isinstance(result, Term):
        return result
    zone = next((term.zone for term in fitted if term.type.name == "timestamp with time zone"), "UTC")
    return Term(result, resolved(overload.signature.result, bound, [term.type for term in fitted]), zone)


def _parameters(overload: Overload, count: int) -> list[Type]:
    parameters = list(overload.signature.parameters)
    if overload.signature.repeats:
        parameters += [parameters[-1]] * (count - len(parameters))
    return parameters[:count]


def _best(function: Function, types: list[Type], node: exp.Expression) -> tuple[Overload, dict[str, Type]]:
    fits = [
        (overload, found) for overload in function.overloads if (found := match(overload.signature, types))
    ]
    if not fits:
        line, column = place(node)
        given = ", ".join(type_.athena for type_ in types)
        expected = ", ".join(overload.signature.text for overload in function.overloads)
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"line {line}:{column}: Unexpected parameters ({given}) for function {function.name}. "
            f"Expected: {expected}",
        )
    overload, (_, bound) = min(fits, key=lambda fit: fit[1][0])
    if function.name == "concat" and any(type_.name == "char" for type_ in types):
        raise not_supported("Concatenation of char in the local cloud: cast it to varchar first")
    if function.name == "concat" and UNKNOWN in types and any(type_.name == "array" for type_ in types):
        line, column = place(node)
        raise AthenaError(
            "AMBIGUOUS_FUNCTION_CALL", f"line {line}:{column}: Could not choose a best candidate operator"
        )
    return overload, bound


def _fitted(term: Term, parameter: Type, bound: dict[str, Type]) -> Term:
    if parameter.name == "function":
        return term
    if is_variable(parameter) or parameter.parts:
        return coerce(term, _filled(parameter, term.type, bound))
    if parameter.name == term.type.name and not parameter.numbers:
        return term
    return coerce(term, _concrete(parameter, term.type))


def _filled(parameter: Type, given: Type, bound: dict[str, Type]) -> Type:
    """The pattern with its variables bound; patterns without numbers keep the argument's own type."""
    if is_variable(parameter):
        return bound[parameter.name]
    if parameter.parts and given.name == parameter.name:
        pairs = zip(parameter.parts, given.parts, strict=True)
        parts = tuple((name, _filled(inner, part, bound)) for (_, inner), (name, part) in pairs)
        return Type(parameter.name, (), parts)
    if parameter.parts:
        return substitute(parameter, bound)
    return given if parameter.name == given.name else _concrete(parameter, given)


_BARE = {"timestamp": (0,), "timestamp with time zone": (0,), "time": (0,), "decimal": (38, 0)}
_WIDTHS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}


def _concrete(parameter: Type, given: Type) -> Type:
    """A pattern without numbers as a type that `given` can become."""
    if given == UNKNOWN and parameter == VARCHAR:
        return varchar(0)
    if parameter.numbers or parameter.name not in _BARE:
        return parameter
    if parameter.name == "decimal":
        return Type("decimal", (_WIDTHS.get(given.name, 38), 0))
    return Type(parameter.name, given.numbers or _BARE[parameter.name])


def _modified(
    arguments: list[exp.Expression], modifiers: Modifiers, scope: Scope
) -> tuple[list[exp.Expression], Modifiers]:
    """Take DISTINCT and ORDER BY out of the argument list."""
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        arguments = list(arguments[0].expressions)
        modifiers = replace(modifiers, distinct=True)
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1]
        arguments = [*arguments[:-1], order.this] if order.this is not None else arguments[:-1]
        modifiers = replace(modifiers, order=" ORDER BY " + ordering(order.expressions, scope))
        if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
            return list(arguments[0].expressions), replace(modifiers, distinct=True)
    return arguments, modifiers


def ordering(keys: Sequence[exp.Expression], scope: Scope) -> str:
    """The keys of an ORDER BY inside a call or window; nulls come last unless the query says otherwise."""
    return ", ".join(f"{constant_safe(scope.term(key.this))}{direction(key)}" for key in keys)


def direction(key: exp.Expression) -> str:
    """` ASC NULLS LAST` and its like."""
    return (" DESC" if key.args.get("desc") else " ASC") + (
        " NULLS FIRST" if key.args.get("nulls_first") else " NULLS LAST"
    )


def constant_safe(term: Term) -> str:
    """The term where DuckDB would read a bare number as the position of a column."""
    return f"CAST({term.sql} AS BIGINT)" if isinstance(term.value, int) else term.sql


def filtered_call(node: exp.Expression, scope: Scope) -> Term:
    """`f(…) FILTER (WHERE …)` and `f(…) IGNORE NULLS`, without a window."""
    return _unwrapped(node, scope, Modifiers())


def _unwrapped(node: exp.Expression, scope: Scope, modifiers: Modifiers) -> Term:
    match node:
        case exp.Filter():
            condition = scope.expect(node.expression.this, BOOLEAN, "FILTER clause")
            return _unwrapped(node.this, scope, replace(modifiers, where=f" FILTER (WHERE {condition.sql})"))
        case exp.IgnoreNulls():
            return _unwrapped(node.this, scope, replace(modifiers, nulls=" IGNORE NULLS"))
        case exp.RespectNulls():
            return _unwrapped(node.this, scope, modifiers)
        case exp.GroupConcat():
            return listagg(node, scope, modifiers)
        case exp.Anonymous():
            name = node.name.lower()
            return call(name, node.expressions, node, scope, modifiers)
    raise not_supported(f"The local cloud does not know {type(node).__name__.upper()} as a window function")


def window_call(node: exp.Expression, scope: Scope) -> Term:
    """`f(…) OVER (…)` or `OVER name`."""
    name = node.args.get("alias")
    window: exp.Expression | None = node
    if name is not None and not (node.args.get("partition_by") or node.args.get("order")):
        window = scope.window(name.name.lower())
        if window is None:
            line, column = place(node)
            raise AthenaError(
                "INVALID_WINDOW_REFERENCE", f"line {line}:{column}: Cannot resolve WINDOW name {name}"
            )
    assert window is not None
    return _unwrapped(node.this, scope, Modifiers(over=f" OVER ({_window(window, scope)})"))


def _window(node: exp.Expression, scope: Scope) -> str:
    parts = []
    if keys := node.args.get("partition_by"):
        parts.append("PARTITION BY " + ", ".join(constant_safe(scope.term(key)) for key in keys))
    if order := node.args.get("order"):
        parts.append("ORDER BY " + ordering(order.expressions, scope))
    if spec := node.args.get("spec"):
        parts.append(_frame(spec, scope))
    return " ".join(parts)


def _frame(spec: exp.Expression, scope: Scope) -> str:
    start, end = (_bound(spec, side, scope) for side in ("start", "end"))
    kind = spec.args["kind"].upper()
    if kind not in ("ROWS", "RANGE", "GROUPS"):
        raise not_supported(f"Window frame {kind}")
    return f"{kind} BETWEEN {start} AND {end}" if end else f"{kind} BETWEEN {start} AND CURRENT ROW"


def _bound(spec: exp.Expression, side: str, scope: Scope) -> str:
    bound = spec.args.get(side)
    if bound is None:
        return ""
    if isinstance(bound, str):
        words = bound if bound == "CURRENT ROW" else f"{bound} {spec.args.get(side + '_side') or ''}"
        return words.strip().upper()
    offset = scope.expect(bound, BIGINT, "Window frame offset")
    return f"{offset.sql} {spec.args[side + '_side'].upper()}"


def listagg(node: exp.Expression, scope: Scope, modifiers: Modifiers | None = None) -> Term:
    """`listagg(value, separator) WITHIN GROUP (ORDER BY …)`."""
    modifiers = modifiers or Modifiers()
    value, order = node.this, None
    if isinstance(value, exp.Order):
        order, value = value, value.this
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
        modifiers = replace(modifiers, distinct=True)
    if order is not None:
        modifiers = replace(modifiers, order=" ORDER BY " + ordering(order.expressions, scope))
    separator = node.args.get("separator") or exp.Literal.string("")
    return call("listagg", [value, separator], node, scope, modifiers)
