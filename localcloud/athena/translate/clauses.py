"""The clauses that can refer to a block's outputs: GROUP BY, ORDER BY, OFFSET and LIMIT."""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product

from sqlglot import exp

from localcloud.athena.errors import AthenaError, column_not_found, syntax_error
from localcloud.athena.translate.functions.calls import constant_safe, sort_key
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Field, Output, Scope, as_output, check_parts, resolve
from localcloud.athena.translate.terms import BIGINT, Term

_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)


def grouping(group: exp.Expression, outputs: list[Output], scope: Scope) -> str:
    """Translate the list of GROUP BY: expressions, output positions, and grouping sets."""
    sets = [key for kind in ("rollup", "cube", "grouping_sets") for key in group.args.get(kind) or []]
    if group.args.get("all") and not (sets or group.expressions):  # Athena reads this as a column name
        line, column = place(group)
        raise column_not_found("all", line=line, column=column)
    check_parts(group, "all", "rollup", "cube", "grouping_sets")
    keys = [*group.expressions, *sets]
    for key in keys:
        if isinstance(key, _SETS):
            _check_set(key, scope)
    if group.args.get("all") is False:
        return _distinct_sets(keys, outputs, scope)
    return ", ".join(_group_key(key, outputs, scope) for key in keys)


def _distinct_sets(keys: list[exp.Expression], outputs: list[Output], scope: Scope) -> str:
    """GROUP BY DISTINCT: all grouping sets that the elements combine to, without duplicates."""
    choices = [_sets(key, outputs, scope) for key in keys]
    sets = {frozenset(chain(*chosen)) for chosen in product(*choices)}
    shown = (f"({', '.join(sorted(columns))})" for columns in sorted(sets, key=sorted))
    return f"GROUPING SETS ({', '.join(shown)})"


def _sets(key: exp.Expression, outputs: list[Output], scope: Scope) -> list[list[str]]:
    """The grouping sets of one element, as columns in DuckDB text."""
    match key:
        case exp.Rollup():
            parts = [_columns(part, outputs, scope) for part in key.expressions]
            return [list(chain(*parts[:count])) for count in range(len(parts) + 1)]
        case exp.Cube():
            parts = [_columns(part, outputs, scope) for part in key.expressions]
            counts = range(len(parts) + 1)
            return [list(chain(*chosen)) for count in counts for chosen in combinations(parts, count)]
        case exp.GroupingSets():
            return [_columns(part, outputs, scope) for part in key.expressions]
    return [_columns(key, outputs, scope)]


def _columns(part: exp.Expression, outputs: list[Output], scope: Scope) -> list[str]:
    """The columns inside parentheses, or the key itself if there are none."""
    inside = part.expressions if isinstance(part, exp.Tuple) else [part.unnest()]
    return [_group_key(column, outputs, scope) for column in inside]


def _check_set(grouping_set: exp.Expression, scope: Scope) -> None:
    """Check that grouping sets consist of columns: not positions, nested sets or computed expressions."""
    for part in _elements(grouping_set):
        if isinstance(part, exp.Column):
            whole = not resolve(scope, _names(part), part)[1]
        else:
            whole = isinstance(part, _SETS)
        if not whole:
            raise _no_column(part)
    for part in grouping_set.find_all(*_SETS):
        if part is not grouping_set:
            line, column = place(part)
            name = type(part).__name__.lower()
            raise syntax_error(f"mismatched input '{name}'. Expecting: '('", line=line, column=column)


def _elements(grouping_set: exp.Expression) -> Iterator[exp.Expression]:
    for part in grouping_set.expressions:
        inside = part.unnest()
        yield from _elements(inside) if isinstance(inside, exp.Tuple) else [inside]


def _names(column: exp.Column) -> list[str]:
    return [part.name.lower() for part in column.parts]


def _no_column(part: exp.Expression) -> AthenaError:
    line, column = place(part)
    message = f"GROUP BY expression must be a column reference: {part.sql()}"
    return AthenaError("INVALID_COLUMN_REFERENCE", f"line {line}:{column}: {message}")


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


