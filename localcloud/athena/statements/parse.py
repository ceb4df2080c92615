"""Parse one statement: its kind and its content."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice

from sqlglot import exp

from localcloud.athena.dialect import parse as parse_query
from localcloud.athena.dialect import parse_from
from localcloud.athena.errors import AthenaError, InvalidRequestError
from localcloud.athena.statements import kinds
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.grammar import alter, create, other, show
from localcloud.athena.statements.kinds import Kind
from localcloud.athena.statements.nodes import Change, CreateTableAs, Node, Query
from localcloud.athena.statements.tokens import Token, tokenize, unexpected

MAX_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement. `text` ends before the final semicolon and any comments after it."""

    text: str
    node: Node

    @property
    def kind(self) -> Kind:
        """Athena's name for the kind of statement."""
        return self.node.kind


def parse(text: str) -> Statement:
    """Parse a statement.

    Raises AthenaError SYNTAX_ERROR (with line and column) or NOT_SUPPORTED, and InvalidRequestError for
    what Athena refuses before it runs anything.
    """
    if len(text.encode()) > MAX_BYTES:
        limit = f"Member must have length less than or equal to {MAX_BYTES}"
        raise InvalidRequestError(
            f"1 validation error detected: Value at 'queryString' failed to satisfy constraint: {limit}"
        )
    hive = _is_hive(text)
    tokens = list(tokenize(text, hive=hive))
    while tokens and tokens[-1].raw == ";":
        tokens.pop()
    if not tokens:
        raise unexpected(text, len(text), "<EOF>")
    if any(token.raw == ";" and token.sort == "mark" for token in tokens):
        raise AthenaError("SYNTAX_ERROR", f"Only one sql statement is allowed. Got: {text.strip()}")
    body = text[: tokens[-1].stop]
    try:
        return Statement(body, _read(body, tokens, hive))
    except RecursionError:  # clients would retry a status 500 three times
        text = "line 1:1: statement is too large (stack overflow while parsing)"
        raise AthenaError("SYNTAX_ERROR", text) from None


def _is_hive(text: str) -> bool:
    """Whether Hive parses the statement, with its own strings and names: DDL except CTAS and views."""
    tokens = tokenize(text)
    first = next(tokens, None)
    if first is None or first.keyword not in _HIVE:
        return False
    head = [token.keyword for token in islice(tokens, 3)]
    if "VIEW" in head:
        return False
    return first.keyword != "CREATE" or head[:1] != ["TABLE"] or not _is_query(tokenize(text))


def _is_query(tokens: Iterator[Token]) -> bool:
    """Whether CREATE TABLE is a CTAS: no list of columns with types follows the name."""
    behind = dropwhile(lambda token: token.keyword in ("CREATE", "TABLE", "IF", "NOT", "EXISTS"), tokens)
    for token in behind:
        if token.keyword == "(":
            column, separator = next(behind, None), next(behind, None)
            return column is not None and separator is not None and separator.keyword in (",", ")")
        if token.keyword in ("WITH", "AS", "COMMENT"):
            return True
    return False


def _read(body: str, tokens: list[Token], hive: bool) -> Node:
    first = tokens[0].keyword
    if first in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        return Query(_query(body, *_ROWS))
    if first in _CHANGES:
        kind, sort = _CHANGES[first]
        return Change(kind, _query(body, sort))
    reader = _READERS.get(first)
    if reader is None:
        raise unexpected(body, tokens[0].start, tokens[0].raw, _EXPECTING)
    if not hive and [token.keyword for token in tokens[:2]] == ["CREATE", "TABLE"]:
        return _create_table_as(body, tokens)
    cursor = Cursor(body, hive=hive)
    cursor.at = 1
    node = reader(cursor)
    cursor.end()
    return node


def _create_table_as(body: str, tokens: list[Token]) -> CreateTableAs:
    tree = parse_query(body)
    if not isinstance(tree, exp.Create):
        # After an error in the query sqlglot does not parse the CREATE; the query alone gives the position.
        parse_from(body, _query_start(tokens))
        raise AthenaError("SYNTAX_ERROR", "Queries of this type are not supported")
    return CreateTableAs(tree)


def _query_start(tokens: list[Token]) -> int:
    """Return the offset of the query in a CTAS: after the first AS outside all parentheses."""
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.keyword, 0)
        if token.keyword == "AS" and depth == 0:
            return token.stop
    return 0


def _query(body: str, *sorts: type[exp.Expression]) -> exp.Expression:
    tree = parse_query(body)
    if not isinstance(tree, sorts):
        raise AthenaError("SYNTAX_ERROR", "Queries of this type are not supported")
    if isinstance(tree, exp.Insert) and tree.expression is None:
        raise unexpected(body, len(body), "<EOF>")
    return tree


def _create(cursor: Cursor) -> Node:
    if cursor.follows("DATABASE") or cursor.follows("SCHEMA"):
        return create.database(cursor)
    if cursor.follows("OR") or cursor.follows("VIEW"):
        return create.view(cursor)
    if cursor.follows("TABLE") or cursor.follows("EXTERNAL", "TABLE"):
        return create.table(cursor)
    raise cursor.fail("'DATABASE', 'EXTERNAL', 'OR', 'SCHEMA', 'TABLE', 'VIEW'")


_ROWS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
_CHANGES: dict[str, tuple[Kind, type[exp.Expression]]] = {
    "DELETE": (kinds.DELETE, exp.Delete),
    "INSERT": (kinds.INSERT, exp.Insert),
    "MERGE": (kinds.MERGE, exp.Merge),
    "UPDATE": (kinds.UPDATE, exp.Update),
}
_READERS: dict[str, Callable[[Cursor], Node]] = {
    "ALTER": alter.alter,
    "CREATE": _create,
    "DEALLOCATE": other.deallocate,
    "DESC": show.describe,
    "DESCRIBE": show.describe,
    "DROP": other.drop,
    "EXPLAIN": other.explain,
    "MSCK": other.msck,
    "OPTIMIZE": other.optimize,
    "PREPARE": other.prepare,
    "SHOW": show.show,
    "UNLOAD": other.unload,
    "VACUUM": other.vacuum,
}
_HIVE = frozenset({"ALTER", "CREATE", "DESC", "DESCRIBE", "DROP", "MSCK", "SHOW"})
_EXPECTING = ", ".join(f"'{word}'" for word in sorted({*_READERS, *_CHANGES, "EXECUTE"})) + ", <query>"
