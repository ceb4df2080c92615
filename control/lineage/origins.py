"""Trace where each column of a query comes from, through its scopes.

First, sqlglot qualifies the query with the schema of all relations: every star is expanded, every column has
its table, USING becomes ON. Then one rule per clause is enough, and each scope is visited once, so the cost
of a wide model is linear in its text. Anything that no rule covers raises an error, so no lineage is missing
silently.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from control.lineage.model import Column
from control.lineage.syntax import (
    children,
    frame_bounds,
    is_plain,
    is_recursive,
    key_names,
    kind_of,
    named_windows,
    order_keys,
    relation_name,
)


class UntraceableError(Exception):
    """The query contains something that no rule covers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the query that connects two columns: the clause's name, empty for a value, and its tree."""

    clause: str
    tree: exp.Expr


Leaves = dict[Column, Part]


@dataclass(slots=True)
class Origins:
    """The columns that one value depends on: directly, and indirectly by a window, a filter or an order."""

    direct: Leaves = field(default_factory=dict)
    indirect: Leaves = field(default_factory=dict)

    def absorb(self, other: "Origins") -> None:
        """Add the columns of `other`; columns that are known already keep their part."""
        _add(self.direct, other.direct)
        _add(self.indirect, other.indirect)

    def all(self) -> Leaves:
        """Return the direct and the indirect columns together."""
        return {**self.indirect, **self.direct}


@dataclass(slots=True)
class Output:
    """The columns of a scope in order, and the relations' columns that decide which rows it has.

    A query may have several columns of one name as long as nothing refers to that name; it is `ambiguous`.
    """

    columns: dict[str, Origins] = field(default_factory=dict)
    rows: Leaves = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)

    def append(self, name: str, origins: Origins) -> None:
        """Add the next column; a further one of the same name gets a key that no query can write."""
        if name in self.columns:
            self.ambiguous.add(name)
            name = f"{name} {len(self.columns)}"
        self.columns[name] = origins

    def origins_of(self, name: str, query: str) -> Origins:
        """Return the origins of a column that something in `query` refers to. Raises UntraceableError."""
        if name in self.ambiguous:
            raise UntraceableError(f"two columns of {query} are called {name}")
        if name not in self.columns:
            raise UntraceableError(f"{name} is not a column of {query}")
        return self.columns[name]


def _add(known: Leaves, more: Leaves) -> None:
    for column, part in more.items():
        known.setdefault(column, part)


def trace(root: Scope, relations: Container[str]) -> Output:
    """Trace a qualified query that reads `relations` only. Raises UntraceableError."""
    traced = _Tracer(relations).output(root)
    for name in sorted(traced.ambiguous):
        raise UntraceableError(f"two columns are called {name}")
    return traced


