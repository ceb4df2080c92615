"""Name resolution: the fields that the relations of a query block provide, and the enclosing blocks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from sqlglot import exp

from localcloud.athena.errors import AthenaError, column_not_found, not_supported
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.coercion import can_become
from localcloud.athena.translate.places import place
from localcloud.athena.translate.reads import NOTHING, Read, Reads, Scannable
from localcloud.athena.translate.terms import Term
from localcloud.athena.types import Type


@dataclass(frozen=True, slots=True)
class Field:
    """A column in scope: its relation and database, by which it may be qualified, and its DuckDB text.

    Hidden columns (`$path`) are not in `*`; an `unnamed` one has a name that is shown but cannot be used.
    `reads` is what its values are computed from.
    """

    name: str
    type: Type
    sql: str
    relation: str = ""
    database: str = ""
    hidden: bool = False
    zone: str = "UTC"
    reads: Reads = NOTHING
    unnamed: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A translated query: DuckDB text whose columns are named `fields[…].sql`, quoted.

    `reads` is what its rows need, whichever of its columns are used.
    """

    sql: str
    fields: tuple[Field, ...]
    reads: Reads = NOTHING

    def all_reads(self) -> Reads:
        """Return what it reads if all of its columns are used."""
        return self.reads.union(*(field.reads for field in self.fields))

    def unread(self) -> "Query":
        """Return the query as reading nothing: if it is known to be empty, Athena plans no scan for it."""
        return replace(
            self, fields=tuple(replace(field, reads=NOTHING) for field in self.fields), reads=NOTHING
        )


@dataclass(frozen=True, slots=True)
class Output:
    """An item of a SELECT: its name (empty if none), its value, and what that is computed from."""

    name: str
    term: Term
    reads: Reads = NOTHING


class Table(Scannable, Protocol):
    """A base table: its columns, and DuckDB text that reads it."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns; `sql` of each is its quoted name in the scan."""


@dataclass(frozen=True, slots=True)
class View:
    """A view: its query, and the database of its unqualified names."""

    tree: exp.Expression
    database: str
    columns: tuple[tuple[str, Type], ...]


class Relations(Protocol):
    """The source of tables and views."""

    def find(self, database: str, name: str, version: exp.Expression | None) -> Table | View | None:
        """Return the relation with this lower-case name, or None.

        `version` is the query's `FOR … AS OF` node; raises when the table has no such version.
        """

    def has_database(self, name: str) -> bool:
        """Whether a database with this lower-case name exists."""


