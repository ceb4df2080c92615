"""Athena's grammar: sqlglot's grammar of Trino, without what that accepts from other dialects.

SQL that is accepted here but refused by Athena would work on this machine and fail on AWS, or mean
something else there: `x::int`, `LIMIT 1, 2`, `LIMIT 1 ORDER BY 2`, `a JOIN b` without a condition.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser

from localcloud.athena.json_calls import READERS

# Calls whose arguments are not a plain list, so that the parser must read them itself.
_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "LISTAGG", "SUBSTRING")
_CLAUSES = (
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.WINDOW,
    TokenType.ORDER_BY,
    TokenType.OFFSET,
    TokenType.LIMIT,
    TokenType.FETCH,
)
_FOREIGN_WORDS = (
    *("ILIKE", "RLIKE", "REGEXP", "GLOB", "SIMILAR TO", "OVERLAPS", "COLLATE", "DIV", "XOR"),
    *("ISNULL", "NOTNULL", "SEMI", "ANTI", "ASOF", "STRAIGHT_JOIN", "APPLY", "PIVOT", "UNPIVOT"),
    *("CLUSTER BY", "DISTRIBUTE BY", "SORT BY", "CONNECT BY"),
)
"""Keywords of other dialects. Athena reads each as a name: in `a isnull`, `isnull` is an alias of `a`."""
WORD = "word"
"""The key in a type node's `meta` that holds the type name as it was written."""

_STAR_WORDS = ("EXCEPT", "EXCLUDE", "REPLACE", "RENAME")
_GROUPINGS = (TokenType.ROLLUP, TokenType.CUBE)
_NO_ARGUMENTS = [TokenType.L_PAREN, TokenType.R_PAREN]

Read = Callable[..., Any]


def _typed_literal(parser: TrinoParser, this: exp.Literal, to: exp.DataType) -> exp.Expression:
    """Parse `decimal '1.20'` and the like as a cast, marked as a literal because its type differs."""
    found: exp.Expression = parser.expression(exp.Cast(this=this, to=to))
    found.meta["literal"] = True
    return found


def _in_order(kind: TokenType) -> Read:
    """Return a parser of one clause, which refuses an earlier clause after it."""
    earlier = _CLAUSES[: _CLAUSES.index(kind)]
    read: Read = TrinoParser.QUERY_MODIFIER_PARSERS[kind]

    def parse(parser: TrinoParser) -> tuple[str, exp.Expression | None]:
        key, found = read(parser)
        if isinstance(found, exp.Limit) and not _is_count(found):
            parser.raise_error("LIMIT takes a number. Expecting: <EOF>")
        if isinstance(found, exp.Offset) and not isinstance(found.expression, exp.Literal | exp.Placeholder):
            parser.raise_error("OFFSET takes a number. Expecting: '?', <integer>")
        if parser._curr and parser._curr.token_type in earlier:
            parser.raise_error("Expecting: <EOF>")
        return key, found

    return parse


def _is_count(limit: exp.Limit) -> bool:
    """Whether it is `LIMIT 5`, `LIMIT ?` or `LIMIT ALL`; `LIMIT 1, 2` is MySQL's."""
    count = limit.expression
    number = isinstance(count, exp.Literal) and not count.is_string
    word = isinstance(count, exp.Column | exp.Var) and count.name.lower() == "all"
    return not limit.args.get("offset") and (number or word or isinstance(count, exp.Placeholder))