class _Tracer:
    """Traces one query: keeps the output of each scope, and the output so far of each recursive query."""

    def __init__(self, relations: Container[str]) -> None:
        self._relations = relations
        self._known: dict[int, Output] = {}
        self._recursive: dict[int, Output] = {}

    def output(self, scope: Scope) -> Output:
        if id(scope) not in self._known:
            made, tree = self._traced(scope), scope.expression
            while isinstance(tree.parent, exp.Subquery):  # parentheses may have an order of their own
                tree = tree.parent
                made = _ordered(tree, made)
            self._known[id(scope)] = made
        return self._known[id(scope)]

    def _traced(self, scope: Scope) -> Output:
        match scope.expression:
            case exp.Select() as select:
                return self._select(select, scope)
            case exp.SetOperation() as operation:
                return _ordered(operation, self._set_operation(operation, scope))
            case exp.Unnest():
                return self._unnest(scope)
            case exp.Lateral():
                return self._lateral(scope)
            case exp.Values():
                return self._values(scope)
            case exp.Subquery() if scope.table_scopes:
                return self.output(scope.table_scopes[-1])
        raise UntraceableError(f"no rule for {kind_of(scope.expression)}")

    # -- selects ------------------------------------------------------------------------------------------

    def _select(self, select: exp.Select, scope: Scope) -> Output:
        made = Output()
        for _, source in scope.selected_sources.values():
            if isinstance(source, Scope):
                _add(made.rows, self._source(source).rows)
            elif source.args.get("pivots"):
                raise UntraceableError("no rule for PIVOT")
            elif source.alias_column_names:  # sqlglot uses these names for the relation's own columns
                raise UntraceableError(f"no rule for column aliases of {relation_name(source)}")
            elif relation_name(source) not in self._relations:
                raise UntraceableError(f"relation {relation_name(source)} is unknown")
        for clause, tree in _clauses(select, scope):
            _add(made.rows, self._leaves(tree, scope, clause))
        for projection in select.expressions:
            made.append(projection.alias_or_name, self._value(projection, scope))
        if select.args.get("distinct"):
            for origins in made.columns.values():
                _add(made.rows, _relabelled(origins.all(), "distinct"))
        return made

    def _value(self, projection: exp.Expr, scope: Scope) -> Origins:
        tree = projection.unalias()
        origins = Origins()
        self._gather(tree, scope, origins)
        if is_plain(tree):
            return origins
        part = Part("", tree)
        return Origins(dict.fromkeys(origins.direct, part), origins.indirect)

    def _leaves(self, tree: exp.Expr, scope: Scope, clause: str) -> Leaves:
        origins = Origins()
        self._gather(tree, scope, origins)
        part = Part(clause, tree)
        return dict.fromkeys(origins.all(), part)

    def _gather(self, tree: exp.Expr, scope: Scope, into: Origins) -> None:
        """Add the origins of an expression; those that only steer its value become indirect ones."""
        match tree:
            case exp.Column():
                into.absorb(self._column(tree, scope))
            case exp.Window():
                self._gather(tree.this, scope, into)
                for window in (tree, *named_windows(tree, scope)):
                    for key in window.args.get("partition_by") or ():
                        _add(into.indirect, self._leaves(key, scope, "partition by"))
                    for key in order_keys(window.args.get("order")):
                        _add(into.indirect, self._leaves(key, scope, "order by"))
                    for bound in frame_bounds(window):
                        _add(into.indirect, self._leaves(bound, scope, "frame"))
            case exp.Filter():
                self._gather(tree.this, scope, into)
                _add(into.indirect, self._leaves(tree.expression.this, scope, "filter where"))
            case exp.WithinGroup():
                self._gather(tree.this, scope, into)
                for key in order_keys(tree.expression):
                    _add(into.indirect, self._leaves(key, scope, "order by"))
            case exp.Order() if tree.this is not None:  # array_agg(x order by y)
                self._gather(tree.this, scope, into)
                for key in tree.expressions:
                    _add(into.indirect, self._leaves(key, scope, "order by"))
            case exp.Exists():
                found = self._subquery(tree.this, scope)
                _add(into.indirect, _relabelled(found.rows, ""))
            case exp.Query():
                found = self._subquery(tree, scope)
                for origins in found.columns.values():
                    into.absorb(origins)
                _add(into.indirect, found.rows)
            case _:
                for child in children(tree):
                    self._gather(child, scope, into)

    def _subquery(self, tree: exp.Expr, scope: Scope) -> Output:
        inner = tree.unnest()
        for found in _subquery_scopes(scope):
            if found.expression is inner:
                return self.output(found)
        raise UntraceableError(f"a subquery has no scope: {tree.sql('athena')[:80]}")

    def _column(self, column: exp.Column, scope: Scope) -> Origins:
        source = _find_source(scope, column.table)
        if source is None:
            return self._alias(column, scope)
        if isinstance(source, exp.Table):
            leaf = Column(relation_name(source), column.name)
            return Origins({leaf: Part("", column)})
        return self._source(source).origins_of(column.name, column.table)

    def _alias(self, column: exp.Column, scope: Scope) -> Origins:
        """Resolve a name in ORDER BY that is a column of the select list."""
        select = scope.expression
        for projection in select.expressions if isinstance(select, exp.Select) and not column.table else ():
            if projection.alias_or_name == column.name and column not in projection.find_all(exp.Column):
                return self._value(projection, scope)
        raise UntraceableError(f"column {column.sql('athena')} belongs to no relation")

    # -- set operations -----------------------------------------------------------------------------------

    def _set_operation(self, operation: exp.SetOperation, scope: Scope) -> Output:
        left, right = scope.set_operation_scopes
        first = self.output(left)
        if not is_recursive(operation):
            return _stacked(operation, first, self.output(right))
        made, before = first, -1
        known = dict(self._known)
        while before != _size(made):  # each round can only add columns, so it ends
            before = _size(made)
            self._known = dict(known)
            self._recursive[id(operation.this.unnest())] = made
            made = _stacked(operation, first, self.output(right))
        return made

    def _source(self, source: Scope) -> Output:
        """Return a source's output; inside a recursive query, the query's output so far."""
        so_far = self._recursive.get(id(source.expression)) if source.is_cte else None
        return so_far if so_far is not None else self.output(source)

    # -- tables made by an expression ---------------------------------------------------------------------

    def _unnest(self, scope: Scope) -> Output:
        unnest = scope.expression
        values = [self._value(value, scope) for value in unnest.expressions]
        names = unnest.alias_column_names
        offset = unnest.args.get("offset")
        made = Output()
        for origins in values:
            _add(made.rows, _relabelled(origins.all(), "unnest"))
        for position, name in enumerate(names):
            one_each = len(values) == len(names)
            made.columns[name] = values[position] if one_each else _together(values)
        if isinstance(offset, exp.Expr):
            made.columns[offset.name] = Origins()
        return made

    def _lateral(self, scope: Scope) -> Output:
        lateral = scope.expression
        if not scope.subquery_scopes:
            raise UntraceableError(f"no rule for {kind_of(lateral.this)} in LATERAL")
        found = self.output(scope.subquery_scopes[-1])
        names = lateral.alias_column_names or list(found.columns)
        return Output(dict(zip(names, found.columns.values(), strict=True)), found.rows)

    def _values(self, scope: Scope) -> Output:
        values = scope.expression
        width = max((len(row.expressions) for row in values.expressions), default=0)
        names = values.alias_column_names or [f"_col{place}" for place in range(width)]
        made = Output({name: Origins() for name in names})
        for row in values.expressions:
            for name, value in zip(names, row.expressions, strict=False):
                made.columns[name].absorb(self._value(value, scope))
        return made