@dataclass(slots=True)
class Statement:
    """What one translation shares: the relations, the time, unused names, and the translating functions.

    `parts` are the terms that the handler of one node has asked for, by `Scope.term`; `given` has terms that
    it gets instead, by node id. Both are for `once`, which translates a node a second time with short names
    for its arguments.
    `resolved` holds all columns resolved so far, each with the scope that has it. `subqueries` holds
    those that were translated, by scope and text.
    """

    relations: Relations
    query: Callable[[exp.Expression, "Scope"], Query]
    expression: Callable[[exp.Expression, "Scope"], Term]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    used: set[str] = field(default_factory=set)
    views: tuple[tuple[str, str], ...] = ()
    reads: set[Read] = field(default_factory=set)
    uses: int = 0
    parts: list[tuple["Scope", exp.Expression, Term]] = field(default_factory=list)
    given: dict[int, Term] = field(default_factory=dict)
    resolved: list[tuple[exp.Expression, "Scope"]] = field(default_factory=list)
    subqueries: dict[tuple[object, ...], tuple["Scope", Term, Reads]] = field(default_factory=dict)

    def fresh(self, name: str) -> str:
        """Return a relation name that this statement has not used yet, close to `name`."""
        candidate, at = name, 1
        while candidate in self.used:
            at += 1
            candidate = f"{name}_{at}"
        self.used.add(candidate)
        return candidate

    def fresh_use(self) -> int:
        """Return a number for another use of a named query."""
        self.uses += 1
        return self.uses

    @contextmanager
    def noting(self) -> Iterator[set[Read]]:
        """Collect separately what the body reads, because its result may go unused."""
        outer, self.reads = self.reads, set()
        try:
            yield self.reads
        finally:
            self.reads = outer

    @contextmanager
    def parted(
        self, given: dict[int, Term] | None = None
    ) -> Iterator[list[tuple["Scope", exp.Expression, Term]]]:
        """Collect the parts of one expression that the body translates; `given` replaces some of them."""
        outer, self.parts, self.given = (self.parts, self.given), [], given or {}
        try:
            yield self.parts
        finally:
            self.parts, self.given = outer


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use.

    `outputs` are select aliases, which only ORDER BY sees; `doubled` are aliases that occur more than once.
    `windows` are the block's named windows.
    """

    statement: Statement
    database: str
    fields: tuple[Field, ...] = ()
    parent: "Scope | None" = None
    ctes: dict[str, Query] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    doubled: frozenset[str] = frozenset()
    windows: dict[str, exp.Expression] = field(default_factory=dict)
    parameters: dict[str, Term] = field(default_factory=dict)

    def with_outputs(self, outputs: Sequence[Output]) -> "Scope":
        """Return the scope of the block's ORDER BY, which also sees the outputs."""
        names = [output.name.lower() for output in outputs]
        doubled = frozenset(name for name in names if name and names.count(name) > 1)
        named = {name: output for name, output in zip(names, outputs, strict=True) if name}
        return replace(self, outputs=named, doubled=doubled)

    def up(self) -> Iterator["Scope"]:
        """Yield this scope and the enclosing ones, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def term(self, node: exp.Expression) -> Term:
        """Translate the expression in this scope."""
        if id(node) in self.statement.given:
            return self.statement.given[id(node)]
        found = self._subquery(node) if _has_query(node) else self.statement.expression(node, self)
        self.statement.parts.append((self, node, found))
        return found

    def query(self, node: exp.Expression) -> Query:
        """Translate a subquery of this scope; the caller must note its reads."""
        inner = node.this if isinstance(node, exp.Subquery) else node
        return self.statement.query(inner, self)

    def _subquery(self, node: exp.Expression) -> Term:
        """Translate an expression around a subquery once in a block, however often it occurs.

        Each translation has relation names of its own, and DuckDB compares the text with that in GROUP BY.
        """
        literals = (bool(part.meta.get("literal")) for part in node.find_all(exp.Cast))
        key = (id(self), repr(node), *literals)
        if key not in self.statement.subqueries:
            with self.statement.noting() as reads:
                found = self.statement.expression(node, self)
            # The scope is kept so that no other one gets its id.
            self.statement.subqueries[key] = (self, found, frozenset(reads))
        _, found, noted = self.statement.subqueries[key]
        self.note(noted)
        return found

    def value(self, node: exp.Expression) -> Query:
        """Translate the subquery of an expression; all of its columns are read."""
        found = self.query(node)
        self.note(found.all_reads())
        return found

    def note(self, reads: Reads) -> None:
        """Record reads of what is being translated."""
        self.statement.reads |= reads

    def expect(self, node: exp.Expression, type_: Type, what: str) -> Term:
        """Translate the expression as `type_`. Raises TYPE_MISMATCH naming `what` for another type."""
        term = self.term(node)
        if not can_become(term.type, type_):
            raise mismatch(node, f"{what} must evaluate to a {type_.athena}: actual type {term.type.athena}")
        return coerce(term, type_)

    def cte(self, name: str) -> Query | None:
        """Return the named query of a WITH clause in scope."""
        return next((scope.ctes[name] for scope in self.up() if name in scope.ctes), None)

    def window(self, name: str) -> exp.Expression | None:
        """Return the named window in scope."""
        return self.windows.get(name)


def _has_query(node: exp.Expression) -> bool:
    """Whether it is a subquery, or a predicate on one."""
    right = node.args.get("expression")
    quantified = isinstance(right, exp.Any | exp.All)
    return isinstance(node, exp.Subquery | exp.Exists) or quantified or node.args.get("query") is not None


_PLAIN = frozenset({"this", "expression", "expressions"})


def check_parts(node: exp.Expression, *known: str) -> None:
    """Refuse a node with parts that its handler does not read: ignoring one would change the answer."""
    for name, value in node.args.items():
        if value and name not in _PLAIN and name not in known:
            line, column = place(node)
            raise not_supported(
                f"line {line}:{column}: The local cloud does not know {name.strip('_').upper()} "
                f"in {type(node).__name__.upper()}"
            )


def mismatch(node: exp.Expression, message: str) -> AthenaError:
    """TYPE_MISMATCH at a node; if no function takes the given types, the code is FUNCTION_NOT_FOUND."""
    line, column = place(node)
    code = "FUNCTION_NOT_FOUND" if message.startswith("Unexpected parameters") else "TYPE_MISMATCH"
    return AthenaError(code, f"line {line}:{column}: {message}")


def as_term(found: Field) -> Term:
    """The field as an expression."""
    return Term(found.sql, found.type, found.zone)


def as_output(found: Field) -> Output:
    """The field as an item of a SELECT."""
    return Output("" if found.unnamed else found.name, as_term(found), found.reads)


def _matching(scope: Scope, parts: list[str], node: exp.Expression) -> Field | None:
    name, qualifiers = parts[-1], parts[:-1]
    found = [
        candidate
        for candidate in scope.fields
        if candidate.name.lower() == name
        and not candidate.unnamed
        and (not qualifiers or candidate.relation == qualifiers[-1])
        and (len(qualifiers) < 2 or candidate.database == qualifiers[-2])
    ]
    if len(found) > 1:
        raise _ambiguous(name, node)
    return found[0] if found else None


def _ambiguous(name: str, node: exp.Expression) -> AthenaError:
    line, column = place(node)
    return AthenaError("AMBIGUOUS_NAME", f"line {line}:{column}: Column '{name}' is ambiguous")


def _inside(found: Field, names: list[str]) -> Reads:
    """Return the reads of a field inside a column: only that field if the column comes from a table as is."""
    if not names:
        return found.reads
    return frozenset(
        read.inside(names) if found.sql.startswith(f"{read.scan.alias}.") else read for read in found.reads
    )


def resolve(scope: Scope, parts: list[str], node: exp.Expression) -> tuple[Term, list[str]]:
    """Return the column that dotted lower-case `parts` name, and the remaining parts (fields of a row).

    The longest match of relation and column wins. Raises COLUMN_NOT_FOUND or AMBIGUOUS_NAME.
    """
    for level in scope.up():
        if parts[0] in level.parameters:
            return level.parameters[parts[0]], parts[1:]
        if len(parts) == 1 and parts[0] in level.doubled:
            raise _ambiguous(parts[0], node)
        if len(parts) == 1 and parts[0] in level.outputs:
            output = level.outputs[parts[0]]
            scope.note(output.reads)
            return output.term, []
        for length in range(min(len(parts), 4), 0, -1):
            found = _matching(level, parts[:length], node)
            if found is not None:
                scope.statement.resolved.append((node, level))
                scope.note(_inside(found, parts[length:]))
                return as_term(found), parts[length:]
    line, column = place(node)
    raise column_not_found(".".join(parts), line=line, column=column)
