"""Syntax errors that sqlglot accepts, or reports in its own terms where Athena reports the position.

sqlglot reads `a,, b` as `a, b` and `select 1 as` as `select 1`; for a `where` with nothing after it, it
reports that one of its classes lacks an argument.
"""

from collections.abc import Sequence
from itertools import pairwise

from localcloud.athena.errors import syntax_error
from localcloud.athena.statements.tokens import Token, place, unexpected

_FOREIGN_MARKS = frozenset("!&|^~#@$\\")
_FOREIGN_PAIRS = frozenset({"::", "==", "<=>"})
_CLOSING = frozenset({")", "]", ","})
# Reserved words and symbols that no list, bracket or statement ends in …
_BEFORE_EXPRESSIONS = frozenset(
    {"SELECT", "WHERE", "AND", "OR", "NOT", "BY", "HAVING", "ON", "WHEN", "THEN", "ELSE", "LIKE", "BETWEEN"}
)
_OPERATORS = frozenset({"=", "<", "<=", ">=", "<>", "!=", "+", "-", "/", "%", "||"})
_OPEN = (
    _BEFORE_EXPRESSIONS
    | _OPERATORS
    | {
        "AS",
        "FROM",
        "JOIN",
        "IN",
        "INTO",
        "USING",
        "CASE",
        "DISTINCT",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "VALUES",
    }
)
# … and words that no expression starts with.
_NO_EXPRESSION = frozenset(
    {
        "FROM",
        "WHERE",
        "GROUP",
        "HAVING",
        "AND",
        "OR",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "THEN",
        "ELSE",
        "END",
        "AS",
    }
)


def refuse(sql: str, tokens: Sequence[Token]) -> None:
    """Raise SYNTAX_ERROR for the first such error in the tokens of a query."""
    for token in tokens:
        if token.sort == "ticked":
            line, column = place(sql, token.start)
            text = "backquoted identifiers are not supported; use double quotes to quote identifiers"
            raise syntax_error(text, line=line, column=column)
        if token.sort == "word" and (mark := next((one for one in token.raw if one in _FOREIGN_MARKS), "")):
            raise unexpected(sql, token.start + token.raw.index(mark), mark)  # `"t$files"` is in quotes
    for token, following in pairwise(tokens):
        _refuse_pair(sql, token, following)
    for before, word, star in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (before.raw, word.keyword, star.raw) == ("(", "DISTINCT", "*") and star.sort == "mark":
            raise unexpected(sql, star.start, "*", "<expression>")
    if tokens:
        _refuse_end(sql, tokens)
        _refuse_second_name(sql, tokens)


def _refuse_pair(sql: str, token: Token, following: Token) -> None:
    if token.raw in (",", "(", "[") and following.raw == ",":
        raise unexpected(sql, following.start, ",", "<expression>")
    if token.raw == "," and (following.raw in _CLOSING or following.keyword == "FROM"):
        raise unexpected(sql, following.start, following.raw)  # sqlglot accepts a trailing comma
    if token.keyword in _OPEN and following.sort == "mark" and following.raw in _CLOSING:
        raise unexpected(sql, following.start, following.raw, _expected(token))
    if token.keyword in _BEFORE_EXPRESSIONS and following.keyword in _NO_EXPRESSION:
        raise unexpected(sql, following.start, following.raw, "<expression>")
    if token.keyword == "AS" and following.sort == "string":
        raise unexpected(sql, following.start, following.raw)
    if token.keyword in ("SET", "INSERT") and following.raw == "*":  # of other dialects' MERGE
        raise unexpected(sql, following.start, "*", "<identifier>")
    if token.keyword == "INSERT" and following.keyword == "OVERWRITE":
        raise unexpected(sql, following.start, following.raw, "'INTO'")
    pair = token.raw + following.raw if token.stop == following.start else ""
    if pair[:2] == "&'":  # of U&'\\0041'
        return
    if token.sort == "mark" and (token.raw in _FOREIGN_MARKS or pair in _FOREIGN_PAIRS):
        raise unexpected(sql, token.start, pair if pair in _FOREIGN_PAIRS else token.raw)


def _refuse_end(sql: str, tokens: Sequence[Token]) -> None:
    first, last = tokens[0], tokens[-1]
    if first.keyword == "DELETE" and len(tokens) > 1 and tokens[1].keyword != "FROM":
        raise unexpected(sql, tokens[1].start, tokens[1].raw, "'FROM'")
    ends_in_set = first.keyword == "UPDATE" and last.keyword == "SET"
    if last.raw == "," or last.keyword in _OPEN or ends_in_set:
        raise unexpected(sql, last.stop, "<EOF>", _expected(last))


def _refuse_second_name(sql: str, tokens: Sequence[Token]) -> None:
    """Refuse an alias of the table in UPDATE and DELETE; sqlglot accepts `update t as u set …`."""
    head, clause = {"UPDATE": (1, "SET"), "DELETE": (2, "WHERE")}.get(tokens[0].keyword, (0, ""))
    if not head:
        return
    at = head + 1
    while at < len(tokens) and tokens[at].raw == ".":
        at += 2
    if at < len(tokens) and tokens[at].keyword != clause:
        end = ", <EOF>" if clause == "WHERE" else ""
        raise unexpected(sql, tokens[at].start, tokens[at].raw, f"'.', '{clause}'{end}")


def _expected(token: Token) -> str:
    return "<expression>" if token.keyword in _BEFORE_EXPRESSIONS | _OPERATORS else ""


def without_internals(description: str) -> str:
    """Return sqlglot's description of an error, or a general one if it names sqlglot's classes."""
    internal = description.startswith("Required keyword") or "<Token " in description
    return "Invalid expression / Unexpected token" if internal else description
