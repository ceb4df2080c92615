"""Calls: find the function and put modifiers (DISTINCT, FILTER, OVER) in place."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, function_not_found, not_supported
from localcloud.athena.translate.functions import (  # noqa: F401  each fills the list when imported
    aggregates,
    amounts,
    bits,
    collections,
    conditional,
    dates,
    encodings,
    hashes,
    json,
    lambdas,
    numbers,
    pieces,
    prints,
    sequences,
    sqljson,
    statistics,
    strings,
    teradata,
    urls,
)
from localcloud.athena.translate.functions.absent import is_absent
from localcloud.athena.translate.functions.overloads import Modifiers, apply_overload
from localcloud.athena.translate.functions.registry import FUNCTIONS
from localcloud.athena.translate.scope import Scope, place
from localcloud.athena.translate.terms import BIGINT, BOOLEAN, Term


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
        raise function_not_found(name, absent_here=is_absent(name), line=line, column=column)
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
    return apply_overload(function, [scope.term(argument) for argument in arguments], node, modifiers)


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
            if modifiers.over:
                line, column = place(node)
                text = f"line {line}:{column}: FILTER is not yet supported for window functions"
                raise not_supported(text)
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