Key = tuple[Term, exp.Expression]
"""A key of an ORDER BY: its value, and the node with its direction."""


def order_keys(node: exp.Expression, outputs: list[Output], scope: Scope) -> list[Key]:
    """Return the keys of ORDER BY, which may be positions or aliases of outputs."""
    order = node.args.get("order")
    keys = []
    for key in order.expressions if order is not None else ():
        term = _by_position(key.this, outputs, "ORDER BY", scope) or scope.term(key.this)
        if node.args.get("distinct") and term.sql not in {output.term.sql for output in outputs}:
            line, column = place(key.this)
            raise AthenaError(
                "EXPRESSION_NOT_IN_DISTINCT",
                f"line {line}:{column}: For SELECT DISTINCT, ORDER BY expressions must appear in the "
                "select list",
            )
        keys.append((term, key))
    return keys


def tail(node: exp.Expression, outputs: list[Output], scope: Scope) -> str:
    """ORDER BY, OFFSET, LIMIT and FETCH."""
    keys = order_keys(node, outputs, scope)
    if has_ties(node):
        return ties(node, keys, scope)
    parts = ["ORDER BY " + _ordered(keys)] if keys else []
    limit = node.args.get("limit")
    if limit is not None and (count := _count(limit, scope)) is not None:
        parts.append(f"LIMIT {count}")
    if node.args.get("offset"):
        parts.append(f"OFFSET {_offset(node, scope)}")
    return " ".join(parts)


def has_ties(node: exp.Expression) -> bool:
    """Whether the query ends in FETCH FIRST … WITH TIES."""
    limit = node.args.get("limit")
    options = limit.args.get("limit_options") if isinstance(limit, exp.Fetch) else None
    return options is not None and bool(options.args.get("with_ties"))


def ties(node: exp.Expression, keys: list[Key], scope: Scope) -> str:
    """OFFSET and FETCH … WITH TIES: the requested rows, and all rows equal to the last of them."""
    if not keys:
        line, column = place(node)
        message = "FETCH FIRST WITH TIES clause requires ORDER BY"
        raise AthenaError("MISSING_ORDER_BY", f"line {line}:{column}: {message}")
    order, skipped = _ordered(keys), _offset(node, scope)
    wanted = f"rank() OVER (ORDER BY {order}) <= {skipped} + {_count(node.args['limit'], scope)}"
    return f"QUALIFY {wanted} AND row_number() OVER (ORDER BY {order}) > {skipped} ORDER BY {order}"


def _ordered(keys: list[Key]) -> str:
    return ", ".join(sort_key(term, key) for term, key in keys)


def _offset(node: exp.Expression, scope: Scope) -> str:
    offset = node.args.get("offset")
    return scope.expect(offset.expression, BIGINT, "OFFSET").sql if offset is not None else "0"


def tail_of(node: exp.Expression, fields: Sequence[Field], scope: Scope) -> str:
    """The same for a query whose columns are `fields`; no other columns are in scope."""
    outputs = [as_output(field) for field in fields]
    return tail(node, outputs, scope.with_outputs(outputs))


def _count(limit: exp.Expression, scope: Scope) -> str | None:
    if isinstance(limit, exp.Fetch):
        return _fetched(limit, scope)
    count = limit.expression
    if isinstance(count, exp.Column | exp.Var) and count.name.lower() == "all":
        return None
    return scope.expect(count, BIGINT, "LIMIT").sql


def _fetched(fetch: exp.Fetch, scope: Scope) -> str:
    options, count = fetch.args.get("limit_options"), fetch.args.get("count")
    if options is not None and options.args.get("percent"):
        raise syntax_error("mismatched input 'percent'. Expecting: 'ROW', 'ROWS'")
    if count is None:
        return "1"
    term = scope.expect(count, BIGINT, "FETCH")
    if term.value == 0:
        line, column = place(fetch)
        text = f"line {line}:{column}: FETCH FIRST row count must be positive (actual value: 0)"
        raise AthenaError("NUMERIC_VALUE_OUT_OF_RANGE", text)
    return term.sql
