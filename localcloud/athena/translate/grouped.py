"""The expressions of a block with GROUP BY or aggregates: each must be grouped or aggregated.

DuckDB checks the same, but knows neither the position nor the text of what was written. What is not certain
is left to DuckDB.
"""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.functions.registry import is_aggregate
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, resolve

_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)
_SUBQUERIES = (exp.Subquery, exp.Exists, exp.Select, exp.SetOperation, exp.Values)


def check_condition(where: exp.Expression) -> None:
    """Raise EXPRESSION_NOT_SCALAR at an aggregate or window in a WHERE."""
    _check_scalar(where, "WHERE clause")


def _check_scalar(node: exp.Expression, clause: str) -> None:
    if found := next(_calls(node), None):
        line, column = place(node)
        text = f"{clause} cannot contain aggregations, window functions or grouping operations"
        raise AthenaError("EXPRESSION_NOT_SCALAR", f"line {line}:{column}: {text}: [{_shown(found)}]")


def _calls(node: exp.Expression) -> Iterator[exp.Expression]:
    """Yield the aggregates and windows of an expression, but not those of its subqueries."""
    if isinstance(node, exp.Window) or is_aggregate(node):
        yield node
    elif not isinstance(node, _SUBQUERIES):
        for part in _children(node):
            yield from _calls(part)


def check(node: exp.Select, scope: Scope) -> None:
    """Raise EXPRESSION_NOT_AGGREGATE at the first item of SELECT, HAVING or ORDER BY that is neither.

    Raises EXPRESSION_NOT_SCALAR for the position of an aggregate in GROUP BY, NESTED_AGGREGATION for an
    aggregate of an aggregate.
    """
    group, having = node.args.get("group"), node.args.get("having")
    items = [item.this if isinstance(item, exp.Alias) else item for item in node.expressions]
    if group is None and having is None and not any(part for item in items for part in _aggregates(item)):
        return
    if any(_is_star(item) for item in items):  # positions count its columns
        return
    keys = [_meant(key, items) for key in _keys(group)] if group is not None else []
    for key in keys:
        _check_scalar(key, "GROUP BY clause")
    grouped = {_form(key, scope) for key in keys}
    items += [having.this] if having is not None else []
    for item in items:
        _check_nesting(item)
    for item in (*items, *_ordered_by(node)):
        if _is_open(item, grouped, scope):
            line, column = place(item)
            text = f"'{_shown(item)}' must be an aggregate expression or appear in GROUP BY clause"
            raise AthenaError("EXPRESSION_NOT_AGGREGATE", f"line {line}:{column}: {text}")


def _check_nesting(item: exp.Expression) -> None:
    for outer in _aggregates(item):
        call = outer.this if isinstance(outer, exp.Filter) else outer
        if inner := next((found for part in _children(call) for found in _aggregates(part)), None):
            line, column = place(outer)
            text = f"Cannot nest aggregations inside aggregation '{call.name}': [{_shown(inner)}]"
            raise AthenaError("NESTED_AGGREGATION", f"line {line}:{column}: {text}")


def _is_star(item: exp.Expression) -> bool:
    parts = (item, item.args.get("this"), item.args.get("expression"))
    return not isinstance(item, exp.Anonymous) and any(isinstance(part, exp.Star) for part in parts)


def _ordered_by(node: exp.Select) -> Iterator[exp.Expression]:
    """Yield the keys of ORDER BY without those that have a name from the select list."""
    order, names = node.args.get("order"), {item.alias_or_name.lower() for item in node.expressions}
    for key in order.expressions if order is not None else ():
        if not any(column.name.lower() in names for column in key.find_all(exp.Column)):
            yield key.this


def _keys(group: exp.Expression) -> Iterator[exp.Expression]:
    """Yield the expressions of a GROUP BY, those of grouping sets too."""
    sets = [key for kind in ("rollup", "cube", "grouping_sets") for key in group.args.get(kind) or []]
    todo = [*group.expressions, *sets]
    while todo:
        key = todo.pop(0).unnest()
        if isinstance(key, (exp.Tuple, *_SETS)):
            todo = [*key.expressions, *todo]
        else:
            yield key


def _meant(key: exp.Expression, items: Sequence[exp.Expression]) -> exp.Expression:
    """Return the item that a position means; any other key as it is."""
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit():
        return items[int(key.name) - 1].unnest()  # type: ignore[return-value]  # all nodes are expressions
    return key


def _is_open(node: exp.Expression, grouped: set[object], scope: Scope) -> bool:
    """Whether it has a column of this block outside of all keys and aggregates."""
    if isinstance(node, _SUBQUERIES) or is_aggregate(node) or _form(node, scope) in grouped:
        return False
    if isinstance(node, exp.Column):
        form = _column(node, scope)
        return form is not None and all(form[:length] not in grouped for length in range(1, len(form)))
    named = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.Lambda) or named == "grouping":
        return False
    return any(_is_open(part, grouped, scope) for part in _parts(node))


def _parts(node: exp.Expression) -> Iterator[exp.Expression]:
    """Yield the parts that must be grouped; over a window, those of the call and not the call itself."""
    if isinstance(node, exp.Window):
        call = node.this
        while isinstance(call, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
            call = call.this
        yield from _children(call)
        yield from (part for part in _children(node) if part is not node.this)
    else:
        yield from _children(node)


def _children(node: exp.Expression) -> Iterator[exp.Expression]:
    yield from node.iter_expressions()


def _aggregates(node: exp.Expression) -> Iterator[exp.Expression]:
    """Yield the aggregates of an expression, but not those of its subqueries, nor calls over a window."""
    if isinstance(node, _SUBQUERIES):
        return
    if is_aggregate(node):
        yield node
        return
    for part in _parts(node):
        yield from _aggregates(part)


def _form(node: object, scope: Scope) -> object:
    """Return what is equal for equal expressions: `t.a` is `A` if that is the same column."""
    if isinstance(node, exp.Paren):
        return _form(node.this, scope)
    if isinstance(node, exp.Column) and (found := _column(node, scope)) is not None:
        return found
    if isinstance(node, exp.Literal):
        return (node.is_string, node.this)
    if isinstance(node, exp.Expression):
        parts = ((name, _form(value, scope)) for name, value in sorted(node.args.items()) if value)
        return (type(node), *parts)
    if isinstance(node, list):
        return tuple(_form(part, scope) for part in node)
    return node.lower() if isinstance(node, str) else node


def _column(node: exp.Column, scope: Scope) -> tuple[str, ...] | None:
    """Return a column of this block and the fields inside it; None if it is no column, or of an outer one."""
    own = Scope(scope.statement, scope.database, fields=scope.fields)
    seen = len(scope.statement.resolved)
    try:
        with scope.statement.noting():
            term, inside = resolve(own, [part.name.lower() for part in node.parts], node)
    except AthenaError:
        return None
    del scope.statement.resolved[seen:]
    return (term.sql, *inside)


def _shown(node: exp.Expression) -> str:
    written = node.sql(normalize_functions=False)
    return f"({written})" if isinstance(node, exp.Binary) else written
