"""The values that UPDATE and MERGE assign to columns, as DuckDB text of the column's type."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from localcloud.athena.errors import AthenaError, syntax_error
from localcloud.athena.translate.casts import store
from localcloud.athena.translate.coercion import can_store
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import Term
from localcloud.athena.types import Type

Types = Mapping[str, Type]


def by_set(
    items: Sequence[exp.Expression], types: Types, scope: Scope, *, case: int | None = None
) -> dict[str, str]:
    """`SET a = …, b = …` of an UPDATE, or of clause number `case` of a MERGE."""
    values: dict[str, Term] = {}
    for item in items:
        name = item.this.name.lower()
        if (qualifier := item.this.args.get("table")) is not None:
            line, column = place(item.this)
            column += len(qualifier.name)  # the dot behind it
            raise syntax_error("mismatched input '.'. Expecting: '='", line=line, column=column)
        if name in values:
            raise _twice(name, case)
        if name not in types:
            raise _missing(name, item, case)
        values[name] = scope.term(item.expression)
    return _stored(values, types, case)


def by_row(
    names: Sequence[str], given: Sequence[exp.Expression], types: Types, scope: Scope, *, case: int
) -> dict[str, str]:
    """`INSERT (a, b) VALUES (…)` of a MERGE."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise _twice(name, case)
        if name not in types:
            raise _missing(name, None, case)
    if len(names) != len(given):
        text = f"line 1:1: MERGE INSERT has {len(names)} columns but {len(given)} values"
        raise AthenaError("TYPE_MISMATCH", text)
    return _stored(dict(zip(names, map(scope.term, given), strict=True)), types, case)


def _stored(values: dict[str, Term], types: Types, case: int | None) -> dict[str, str]:
    if not all(can_store(term.type, types[name]) for name, term in values.items()):
        table = ", ".join(types[name].athena for name in values)
        found = ", ".join(term.type.athena for term in values.values())
        update = "UPDATE table column types don't match SET expressions"
        merge = f"MERGE table column types don't match for MERGE case {case}, SET expressions"
        text = f"line 1:1: {update if case is None else merge}: Table: [{table}], Expressions: [{found}]"
        raise AthenaError("TYPE_MISMATCH", text)
    return {name: store(term, types[name], name).sql for name, term in values.items()}


def _twice(name: str, case: int | None) -> AthenaError:
    if case is None:
        return AthenaError("SYNTAX_ERROR", f"line 1:1: Multiple assignments for the column '{name}'")
    text = f"line 1:1: Merge column name is specified more than once: {name}"
    return AthenaError("DUPLICATE_COLUMN_NAME", text)


def _missing(name: str, item: exp.Expression | None, case: int | None) -> AthenaError:
    if case is None and item is not None:
        line, column = place(item.this)
        text = f"line {line}:{column}: The UPDATE SET target column {name} doesn't exist"
        return AthenaError("COLUMN_NOT_FOUND", text)
    text = f"line 1:1: Merge column name does not exist in target table: {name}"
    return AthenaError("COLUMN_NOT_FOUND", text)
