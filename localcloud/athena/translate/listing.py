"""The select list: columns, expressions and stars, with a unique name for each output."""

# ruff: noqa: S608  (what looks like SQL is a message)

from collections.abc import Sequence

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Field, Output, Scope, as_output, mismatch
from localcloud.athena.translate.terms import Term, ident


def listed(items: Sequence[exp.Expression], scope: Scope) -> list[Output]:
    """Return the outputs of the items; a star expands to several. Raises for what does not resolve."""
    outputs: list[Output] = []
    for item in items:
        if isinstance(item, exp.Star):
            outputs.extend(_star(item, "", "", scope))
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            outputs.extend(_star(item, item.table.lower(), item.db.lower(), scope))
        elif isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
            outputs.extend(_row_star(item, scope))
        else:
            with scope.statement.noting() as reads:
                term = scope.term(item.this if isinstance(item, exp.Alias) else item)
            outputs.append(Output(_name_of(item), term, frozenset(reads)))
    return outputs


def _star(item: exp.Expression, relation: str, database: str, scope: Scope) -> list[Output]:
    if item.args.get("except_") or item.args.get("replace"):
        raise not_supported("SELECT * EXCEPT and REPLACE are not part of Athena")
    shown = [
        field
        for field in scope.fields
        if not field.hidden
        and (not relation or field.relation == relation)
        and (not database or field.database == database)
    ]
    if not shown:
        line, column = place(item)
        if relation:
            named = ".".join(part for part in (database, relation) if part)
            raise AthenaError("TABLE_NOT_FOUND", f"line {line}:{column}: Unable to resolve reference {named}")
        raise AthenaError(
            "COLUMN_NOT_FOUND", f"line {line}:{column}: SELECT * not allowed in queries without FROM clause"
        )
    return [as_output(field) for field in shown]


def _row_star(item: exp.Dot, scope: Scope) -> list[Output]:
    with scope.statement.noting() as reads:
        base = scope.term(item.this)
    if base.type.name != "row":
        raise mismatch(item, "Expression is not of type ROW")
    return [
        Output(name, Term(f"struct_extract_at({base.sql}, {at})", type_), frozenset(reads))
        for at, (name, type_) in enumerate(base.type.parts, 1)
    ]


def _name_of(item: exp.Expression) -> str:
    if isinstance(item, exp.Alias):
        return str(item.alias)
    if isinstance(item, exp.Column):
        return str(item.name)
    if isinstance(item, exp.Dot) and _is_name(item):
        return str(item.expression.name)
    return ""


def _is_name(item: exp.Expression) -> bool:
    """Whether it is written as a dotted name; a field of anything else, such as `f(x).a`, has no name."""
    while isinstance(item, exp.Dot | exp.Paren):
        item = item.this
    return isinstance(item, exp.Column | exp.Identifier)


def items(outputs: list[Output]) -> str:
    """Return the outputs as DuckDB text, each with its own name."""
    labels = labelled([output.name for output in outputs])
    return ", ".join(f"{output.term.sql} AS {label}" for output, label in zip(outputs, labels, strict=True))


def fields(outputs: list[Output]) -> tuple[Field, ...]:
    """Return the resulting columns; an unnamed one is called `_col` plus its position."""
    labels = labelled([output.name for output in outputs])
    return tuple(
        Field(
            output.name or f"_col{at}",
            output.term.type,
            label,
            zone=output.term.zone,
            reads=output.reads,
            unnamed=not output.name,
        )
        for at, (output, label) in enumerate(zip(outputs, labels, strict=True))
    )


def labelled(names: Sequence[str]) -> list[str]:
    """Return quoted, distinct names for the columns of a block; DuckDB ignores case in names."""
    used: set[str] = set()
    labels = []
    for at, name in enumerate(names):
        label = name or f"_col{at}"
        while label.lower() in used:
            label = f"{label}_{at}"
        used.add(label.lower())
        labels.append(ident(label))
    return labels
