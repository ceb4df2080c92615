"""UNNEST: arrays and maps as the rows of a relation."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Field, Scope
from localcloud.athena.translate.terms import BIGINT, Term, ident


def unnested(node: exp.Unnest, scope: Scope) -> tuple[str, tuple[Field, ...]]:
    """`UNNEST(…) [WITH ORDINALITY]`: arrays side by side, padded with nulls; rows become their fields."""
    items: list[str] = []
    columns: list[tuple[str, Term]] = []
    lengths: list[str] = []
    for argument in node.expressions:
        term = scope.term(argument)
        if term.type.name == "array":
            item = f"u{len(items)}"
            items.append(f"unnest({term.sql}) AS {item}")
            lengths.append(f"len({term.sql})")
            columns.extend(_element_columns(item, term))
        elif term.type.name == "map":
            for part, function in enumerate(("map_keys", "map_values")):
                item = f"u{len(items)}"
                items.append(f"unnest({function}({term.sql})) AS {item}")
                columns.append(("", Term(item, term.type.parts[part][1])))
            lengths.append(f"cardinality({term.sql})")
        else:
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {term.type.athena}")
    offset = node.args.get("offset")
    if offset:
        longest = lengths[0] if len(lengths) == 1 else f"greatest({', '.join(lengths)})"
        items.append(f"unnest(range(1, CAST({longest} AS BIGINT) + 1)) AS ordinality")
        columns.append(("", Term("ordinality", BIGINT)))  # it has no name of its own
    inner = ident(scope.statement.fresh("u"))
    shown = ", ".join(f"{term.sql} AS c{at}" for at, (_, term) in enumerate(columns))
    sql = f"(SELECT {shown} FROM (SELECT {', '.join(items)})) AS {inner}"
    alias = node.args.get("alias")
    label = alias.name.lower() if alias is not None else ""
    fields = tuple(Field(name, term.type, f"{inner}.c{at}", label) for at, (name, term) in enumerate(columns))
    names = [part.name for part in (alias.args.get("columns") or [])] if alias is not None else []
    if isinstance(offset, exp.Identifier):
        names.append(offset.name)
    return sql, _named(fields, names, node)


def _element_columns(item: str, term: Term) -> list[tuple[str, Term]]:
    element = term.type.element
    if element.name != "row":
        return [("", Term(item, element))]
    return [
        (name, Term(f"struct_extract_at({item}, {at})", type_))
        for at, (name, type_) in enumerate(element.parts, 1)
    ]


def _named(fields: tuple[Field, ...], names: list[str], node: exp.Expression) -> tuple[Field, ...]:
    if not names:
        return fields
    if len(names) != len(fields):
        line, column = place(node)
        raise AthenaError(
            "MISMATCHED_COLUMN_ALIASES",
            f"line {line}:{column}: Column alias list has {len(names)} entries but "
            f"'{fields[0].relation}' has {len(fields)} columns available",
        )
    return tuple(replace(field, name=name) for field, name in zip(fields, names, strict=True))
