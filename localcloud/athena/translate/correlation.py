"""Refuse correlated subqueries that Athena cannot decorrelate.

DuckDB answers all of them. What Trino 476 refuses was found by testing it
(`tests/localcloud/athena/translate/probes/correlated.jsonl`); anything not known to be refused is answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.registry import is_aggregate
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope

_QUERIES = (exp.Select, exp.SetOperation, exp.Values)


@contextmanager
def checked(kind: str, node: exp.Expression, scope: Scope) -> Iterator[None]:
    """Refuse the `scalar`, `exists`, `in` or `lateral` subquery that the body translates, if Trino does."""
    statement = scope.statement
    seen = len(statement.resolved)
    yield
    around = {id(level) for level in scope.up()}
    outer = [column for column, level in statement.resolved[seen:] if id(level) in around]
    query = node.this if isinstance(node, exp.Subquery) else node
    if outer and any(_is_refused(kind, column, query, outer) for column in outer):
        raise _refusal(node)


def _refusal(node: exp.Expression) -> AthenaError:
    line, column = place(node)
    return not_supported(f"line {line}:{column}: Given correlated subquery is not supported")


def _is_refused(
    kind: str, column: exp.Expression, query: exp.Expression, outer: list[exp.Expression]
) -> bool:
    way = [column, *_ancestors(column)]
    if not any(step is query for step in way):  # the column is in a copy, so its place is unknown
        return False
    at = next(index for index, step in enumerate(way) if isinstance(step, _QUERIES))
    block = way[at]
    if isinstance(block, exp.Values) and block is query and kind == "lateral":
        return True
    if not isinstance(block, exp.Select):
        return False
    if (found := _on_the_way(block, query)) is not None:
        return found
    return _in_block(kind, way[:at], block, outer)


def _ancestors(node: exp.Expression) -> Iterator[exp.Expression]:
    above = node.parent
    while above is not None:
        yield above  # type: ignore[misc]  # all nodes of the tree are expressions
        above = above.parent


def _on_the_way(block: exp.Expression, query: exp.Expression) -> bool | None:
    """Whether a node between a block and its subquery makes Trino refuse it; None if nothing decides."""
    while block is not query:
        above = block.parent
        if isinstance(above, exp.SetOperation):
            return True
        if isinstance(above, exp.CTE) or above is None:
            return False
        holder = above.parent if isinstance(above, exp.Subquery) else above
        if not isinstance(holder, exp.From):
            return isinstance(above, exp.Subquery | exp.Exists | exp.In)
        if not isinstance(holder.parent, exp.Select) or holder.parent.args.get("joins"):
            return True
        block = holder.parent
    return None


def _in_block(kind: str, way: list[exp.Expression], block: exp.Select, outer: list[exp.Expression]) -> bool:
    """Whether an outer column is refused at its place in a block; `way` is the path of nodes to it."""
    clause = way[-1]
    source = block.args.get("from_")
    if source is not None and isinstance(source.this, exp.Unnest) and _has(source.this, outer):
        return block.args.get("where") is not None
    if isinstance(clause, exp.Join):
        return bool(clause.args.get("side")) or isinstance(clause.this, exp.Unnest)
    if clause.arg_key == "expressions":
        if kind == "exists":  # needs rows only, not their values
            return False
        if kind in ("in", "lateral") and source is not None:
            return True
        filtered = block.args.get("where") is not None and not _is_total(block)
        return filtered or any(is_aggregate(step) for step in way)
    if isinstance(clause, exp.Group):
        return True
    return isinstance(clause, exp.Where) and _filters_too_late(kind, clause, block, outer)


def _filters_too_late(kind: str, where: exp.Where, block: exp.Select, outer: list[exp.Expression]) -> bool:
    """Whether the block computes something over its rows before the outer condition can filter them."""
    if kind != "exists" and any(part.find(exp.Window) for part in block.expressions):
        return True
    total = _is_total(block)
    limit, grouped = block.args.get("limit"), block.args.get("group") is not None
    if kind == "in" and (total or grouped or limit is not None or block.args.get("distinct") is not None):
        return True
    if block.args.get("offset") is not None:
        return True
    equal = all(_is_equality(part, outer) for part in _conjuncts(where.this) if _has(part, outer))
    if (grouped or block.args.get("having") is not None) and kind == "scalar":
        return not equal
    if limit is None or (total and not grouped):
        return False
    count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
    one = count == exp.Literal.number(1)
    return not equal if one else kind != "exists"


def _is_total(block: exp.Select) -> bool:
    return any(is_aggregate(part) for item in block.expressions for part in item.walk())


def _conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    else:
        yield node


def _has(node: exp.Expression, outer: list[exp.Expression]) -> bool:
    return any(part is column for part in node.walk() for column in outer)


def _is_equality(node: exp.Expression, outer: list[exp.Expression]) -> bool:
    """Whether it is `column = expression of outer columns`."""
    if not isinstance(node, exp.EQ):
        return False
    sides = [node.this, node.expression]
    inner = [side for side in sides if not _has(side, outer)]
    return len(inner) == 1 and isinstance(inner[0], exp.Column)
