"""DynamoDB conditions: values of different types, and absent values, are never equal and have no order.

moto compares the Python values instead: True equalled 1, two absent attributes were equal, and comparing a
text with a number, or taking the size of an absent attribute, was a server error.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from moto.dynamodb import comparisons

from localcloud.aws.patches.replacing import replace

Compare = Callable[[Any, Any], bool]
ORDERED: Final = {"S", "N", "B"}
SIZED: Final = {"S", "SS", "NS", "B", "BS", "L", "M"}


def apply() -> None:
    """Fix the comparisons in moto's conditions and filters."""
    replace(comparisons.OpEqual, expr=lambda op, item: _equal(op.lhs, op.rhs, item))
    replace(comparisons.OpNotEqual, expr=lambda op, item: not _equal(op.lhs, op.rhs, item))
    for kind, compare in (
        (comparisons.OpLessThan, operator.lt),
        (comparisons.OpGreaterThan, operator.gt),
        (comparisons.OpLessThanOrEqual, operator.le),
        (comparisons.OpGreaterThanOrEqual, operator.ge),
    ):
        replace(kind, expr=_ordered(compare))
    replace(comparisons.FuncBetween, expr=_between)
    replace(comparisons.FuncIn, expr=_is_in)
    replace(comparisons.FuncSize, expr=_size(comparisons.FuncSize.expr))


def _type(operand: Any, item: Any) -> str | None:
    """Return the type of a value; None for an absent one."""
    if isinstance(operand, comparisons.FuncSize):
        return "N" if operand.expr(item) is not None else None
    found: str | None = operand.get_type(item)
    return found


def _equal(left: Any, right: Any, item: Any) -> bool:
    kind = _type(left, item)
    return kind is not None and kind == _type(right, item) and bool(left.expr(item) == right.expr(item))


def _in_order(left: Any, right: Any, item: Any, compare: Compare) -> bool:
    kind = _type(left, item)
    return kind in ORDERED and kind == _type(right, item) and compare(left.expr(item), right.expr(item))


def _ordered(compare: Compare) -> Callable[[Any, Any], bool]:
    return lambda op, item: _in_order(op.lhs, op.rhs, item, compare)


def _between(op: Any, item: Any) -> bool:
    return _in_order(op.start, op.attr, item, operator.le) and _in_order(op.attr, op.end, item, operator.le)


def _is_in(op: Any, item: Any) -> bool:
    return any(_equal(op.attr, one, item) for one in op.possible_values)


def _size(original: Callable[[Any, Any], int]) -> Callable[[Any, Any], int | None]:
    return lambda op, item: original(op, item) if op.attr.get_type(item) in SIZED else None
