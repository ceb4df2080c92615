"""Function calls: look up the function and add modifiers (DISTINCT, FILTER, OVER)."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, function_not_found, not_supported, syntax_error
from localcloud.athena.translate import zones
from localcloud.athena.translate.coercion import is_numeric, is_orderable
from localcloud.athena.translate.functions import (  # noqa: F401  each fills the list when imported
    aggregates,
    amounts,
    arities,
    bits,
    collections,
    conditional,
    dates,
    encodings,
    hashes,
    iso8601,
    json,
    lambdas,
    numbers,
    pieces,
    prints,
    regexps,
    sequences,
    sqljson,
    sqljson_paths,
    statistics,
    strings,
    teradata,
    urls,
)
from localcloud.athena.translate.functions.absent import is_absent
from localcloud.athena.translate.functions.overloads import Modifiers, apply_overload
from localcloud.athena.translate.functions.registry import FUNCTIONS, is_aggregate
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import (
    BIGINT,
    BOOLEAN,
    DAY_SECOND,
    YEAR_MONTH,
    Term,
    fail,
    nan_first,
    text,
)


def call(
    name: str,
    arguments: Sequence[exp.Expression],
    node: exp.Expression,
    scope: Scope,
    modifiers: Modifiers | None = None,
) -> Term:
    """Translate a call. Raises FUNCTION_NOT_FOUND for names that are not listed."""
    function = FUNCTIONS.get(name)
    if function is None:
        line, column = place(node)
        raise function_not_found(name, absent_here=is_absent(name), line=line, column=column)
    if function.special is not None and modifiers is None:
        arities.check(name, list(arguments), node)
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


# Nodes that evaluate their parts conditionally, or have none to evaluate first.
_BY_TURNS = (
    *(exp.Case, exp.And, exp.Or, exp.Subquery, exp.Exists),
    *(exp.Window, exp.Filter, exp.GroupConcat, exp.IgnoreNulls, exp.RespectNulls),
)
_CALLS_BY_TURNS = frozenset({"if", "coalesce", "try", "grouping"})


def evaluates_its_parts(node: exp.Expression) -> bool:
    """Whether an expression evaluates all of its parts before itself; aggregates do not."""
    if isinstance(node, _BY_TURNS) or node.args.get("query") is not None:
        return False
    if isinstance(node.args.get("expression"), exp.Any | exp.All):
        return False
    if not isinstance(node, exp.Anonymous):
        return True
    return not is_aggregate(node) and node.name.lower() not in _CALLS_BY_TURNS


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
    """Return the keys of an ORDER BY inside a call or window; nulls come last by default."""
    return ", ".join(sort_key(scope.term(key.this), key) for key in keys)


def sort_key(term: Term, key: exp.Expression) -> str:
    """Return a key of an ORDER BY with its direction. With NULLS FIRST, Trino sorts NaN first."""
    if not is_orderable(term.type):
        line, column = place(key)
        message = f"Type {term.type.athena} is not orderable, and therefore cannot be used in ORDER BY"
        raise AthenaError("TYPE_MISMATCH", f"line {line}:{column}: {message}")
    term = zones.unshown(term)
    if key.args.get("nulls_first") and term.type.name in ("real", "double"):
        return f"{nan_first(term)}{direction(key)}"
    return f"{constant_safe(term)}{direction(key)}"


def direction(key: exp.Expression) -> str:
    """Return ` ASC NULLS LAST` or the like."""
    return (" DESC" if key.args.get("desc") else " ASC") + (
        " NULLS FIRST" if key.args.get("nulls_first") else " NULLS LAST"
    )


def constant_safe(term: Term) -> str:
    """Cast literals where DuckDB would read a number as a column position, and refuses a string."""
    if isinstance(term.value, int):
        return f"CAST({term.sql} AS BIGINT)"
    return f"CAST({term.sql} AS VARCHAR)" if isinstance(term.value, str) or term.sql == "NULL" else term.sql


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


_RANKS = frozenset({"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"})
_NEIGHBOURS = frozenset({"lag", "lead"})
_WRONG_OFFSET = "Window frame offset value must not be negative or null"


def window_call(node: exp.Expression, scope: Scope) -> Term:
    """`f(…) OVER (…)` or `OVER name`."""
    window = _whole(node, scope)
    _check_window(node, window)
    return _unwrapped(node.this, scope, Modifiers(over=f" OVER ({_window(window, scope)})"))


def _whole(node: exp.Expression, scope: Scope) -> exp.Expression:
    """Return the window with the parts of a named one: `OVER name`, `OVER (name ORDER BY …)`."""
    named = node.args.get("alias")
    if named is None:
        return node
    base = scope.window(named.name.lower())
    if base is None:
        line, column = place(node)
        raise AthenaError(
            "INVALID_WINDOW_REFERENCE", f"line {line}:{column}: Cannot resolve WINDOW name {named.name}"
        )
    base = _whole(base, scope)
    for part, code in ("partition_by", "INVALID_PARTITION_BY"), ("order", "INVALID_ORDER_BY"):
        if node.args.get(part) and (part == "partition_by" or base.args.get(part)):
            line, column = place(node)
            text = f"line {line}:{column}: WINDOW {named.name} is named: its {part} cannot be given again"
            raise AthenaError(code, text)
    kept = {part: node.args.get(part) or base.args.get(part) for part in ("partition_by", "order", "spec")}
    return exp.Window(**kept)


def _check_window(node: exp.Expression, window: exp.Expression) -> None:
    """Refuse a frame for ranks, lag and lead, which use the whole partition; lag and lead need an order."""
    call = node.this
    while isinstance(call, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        call = call.this
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    line, column = place(node)
    if name in _NEIGHBOURS and not window.args.get("order"):
        text = f"line {line}:{column}: {name} function requires an ORDER BY window clause"
        raise AthenaError("MISSING_ORDER_BY", text)
    spec = window.args.get("spec")
    if name in _RANKS | _NEIGHBOURS and spec:
        text = f"line {line}:{column}: Cannot specify window frame for {name} function"
        raise AthenaError("INVALID_WINDOW_FRAME", text)
    if spec:
        order = window.args.get("order")
        _check_frame(spec, len(order.expressions) if order is not None else 0, f"line {line}:{column}: ")


def _check_frame(spec: exp.Expression, keys: int, at: str) -> None:
    """Refuse a frame that ends before it starts, and distances of RANGE without the one key they are of."""
    start, end = (_bound_name(spec, side) for side in ("start", "end"))
    if start == "UNBOUNDED FOLLOWING":
        raise AthenaError("INVALID_WINDOW_FRAME", f"{at}Window frame start cannot be UNBOUNDED FOLLOWING")
    if end == "UNBOUNDED PRECEDING":
        raise AthenaError("INVALID_WINDOW_FRAME", f"{at}Window frame end cannot be UNBOUNDED PRECEDING")
    if end in _BEFORE.get(start, ()):
        text = f"{at}Window frame starting from {start} cannot end with {end}"
        raise AthenaError("INVALID_WINDOW_FRAME", text)
    if spec.args["kind"].upper() == "RANGE" and {start, end} & {"PRECEDING", "FOLLOWING"} and keys != 1:
        text = f"{at}Window frame of type RANGE PRECEDING or FOLLOWING requires "
        if keys == 0:
            raise AthenaError("MISSING_ORDER_BY", f"{text}ORDER BY")
        raise AthenaError("INVALID_ORDER_BY", f"{text}single sort item in ORDER BY (actual: {keys})")


_BEFORE = {"CURRENT ROW": ("PRECEDING",), "FOLLOWING": ("PRECEDING", "CURRENT ROW")}
"""The ends of a frame that come before its start."""


def _bound_name(spec: exp.Expression, side: str) -> str:
    """Return a bound of a frame without its distance; a frame without an end ends at the current row."""
    bound = spec.args.get(side)
    if bound is None or bound == "CURRENT ROW":
        return "CURRENT ROW"
    where = str(spec.args.get(f"{side}_side") or "").upper()
    return f"UNBOUNDED {where}" if isinstance(bound, str) else where


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
    kind = spec.args["kind"].upper()
    if kind not in ("ROWS", "RANGE", "GROUPS"):
        raise not_supported(f"Window frame {kind}")
    start, end = (_bound(spec, side, kind, scope) for side in ("start", "end"))
    return f"{kind} BETWEEN {start} AND {end}" if end else f"{kind} BETWEEN {start} AND CURRENT ROW"


def _bound(spec: exp.Expression, side: str, kind: str, scope: Scope) -> str:
    bound = spec.args.get(side)
    if bound is None:
        return ""
    if isinstance(bound, str):
        words = bound if bound == "CURRENT ROW" else f"{bound} {spec.args.get(side + '_side') or ''}"
        return words.strip().upper()
    offset = scope.term(bound)
    in_range = kind == "RANGE" and (is_numeric(offset.type) or offset.type in (DAY_SECOND, YEAR_MONTH))
    if not in_range:
        offset = scope.expect(bound, BIGINT, "Window frame offset")
    if isinstance(offset.value, int) and offset.value < 0:
        raise AthenaError("INVALID_WINDOW_FRAME", _WRONG_OFFSET)
    return f"{_checked_offset(offset)} {spec.args[side + '_side'].upper()}"


def _checked_offset(offset: Term) -> str:
    """Return the offset of a frame; unless it is a literal, it may be null or negative in some row."""
    if isinstance(offset.value, int):
        return offset.sql
    zero = "INTERVAL 0 DAY" if offset.type in (DAY_SECOND, YEAR_MONTH) else "0"
    failure = fail("INVALID_WINDOW_FRAME", text(_WRONG_OFFSET), offset.type)
    return f"CASE WHEN {offset.sql} IS NULL OR {offset.sql} < {zero} THEN {failure} ELSE {offset.sql} END"


# The maximum length of listagg's result, in bytes.
_LONGEST = 1 << 20


def listagg(node: exp.Expression, scope: Scope, modifiers: Modifiers | None = None) -> Term:
    """`listagg(value, separator) WITHIN GROUP (ORDER BY …)`."""
    modifiers = modifiers or Modifiers()
    value, order = node.this, None
    if isinstance(value, exp.Order):
        order, value = value, value.this
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
        modifiers = replace(modifiers, distinct=True)
    if order is None:
        line, column = place(node)
        raise syntax_error("listagg without an order. Expecting: 'WITHIN'", line=line, column=column)
    modifiers = replace(modifiers, order=" ORDER BY " + ordering(order.expressions, scope))
    separator = node.args.get("separator") or exp.Literal.string("")
    found = call("listagg", [value, separator], node, scope, modifiers)
    truncated = node.args.get("on_overflow")
    if not isinstance(truncated, exp.OverflowTruncateBehavior):
        return found
    if truncated.this is None:
        line, column = place(node)
        raise syntax_error("mismatched input ')'. Expecting: <string>", line=line, column=column)
    long = fail("NOT_SUPPORTED", text("A truncated listagg in the local cloud"), found.type)
    checked = f"CASE WHEN strlen({found.sql}) > {_LONGEST} THEN {long} ELSE {found.sql} END"
    return replace(found, sql=checked)
