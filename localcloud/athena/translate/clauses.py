"""GROUP BY, ORDER BY, OFFSET and LIMIT: what a query block does with its outputs."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, column_not_found, not_supported, syntax_error
from localcloud.athena.translate.functions.calls import constant_safe, sort_key
from localcloud.athena.translate.scope import Field, Output, Scope, as_output, check_parts, place
from localcloud.athena.translate.terms import BIGINT, Term

_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)


def grouping(group: exp.Expression, outputs: list[Output], scope: Scope) -> str:
    """What GROUP BY lists: expressions, places of outputs, and sets of them."""
    sets = [key for kind in ("rollup", "cube", "grouping_sets") for key in group.args.get(kind) or []]
    if group.args.get("all") is False:
        raise not_supported("GROUP BY DISTINCT in the local cloud: the same grouping set would come twice")
    if group.args.get("all") and not (sets or group.expressions):  # to Athena this is a column's name
        line, column = place(group)
        raise column_not_found("all", line=line, column=column)
    check_parts(group, "all", "rollup", "cube", "grouping_sets")
    keys = [*group.expressions, *sets]
    for key in keys:
        if isinstance(key, _SETS):
            _check_set(key)
    parts = [_group_key(key, outputs, scope) for key in keys]
    return ", ".join(parts)


def _check_set(grouping_set: exp.Expression) -> None:
    """Sets are made of columns, not of places and not of other sets."""
    for part in grouping_set.find_all(*_SETS, exp.Literal):
        line, column = place(part)
        if part is not grouping_set and isinstance(part, _SETS):
            name = type(part).__name__.lower()
            raise syntax_error(f"mismatched input '{name}'. Expecting: '('", line=line, column=column)
        if isinstance(part, exp.Literal) and isinstance(part.parent, exp.Rollup | exp.Cube | exp.Tuple):
            raise AthenaError(
                "INVALID_COLUMN_REFERENCE",
                f"line {line}:{column}: GROUP BY expression must be a column reference: {part.name}",
            )


def _group_key(key: exp.Expression, outputs: list[Output], scope: Scope) -> str:
    match key:
        case exp.Rollup() | exp.Cube():
            inside = ", ".join(_group_key(part, outputs, scope) for part in key.expressions)
            return f"{type(key).__name__.upper()} ({inside})"
        case exp.GroupingSets():
            sets = (_group_key(part, outputs, scope) for part in key.expressions)
            return f"GROUPING SETS ({', '.join(sets)})"
        case exp.Tuple():
            return f"({', '.join(_group_key(part, outputs, scope) for part in key.expressions)})"
        case exp.Paren():
            return f"({_group_key(key.this, outputs, scope)})"
    return constant_safe(_by_position(key, outputs, "GROUP BY", scope) or scope.term(key))


def _by_position(key: exp.Expression, outputs: list[Output], clause: str, scope: Scope) -> Term | None:
    if not isinstance(key, exp.Literal) or key.is_string or not key.this.isdigit():
        return None
    position = int(key.this)
    if not 1 <= position <= len(outputs):
        raise AthenaError(
            "INVALID_COLUMN_REFERENCE", f"line 1:1: {clause} position {position} is not in select list"
        )
    output = outputs[position - 1]
    scope.note(output.reads)
    return output.term


def tail(node: exp.Expression, outputs: list[Output], scope: Scope) -> str:
    """ORDER BY, OFFSET, LIMIT and FETCH."""
    parts = []
    if order := node.args.get("order"):
        keys = []
        for key in order.expressions:
            term = _by_position(key.this, outputs, "ORDER BY", scope) or scope.term(key.this)
            if node.args.get("distinct") and term.sql not in {output.term.sql for output in outputs}:
                line, column = place(key.this)
                raise AthenaError(
                    "EXPRESSION_NOT_IN_DISTINCT",
                    f"line {line}:{column}: For SELECT DISTINCT, ORDER BY expressions must appear in the "
                    "select list",
                )
            keys.append(sort_key(term, key))
        parts.append("ORDER BY " + ", ".join(keys))
    limit = node.args.get("limit")
    if limit is not None and (count := _count(limit, scope)) is not None:
        parts.append(f"LIMIT {count}")
    if offset := node.args.get("offset"):
        parts.append(f"OFFSET {scope.expect(offset.expression, BIGINT, 'OFFSET').sql}")
    return " ".join(parts)


def tail_of(node: exp.Expression, fields: Sequence[Field], scope: Scope) -> str:
    """The same of a query whose columns are given: no others are in sight."""
    outputs = [as_output(field) for field in fields]
    inside = replace(scope, outputs={output.name.lower(): output for output in outputs})
    return tail(node, outputs, inside)


def _count(limit: exp.Expression, scope: Scope) -> str | None:
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        if options is not None and options.args.get("with_ties"):
            raise not_supported("FETCH FIRST WITH TIES is not part of the local cloud")
        count = limit.args.get("count")
        return scope.expect(count, BIGINT, "FETCH").sql if count is not None else "1"
    count = limit.expression
    if isinstance(count, exp.Column | exp.Var) and count.name.lower() == "all":
        return None
    return scope.expect(count, BIGINT, "LIMIT").sql
