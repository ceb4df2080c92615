"""Extract conditions from a WHERE clause that a table can use to prune its files."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from localcloud.athena.translate.reads import Filter, Op
from localcloud.athena.translate.scope import Field
from localcloud.athena.types import Type

Filters = Mapping[str, Sequence[Filter]]
_OPERATORS: dict[type[exp.Expression], Op] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_FLIPPED: dict[Op, Op] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ENDS: dict[str, Op] = {"low": ">=", "high": "<="}
_EXACT = ("tinyint", "smallint", "integer", "bigint")


def filters(where: exp.Expression, fields: Sequence[Field]) -> Filters:
    """Return, per DuckDB alias, the conjuncts of the form `column op literal` on its columns.

    Other conjuncts, or uncertain ones, are left to the query itself.
    """
    found: dict[str, list[Filter]] = defaultdict(list)
    for part in conjuncts(where):
        for field, filter_ in _read(part, fields):
            alias, _, column = field.sql.partition(".")
            if column:
                found[alias].append(filter_)
    return found


def conjuncts(node: exp.Expression) -> Iterator[exp.Expression]:
    """Yield the conditions that must all hold for a condition to hold."""
    if isinstance(node, exp.And):
        yield from conjuncts(node.this)
        yield from conjuncts(node.expression)
    elif isinstance(node, exp.Paren):
        yield from conjuncts(node.this)
    else:
        yield node


def _read(node: exp.Expression, fields: Sequence[Field]) -> Iterator[tuple[Field, Filter]]:
    operator = _OPERATORS.get(type(node))
    if operator is not None:
        for column, value, word in (
            (node.this, node.expression, operator),
            (node.expression, node.this, _FLIPPED[operator]),
        ):
            field = _field(column, fields)
            literal = _value(value, field.type) if field is not None else None
            if field is not None and literal is not None:
                yield field, Filter(field.name.lower(), word, (literal,))
    elif isinstance(node, exp.Between):
        field = _field(node.this, fields)
        if field is not None:
            for end, word in _ENDS.items():
                literal = _value(node.args[end], field.type)
                if literal is not None:
                    yield field, Filter(field.name.lower(), word, (literal,))
    elif isinstance(node, exp.In) and node.expressions:
        field = _field(node.this, fields)
        if field is not None:
            literals = [_value(item, field.type) for item in node.expressions]
            if all(literal is not None for literal in literals):
                yield field, Filter(field.name.lower(), "in", tuple(literals))


def _field(node: exp.Expression, fields: Sequence[Field]) -> Field | None:
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return None
    name, relation = node.name.lower(), node.table.lower()
    found = [
        field
        for field in fields
        if field.name.lower() == name and (not relation or field.relation == relation)
    ]
    return found[0] if len(found) == 1 else None


def _value(node: exp.Expression, type_: Type) -> object | None:
    """Return the literal as a Python value of the column's type; None if that is not certain."""
    while isinstance(node, exp.Paren):
        node = node.this
    negative = isinstance(node, exp.Neg)
    if negative:
        node = node.this
    if isinstance(node, exp.Cast) and node.meta.get("literal") and not negative:
        return _typed(node, type_)
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return node.this if type_.name == "varchar" and not negative else None
    try:
        number = Decimal(node.this) * (-1 if negative else 1)
    except InvalidOperation:
        return None
    if type_.name in _EXACT and number == number.to_integral_value():
        return int(number)
    return None


def _typed(node: exp.Cast, type_: Type) -> object | None:
    written, kind = node.this.name.strip(), node.args["to"].this
    try:
        if kind == exp.DType.DATE and type_.name == "date":
            return date.fromisoformat(written)
        if kind == exp.DType.TIMESTAMP and type_.name == "timestamp":
            return datetime.fromisoformat(written)
    except ValueError:
        return None
    return None


def equalities(
    condition: exp.Expression, left: Sequence[Field], right: Sequence[Field]
) -> Iterator[tuple[Field, Field]]:
    """Yield the conjuncts `column = column` of a join condition, as (left field, right field)."""
    for part in conjuncts(condition):
        if isinstance(part, exp.EQ):
            for a, b in ((part.this, part.expression), (part.expression, part.this)):
                mine, theirs = _field(a, (*left, *right)), _field(b, (*left, *right))
                if mine in left and theirs in right and mine is not None and theirs is not None:
                    yield mine, theirs
