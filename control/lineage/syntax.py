"""Pieces of a query's tree, as sqlglot has it."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope


def relation_name(table: exp.Table) -> str:
    """The database and name of a table."""
    return f"{table.db}.{table.name}"


def kind_of(tree: exp.Expr | None) -> str:
    """What a piece is called in messages."""
    return type(tree).__name__.upper()


def children(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The pieces that a piece is made of."""
    for value in tree.args.values():
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr):
                yield child


def is_plain(tree: exp.Expr) -> bool:
    """Whether an expression hands a column on as it is, apart from its type."""
    while isinstance(tree, exp.Cast | exp.TryCast | exp.Paren):
        tree = tree.this
    return isinstance(tree, exp.Column)


def is_recursive(tree: exp.Expr) -> bool:
    """Whether a query may read itself: it is one of WITH RECURSIVE."""
    cte = tree.parent
    return isinstance(cte, exp.CTE) and isinstance(cte.parent, exp.With) and bool(cte.parent.recursive)


def order_keys(order: exp.Expr | None) -> list[exp.Expr]:
    """The keys of an ORDER BY, if there is one."""
    return list(order.expressions) if order is not None else []


def key_names(key: exp.Expr, columns: list[str]) -> list[str]:
    """The columns that a key of ORDER BY names, or the one whose number it is."""
    number = key.this if isinstance(key, exp.Ordered) else key
    if isinstance(number, exp.Literal) and not number.is_string:
        return columns[int(number.name) - 1 :][:1]
    return [column.name for column in key.find_all(exp.Column)]


def named_windows(tree: exp.Expr, scope: Scope) -> Iterator[exp.Expr]:
    """The window of the WINDOW clause that `OVER name` means."""
    for window in scope.expression.args.get("windows") or ():
        if tree.args.get("alias") is not None and window.name == tree.args["alias"].name:
            yield window


def frame_bounds(window: exp.Expr) -> list[exp.Expr]:
    """Where the frame of a window begins and ends, as far as that is computed."""
    frame = window.args.get("spec")
    bounds = (frame.args.get("start"), frame.args.get("end")) if frame is not None else ()
    return [bound for bound in bounds if isinstance(bound, exp.Expr)]
