"""Read the SQL/JSON calls, whose arguments have words between them: JSON_VALUE, JSON_OBJECT and the like.

Each becomes an `Anonymous` node; what the words say is in `meta["words"]`. Clauses that are not read are
kept as the word `unknown`, which the translation refuses.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import TokenType, exp
from sqlglot.parsers.trino import TrinoParser

Read = Callable[[TrinoParser], exp.Expression]


def _made(parser: TrinoParser, name: str, arguments: list[Any], **words: object) -> exp.Expression:
    found: exp.Expression = parser.expression(exp.Anonymous(this=name, expressions=arguments))
    if parser._curr and parser._curr.token_type != TokenType.R_PAREN:
        words["unknown"] = parser._curr.text
        _pass_over(parser)
    found.meta["words"] = words
    return found


def _pass_over(parser: TrinoParser) -> None:
    depth = 0
    while parser._curr and (depth or parser._curr.token_type != TokenType.R_PAREN):
        depth += parser._curr.token_type == TokenType.L_PAREN
        depth -= parser._curr.token_type == TokenType.R_PAREN
        parser._advance()


def _path_call(name: str) -> Read:
    """`name(value, path [RETURNING type] [DEFAULT value ON EMPTY] [DEFAULT value ON ERROR])`."""

    def read(parser: TrinoParser) -> exp.Expression:
        arguments = [parser._parse_bitwise()]
        if parser._match(TokenType.COMMA):
            arguments.append(parser._parse_bitwise())
        words: dict[str, object] = {}
        if parser._match_text_seq("RETURNING"):
            words["type"] = parser._parse_types()
        while parser._match(TokenType.DEFAULT):
            value = parser._parse_bitwise()
            event = next((one for one in ("EMPTY", "ERROR") if parser._match_text_seq("ON", one)), "unknown")
            words[event.lower()] = value
        return _made(parser, name, [one for one in arguments if one is not None], **words)

    return read


def _object(parser: TrinoParser) -> exp.Expression:
    """`JSON_OBJECT([KEY] key : value, … [NULL | ABSENT ON NULL])`, VALUE in the place of the colon too."""
    arguments: list[Any] = []
    while parser._curr and parser._curr.token_type != TokenType.R_PAREN:
        parser._match_text_seq("KEY")
        key = parser._parse_string()
        if key is None or not (parser._match(TokenType.COLON) or parser._match_text_seq("VALUE")):
            break
        value = parser._parse_bitwise()
        arguments += [key, value] if value is not None else []
        if not parser._match(TokenType.COMMA):
            break
    return _made(parser, "json_object", arguments, nulls=_nulls(parser, "NULL"))


def _array(parser: TrinoParser) -> exp.Expression:
    """`JSON_ARRAY(value, … [NULL | ABSENT ON NULL])`."""
    arguments: list[Any] = []
    while parser._curr and parser._curr.token_type != TokenType.R_PAREN:
        value = parser._parse_bitwise()
        if value is None:
            break
        arguments.append(value)
        if not parser._match(TokenType.COMMA):
            break
    return _made(parser, "json_array", arguments, nulls=_nulls(parser, "ABSENT"))


def _nulls(parser: TrinoParser, default: str) -> str:
    for word in ("NULL", "ABSENT"):
        if parser._match_text_seq(word, "ON", "NULL"):
            return word
    return default


READERS: dict[str, Read] = {
    "JSON_ARRAY": _array,
    "JSON_EXISTS": _path_call("json_exists"),
    "JSON_OBJECT": _object,
    "JSON_QUERY": _path_call("json_query"),
    "JSON_VALUE": _path_call("json_value"),
}
