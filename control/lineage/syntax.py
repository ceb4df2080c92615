"""Access to pieces of sqlglot's syntax tree."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope


def relation_name(table: exp.Table) -> str:
    """Return the database and name of a table."""
    return f"{table.db}.{table.name}"


def kind_of(tree: exp.Expr | None) -> str:
    """Return the name of a piece for messages."""
    return type(tree).__name__.upper()


def children(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the direct children of a piece."""
    for value in tree.args.values():
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr):
                yield child


def is_plain(tree: exp.Expr) -> bool:
    """Whether an expression passes a column on as it is, except for its type."""
    while isinstance(tree, exp.Cast | exp.TryCast | exp.Paren):
        tree = tree.this
    return isinstance(tree, exp.Column)


def is_recursive(tree: exp.Expr) -> bool:
    """Whether a query may read itself, because it is in a WITH RECURSIVE."""
    cte = tree.parent
    return isinstance(cte, exp.CTE) and isinstance(cte.parent, exp.With) and bool(cte.parent.recursive)


def order_keys(order: exp.Expr | None) -> list[exp.Expr]:
    """Return the keys of an ORDER BY, if there is one."""
    return list(order.expressions) if order is not None else []


def key_names(key: exp.Expr, columns: list[str]) -> list[str]:
    """Return the columns that a key of ORDER BY names, or the one at the position that it gives."""
    number = key.this if isinstance(key, exp.Ordered) else key
    if isinstance(number, exp.Literal) and not number.is_string:
        return columns[int(number.name) - 1 :][:1]
    return [column.name for column in key.find_all(exp.Column)]


def named_windows(tree: exp.Expr, scope: Scope) -> Iterator[exp.Expr]:
    """Yield the windows of the WINDOW clause that a window refers to, also through another named one."""
    defined = {window.name.lower(): window for window in scope.expression.args.get("windows") or ()}
    while (base := tree.args.get("alias")) is not None and base.name.lower() in defined:
        tree = defined.pop(base.name.lower())
        yield tree


def frame_bounds(window: exp.Expr) -> list[exp.Expr]:
    """Return the expressions that compute where the frame of a window begins and ends."""
    frame = window.args.get("spec")
    bounds = (frame.args.get("start"), frame.args.get("end")) if frame is not None else ()
    return [bound for bound in bounds if isinstance(bound, exp.Expr)]