# -- pieces of a query ------------------------------------------------------------------------------------


def _clauses(select: exp.Select, scope: Scope) -> Iterator[tuple[str, exp.Expr]]:
    """Yield the parts of a select that decide which rows it has, or their order."""
    for join in scope.find_all(exp.Join):  # also inside parentheses
        if on := join.args.get("on"):
            yield "join on", on
        if join.args.get("match_condition"):
            raise UntraceableError("no rule for an AS OF join")
    for name, words in (("where", "where"), ("having", "having"), ("qualify", "qualify")):
        if clause := select.args.get(name):
            yield words, clause.this
    if group := select.args.get("group"):
        for child in children(group):
            yield "group by", child
    for key in order_keys(select.args.get("order")):
        yield "order by", key
    for name in ("match", "connect", "pivots", "cluster", "distribute", "sort"):
        if select.args.get(name):
            raise UntraceableError(f"no rule for {name.upper()}")


def _find_source(scope: Scope | None, name: str) -> exp.Table | Scope | None:
    """Return the source of this name in the scope, or in an enclosing one for a correlated column."""
    while scope is not None and name:
        if name in scope.sources:
            found: exp.Table | Scope = scope.sources[name]
            return found
        scope = scope.parent
    return None


def _subquery_scopes(scope: Scope) -> Iterator[Scope]:
    yield from scope.subquery_scopes
    for child in scope.udtf_scopes:
        yield from child.subquery_scopes


def _stacked(tree: exp.SetOperation, first: Output, second: Output) -> Output:
    """Combine two outputs by position, under the names of the first."""
    if len(first.columns) != len(second.columns):
        raise UntraceableError(
            f"the sides of {kind_of(tree)} have {len(first.columns)} and {len(second.columns)} columns"
        )
    made = Output(rows={**second.rows, **first.rows}, ambiguous=first.ambiguous)
    is_except = isinstance(tree, exp.Except)
    for (name, left), right in zip(first.columns.items(), second.columns.values(), strict=True):
        # No value of the right side of EXCEPT is in the result.
        made.columns[name] = left if is_except else _either(left, right)
        if tree.args.get("distinct") or not isinstance(tree, exp.Union):
            _add(made.rows, _relabelled({**right.all(), **left.all()}, kind_of(tree).lower()))
    return made


def _ordered(tree: exp.Expr, found: Output) -> Output:
    """Add the ORDER BY of `tree`, a query without a select list: its keys are columns of `found`."""
    rows = dict(found.rows)
    for key in order_keys(tree.args.get("order")):
        for name in key_names(key, list(found.columns)):
            origins = found.origins_of(name, "the rows that ORDER BY sorts")
            _add(rows, dict.fromkeys(origins.all(), Part("order by", key)))
    return Output(found.columns, rows, found.ambiguous)


def _either(one: Origins, other: Origins) -> Origins:
    """Combine two alternative values. A column in both keeps the part that passes it on plainly, or both."""
    made = Origins(dict(one.direct), dict(one.indirect))
    made.absorb(other)
    for column, part in other.direct.items():
        known = made.direct[column]
        if is_plain(part.tree):
            made.direct[column] = part
        elif known.tree != part.tree and not is_plain(known.tree):
            both = exp.Tuple(expressions=[known.tree.copy(), part.tree.copy()])
            made.direct[column] = Part("", both)
    return made


def _together(values: list[Origins]) -> Origins:
    made = Origins()
    for origins in values:
        made.absorb(origins)
    return made


def _relabelled(leaves: Leaves, clause: str) -> Leaves:
    return {column: Part(clause or part.clause, part.tree) for column, part in leaves.items()}


def _size(output: Output) -> int:
    return sum(len(origins.direct) + len(origins.indirect) for origins in output.columns.values()) + len(
        output.rows
    )
