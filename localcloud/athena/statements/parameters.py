"""Substitute execution parameters for `?`, and parse EXECUTE.

Athena reads each value as an expression; a value that is not an expression, or names a column, becomes a
string. A `?` inside a string, a name or a comment is not a placeholder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from localcloud.athena.dialect import parse as parse_query
from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.tokens import Token, tokenize


@dataclass(frozen=True, slots=True)
class Execute:
    """EXECUTE name [USING value, …]."""

    name: str
    values: tuple[str, ...] = ()


def execute(text: str) -> Execute | None:
    """Parse EXECUTE; None when `text` is another statement. Raises AthenaError SYNTAX_ERROR."""
    first = next(tokenize(text), None)
    if first is None or first.keyword != "EXECUTE":
        return None
    cursor = Cursor(text, hive=False)
    cursor.expect("EXECUTE")
    name = cursor.identifier(quoted=True)
    values: list[str] = []
    if cursor.accept("USING"):
        values = _listed(text, cursor.tokens[cursor.at :])
        cursor.at = len(cursor.tokens)
    cursor.accept(";")
    cursor.end()
    return Execute(name, tuple(values))


def _listed(text: str, tokens: Sequence[Token]) -> list[str]:
    """Split the text at the commas outside all parentheses."""
    found, depth, first = [], 0, 0
    for at, token in enumerate(tokens):
        depth += (token.keyword in ("(", "[")) - (token.keyword in (")", "]"))
        if depth == 0 and token.keyword in (",", ";"):
            found.append(text[tokens[first].start : tokens[at - 1].stop])
            first = at + 1
    if first < len(tokens):
        found.append(text[tokens[first].start : tokens[-1].stop])
    return found


def bind(text: str, values: Sequence[str]) -> str:
    """Replace each `?` by a value, in order; without any `?`, values are ignored.

    The placeholders in a PREPARE stay; EXECUTE fills them later.
    Raises AthenaError INVALID_PARAMETER_USAGE when placeholders and values differ in number.
    """
    if "?" not in text:
        return text
    tokens = list(tokenize(text))
    places = [token for token in tokens if token.sort == "mark" and token.raw == "?"]
    if not places or tokens[0].keyword == "PREPARE":
        return text
    if len(places) != len(values):
        found = f"Incorrect number of parameters: expected {len(places)} but found {len(values)}"
        raise AthenaError("INVALID_PARAMETER_USAGE", f"line 1:1: {found}")
    pieces, at = [], 0
    for token, value in zip(places, values, strict=True):
        pieces += [text[at : token.start], _expression(value)]
        at = token.stop
    return "".join([*pieces, text[at:]])


def _expression(value: str) -> str:
    """Return the SQL of a value: itself if it is an expression without columns, else a string literal."""
    try:
        tree = parse_query(f"SELECT {value}")
        # Without comments: one could comment out what follows the placeholder.
        sql = " ".join(token.raw for token in tokenize(value))
    except AthenaError:
        return _string(value)
    if not _is_one_value(tree) or "?" in sql:
        return _string(value)
    return sql if isinstance(tree.expressions[0], exp.Literal | exp.Null | exp.Boolean) else f"({sql})"


def _is_one_value(tree: exp.Expression) -> bool:
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        return False
    only = tree.expressions[0]
    clauses = [key for key, clause in tree.args.items() if clause and key != "expressions"]
    return not clauses and not isinstance(only, exp.Alias | exp.Star) and only.find(exp.Column) is None


def _string(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
