"""Parse Athena queries into sqlglot trees that keep every function call as it was written.

sqlglot's own dialects rewrite calls while parsing (`date_format` patterns become strftime patterns,
`element_at` an index, `arbitrary` any_value), which loses what the translation needs. Here a call stays
an `Anonymous` node with its name, arguments and position; only special syntax has its own node classes.
"""

import re
from itertools import pairwise
from typing import cast

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from localcloud.athena import syntax_checks
from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.grammar import Dialect
from localcloud.athena.statements.tokens import Token, place, tokenize, unexpected
from localcloud.athena.translate.places import TEXT
from localcloud.athena.translate.places import place as place_of

_WRITTEN = "written"
_PLACE = re.compile(r"Line (\d+), Col: (\d+)")
_MARKUP = re.compile(r"\x1b\[\d*m")


def parse(sql: str) -> exp.Expression:
    """Parse one statement (query, CTAS, INSERT, MERGE, UPDATE, DELETE, CREATE VIEW).

    Raises AthenaError SYNTAX_ERROR, with line and column, when the text is not a statement.
    """
    try:
        trees = [tree for tree in Dialect().parse(_as_sqlglot_reads(sql)) if tree is not None]
    except (ParseError, TokenError) as error:
        raise _as_syntax_error(error) from None
    if not trees:
        raise unexpected(sql, len(sql), "<EOF>")
    if len(trees) != 1:
        raise AthenaError("SYNTAX_ERROR", "Only one sql statement is allowed. Got: " + sql[:200])
    _refuse_words(trees[0])
    _refuse_chains(trees[0])
    trees[0].meta[_WRITTEN] = trees[0].meta[TEXT] = sql
    return cast(exp.Expression, trees[0])


def parse_from(text: str, start: int) -> exp.Expression:
    """Parse the query that starts at `start`; positions in the tree count from the start of `text`."""
    tree = parse(re.sub(r"[^\n]", " ", text[:start]) + text[start:])
    tree.meta[_WRITTEN] = text[start:]
    return tree


def _refuse_words(tree: exp.Expr) -> None:
    """Raise SYNTAX_ERROR for an unquoted name that is a reserved word, which sqlglot accepts."""
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and name.name.lower() in Dialect.Generator.RESERVED_KEYWORDS:
            column = name.meta.get("col", len(name.name)) - len(name.name) + 1
            text = f"mismatched input '{name.name}'. Expecting: <identifier>"
            raise syntax_error(text, line=name.meta.get("line", 1), column=column)


_PREDICATES = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Between, exp.In, exp.Like, exp.Escape, exp.Is),
)


def _refuse_chains(tree: exp.Expr) -> None:
    """Raise SYNTAX_ERROR for `a = b = c` and the like: Athena compares a condition only in parentheses."""
    for node in tree.find_all(*_PREDICATES):
        if isinstance(node.parent, exp.Update):  # SET a = b IS NULL
            continue
        for part in (node.this, *(node.args.get(name) for name in ("expression", "low", "high"))):
            if isinstance(part, (*_PREDICATES, exp.Not)) and not _is_part(part, node):
                line, column = place_of(cast(exp.Expression, part))
                message = "A condition inside of a comparison needs parentheses. Expecting: <EOF>"
                raise syntax_error(message, line=line, column=column)


def _is_part(part: exp.Expr, node: exp.Expr) -> bool:
    """Whether `part` is the LIKE of an ESCAPE, or the NOT NULL of an IS."""
    return isinstance(node, exp.Escape) or (isinstance(part, exp.Not) and isinstance(part.this, exp.Null))


def _as_sqlglot_reads(sql: str) -> str:
    """Rewrite what sqlglot would read differently from Athena; positions are kept as far as possible.

    Raises SYNTAX_ERROR for operators and numbers of other dialects, NOT_SUPPORTED for MATCH_RECOGNIZE.
    """
    tokens = list(tokenize(sql))
    if any(token.keyword == "MATCH_RECOGNIZE" for token in tokens):
        raise not_supported("MATCH_RECOGNIZE in the local cloud")
    syntax_checks.refuse(sql, tokens)
    for token, following in pairwise(tokens):
        if token.keyword == "X" and following.sort == "string" and following.start == token.stop:
            # `X'61 62'` becomes `X'6162' `: sqlglot accepts no blanks inside.
            tight = "".join(following.raw.split()).ljust(following.stop - following.start)
            sql = sql[: following.start] + tight + sql[following.stop :]
    for token in reversed(tokens):  # backwards, because these may change the length
        if token.sort == "word" and token.raw[0].isdigit():
            number = _number(sql, token).ljust(token.stop - token.start)
            sql = sql[: token.start] + number + sql[token.stop :]
        if token.sort == "number" and "e" in token.raw.lower() and sql[token.stop :][:1] in ("+", "-"):
            sql = f"{sql[: token.stop]} {sql[token.stop :]}"  # `1e0+2` would be one number
    return sql


_NUMBER = re.compile(r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9]+(_[0-9]+)*")


def _number(sql: str, token: Token) -> str:
    """`0x1F`, `0o17`, `0b101` in decimal: sqlglot reads them as bytes, or as 0 with an alias."""
    if not _NUMBER.fullmatch(token.raw):
        line, column = place(sql, token.start)
        text = "identifiers must not start with a digit; surround the identifier with double quotes"
        raise syntax_error(text, line=line, column=column)
    return token.raw if token.raw.isdigit() or token.raw[1].isdigit() else str(int(token.raw, 0))


def written(tree: exp.Expression) -> str:
    """Return the text that `parse` read this whole tree from, for an engine that speaks Trino's SQL."""
    return with_doubles(str(tree.meta[_WRITTEN]))


def with_doubles(sql: str) -> str:
    """Write `1.5` as `1.5E0`: Athena reads `1.5` as a double, today's Trino as a decimal."""
    for token in reversed(list(tokenize(sql))):
        if token.sort == "number" and "." in token.raw and "e" not in token.raw.lower():
            sql = f"{sql[: token.stop]}E0{sql[token.stop :]}"
    return sql


def _as_syntax_error(error: ParseError | TokenError) -> AthenaError:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        near = first.get("highlight") or ""
        description = syntax_checks.without_internals(first.get("description") or "Invalid expression")
        text = f"mismatched input '{near}'. {description}"
        return syntax_error(text, line=first.get("line") or 1, column=first.get("col") or 1)
    place = _PLACE.search(str(error))
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    return syntax_error(_MARKUP.sub("", str(error)).splitlines()[0], line=line, column=column)
