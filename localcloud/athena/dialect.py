"""Parse Athena queries into sqlglot trees that keep every function call as it was written.

sqlglot's own dialects rewrite calls while parsing (`date_format` patterns become strftime patterns,
`element_at` an index, `arbitrary` any_value), which loses what the translation needs. Here a call stays
an `Anonymous` node with its name, arguments and place in the text; only syntax has nodes of its own.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, cast

from sqlglot import TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser

from localcloud.athena.errors import AthenaError, syntax_error
from localcloud.athena.json_calls import READERS
from localcloud.athena.statements.tokens import tokenize

# Calls whose arguments are not a plain list, so that the parser must read them itself.
_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "LISTAGG", "SUBSTRING")


def _typed_literal(parser: TrinoParser, this: exp.Literal, to: exp.DataType) -> exp.Expression:
    """`decimal '1.20'` and its like: marked, since a cast would give another type."""
    found: exp.Expression = parser.expression(exp.Cast(this=this, to=to))
    found.meta["literal"] = True
    return found


class _Parser(TrinoParser):
    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        name: TrinoParser.FUNCTION_PARSERS[name] for name in _SYNTAX if name in TrinoParser.FUNCTION_PARSERS
    } | READERS
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = TrinoParser.NO_PAREN_FUNCTIONS | {
        TokenType.CURRENT_SCHEMA: exp.CurrentSchema
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        name: TrinoParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("CASE", "ANY")
    }
    TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Callable[..., Any]]] = dict.fromkeys(
        (
            exp.DType.TIMESTAMP,
            exp.DType.TIMESTAMPTZ,
            exp.DType.TIME,
            exp.DType.TIMETZ,
            exp.DType.DATE,
            exp.DType.DECIMAL,
            exp.DType.JSON,
            exp.DType.IPADDRESS,
        ),
        _typed_literal,
    )


class _Dialect(Trino):
    NUMBERS_CAN_BE_UNDERSCORE_SEPARATED = True
    INDEX_OFFSET = 0  # keep `a[1]` as written; the default rewrites the index
    Parser = _Parser


_WRITTEN = "written"
_PLACE = re.compile(r"Line (\d+), Col: (\d+)")
_MARKUP = re.compile(r"\x1b\[\d*m")


def parse(sql: str) -> exp.Expression:
    """The tree of one statement (query, CTAS, INSERT, MERGE, UPDATE, DELETE, CREATE VIEW).

    Raises AthenaError SYNTAX_ERROR, with line and column, when the text is no statement.
    """
    try:
        trees = [tree for tree in _Dialect().parse(_without_gaps(sql)) if tree is not None]
    except (ParseError, TokenError) as error:
        raise _as_syntax_error(error) from None
    if len(trees) != 1:
        raise AthenaError("SYNTAX_ERROR", "Only one sql statement is allowed. Got: " + sql[:200])
    _refuse_words(trees[0])
    trees[0].meta[_WRITTEN] = sql
    return cast(exp.Expression, trees[0])


def _refuse_words(tree: exp.Expr) -> None:
    """Raise SYNTAX_ERROR for a name that is a word of SQL and in no quotes: sqlglot takes it."""
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and name.name.lower() in Trino.Generator.RESERVED_KEYWORDS:
            column = name.meta.get("col", len(name.name)) - len(name.name) + 1
            text = f"mismatched input '{name.name}'. Expecting: <identifier>"
            raise syntax_error(text, line=name.meta.get("line", 1), column=column)


def _without_gaps(sql: str) -> str:
    """The statement with `X'61 62'` as `X'6162' `: sqlglot takes no blanks inside, and places stay."""
    if "X'" not in sql.upper():
        return sql
    tokens = list(tokenize(sql))
    for mark, digits in pairwise(tokens):
        if mark.keyword == "X" and digits.sort == "string" and digits.start == mark.stop:
            tight = "".join(digits.raw.split()).ljust(digits.stop - digits.start)
            sql = sql[: digits.start] + tight + sql[digits.stop :]
    return sql


def written(tree: exp.Expression) -> str:
    """The text that `parse` read this whole tree from, for an engine that speaks Trino's SQL."""
    return with_doubles(str(tree.meta[_WRITTEN]))


def with_doubles(sql: str) -> str:
    """The statement with `1.5` as `1.5E0`: to Athena it is a double, to today's Trino a decimal."""
    for token in reversed(list(tokenize(sql))):
        if token.sort == "number" and "." in token.raw and "e" not in token.raw.lower():
            sql = f"{sql[: token.stop]}E0{sql[token.stop :]}"
    return sql


def _as_syntax_error(error: ParseError | TokenError) -> AthenaError:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        near = first.get("highlight") or ""
        text = f"mismatched input '{near}'. {first.get('description') or 'Invalid expression'}"
        return syntax_error(text, line=first.get("line") or 1, column=first.get("col") or 1)
    place = _PLACE.search(str(error))
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    return syntax_error(_MARKUP.sub("", str(error)).splitlines()[0], line=line, column=column)