class Parser(TrinoParser):
    """Reads function calls as written, and refuses syntax that Athena lacks."""

    FUNCTIONS: ClassVar[dict[str, Read]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Read]] = {
        name: TrinoParser.FUNCTION_PARSERS[name] for name in _SYNTAX if name in TrinoParser.FUNCTION_PARSERS
    } | READERS
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = TrinoParser.NO_PAREN_FUNCTIONS | {
        TokenType.CURRENT_SCHEMA: exp.CurrentSchema
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Read]] = {
        name: TrinoParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("CASE", "ANY")
    }
    TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Read]] = dict.fromkeys(
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
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = {
        TokenType.DOT: TrinoParser.COLUMN_OPERATORS[TokenType.DOT]
    }
    PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Read]] = {
        TokenType.PLACEHOLDER: TrinoParser.PLACEHOLDER_PARSERS[TokenType.PLACEHOLDER]
    }
    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Read]] = TrinoParser.QUERY_MODIFIER_PARSERS | {
        kind: _in_order(kind) for kind in _CLAUSES
    }

    SUBQUERY_TOKENS: ClassVar[set[TokenType]] = TrinoParser.SUBQUERY_TOKENS | {TokenType.VALUES}
    VERSION_PHRASES: ClassVar[dict[tuple[str, ...], str]] = {
        ("FOR", "TIMESTAMP", "AS", "OF"): "TIMESTAMP",
        ("FOR", "VERSION", "AS", "OF"): "VERSION",
    }

    def _parse_types(self, *args: Any, **given: Any) -> exp.Expr | None:
        word = self._curr.text if self._curr else ""
        found = super()._parse_types(*args, **given)
        if isinstance(found, exp.DataType):
            found.meta[WORD] = word
        return found

    def _parse_version(self) -> exp.Version | None:
        start = self._curr
        found = super()._parse_version()
        if found is not None:
            found.update_positions(start)
        return found

    def _parse_unnest(self, *args: Any, **given: Any) -> exp.Unnest | None:
        start = self._curr
        found = super()._parse_unnest(*args, **given)
        if found is not None:
            found.update_positions(start)
        return found

    def _parse_star_ops(self) -> exp.Expr | None:
        star = self.expression(exp.Star()).update_positions(self._prev)
        listed = self._next is not None and self._next.token_type == TokenType.L_PAREN
        if listed and self._curr.text.upper() in _STAR_WORDS:
            self.raise_error("Expecting: ',', 'FROM'")
        return star

    def _parse_group(self, *args: Any, **given: Any) -> exp.Group | None:
        start = self._index
        found = super()._parse_group(*args, **given)
        for one, following in pairwise(self._tokens[start : self._index]):
            if one.token_type == TokenType.WITH and following.token_type in _GROUPINGS:
                self.raise_error("Expecting: 'HAVING', 'ORDER'", one)
        return found

    def _parse_function_call(self, *args: Any, **given: Any) -> exp.Expr | None:
        """Accept `current_timestamp(3)`; refuse `current_timestamp()` and `current_date()`."""
        word, empty = self._curr, [token.token_type for token in self._tokens[self._index + 1 :][:2]]
        if word and word.token_type in self.NO_PAREN_FUNCTIONS and empty == _NO_ARGUMENTS:
            self.raise_error("Expecting: <integer>", self._tokens[self._index + 2])
        return super()._parse_function_call(*args, **given)

    def _parse_interval(self, *args: Any, **given: Any) -> Any:
        start = self._index
        found = super()._parse_interval(*args, **given)
        if found is not None:
            kinds = [token.token_type for token in self._tokens[start : self._index]]
            signed = len(kinds) > 1 and kinds[1] in (TokenType.DASH, TokenType.PLUS)
            if isinstance(found, exp.Add) or len(kinds) < 3 + signed or kinds[1 + signed] != TokenType.STRING:
                self.raise_error("Expecting an interval such as INTERVAL '1' DAY", self._tokens[start])
        return found

    def _parse_join(self, *args: Any, **given: Any) -> exp.Join | None:
        listed = self._curr is not None and self._curr.token_type == TokenType.COMMA
        found = super()._parse_join(*args, **given)
        if found is not None and not listed and not self._is_whole(found):
            self.raise_error("Expecting: 'ON', 'USING'")
        return found

    @staticmethod
    def _is_whole(join: exp.Join) -> bool:
        bare = join.args.get("kind") == "CROSS" or join.args.get("method") == "NATURAL"
        return bare or any(join.args.get(name) for name in ("on", "using"))


class Tokenizer(Trino.Tokenizer):
    """Reads keywords of other dialects as names."""

    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        word: kind for word, kind in Trino.Tokenizer.KEYWORDS.items() if word not in _FOREIGN_WORDS
    }


class Dialect(Trino):
    """Trino's SQL, read by `Parser`."""

    NUMBERS_CAN_BE_UNDERSCORE_SEPARATED = True
    INDEX_OFFSET = 0  # keep `a[1]` as written; the default rewrites the index
    Tokenizer = Tokenizer
    Parser = Parser
