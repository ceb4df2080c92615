"""Read the SQL/JSON calls, whose arguments have words between them: JSON_VALUE, JSON_OBJECT and the like.

Each becomes an `Anonymous` node; what the words say is in `meta["words"]`. Clauses of JSON_OBJECT and
JSON_ARRAY that are not read are kept as the word `unknown`, which the translation refuses.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import TokenType, exp
from sqlglot.parsers.trino import TrinoParser

Read = Callable[[TrinoParser], exp.Expression]
Words = dict[str, object]


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


def _path_call(name: str, clauses: Callable[[TrinoParser, Words], None]) -> Read:
    """`name(value [FORMAT JSON], path [PASSING value AS name, …] …)`; values passed are arguments, too."""

    def read(parser: TrinoParser) -> exp.Expression:
        words: Words = {}
        arguments = [_value(parser, words, "format")]
        if not parser._match(TokenType.COMMA):
            parser.raise_error("Expecting: ','")
        if not parser._curr or parser._curr.token_type != TokenType.STRING:
            parser.raise_error("Expecting: <string>")
        arguments.append(parser._parse_string())
        if parser._match(TokenType.ALIAS):
            words["path name"] = parser._parse_id_var()
        if parser._match_text_seq("PASSING"):
            arguments += _passed(parser, words)
        clauses(parser, words)
        if parser._curr and parser._curr.token_type != TokenType.R_PAREN:
            parser.raise_error("Expecting: ')'")
        return _made(parser, name, arguments, **words)

    return read


def _value(parser: TrinoParser, words: Words, key: str) -> Any:
    """A value; the words under `key` tell of `FORMAT JSON [ENCODING …]` behind it."""
    found = parser._parse_bitwise()
    if found is None:
        parser.raise_error("Expecting: <expression>")
    if parser._match_text_seq("FORMAT", "JSON"):
        words[key] = "JSON"
        if parser._match_text_seq("ENCODING"):
            words[key] = f"JSON ENCODING {parser._curr.text.upper() if parser._curr else ''}"
            parser._advance()
    return found


def _passed(parser: TrinoParser, words: Words) -> list[Any]:
    values: list[Any] = []
    names: list[tuple[str, bool]] = []
    while True:
        key = f"format {len(values)}"
        values.append(_value(parser, words, key))
        if not parser._match(TokenType.ALIAS):
            parser.raise_error("Expecting: 'AS'")
        name: Any = parser._parse_id_var()
        names.append((name.name if name.args.get("quoted") else name.name.upper(), key in words))
        if not parser._match(TokenType.COMMA):
            words["passing"] = names
            return values


def _exists_clauses(parser: TrinoParser, words: Words) -> None:
    for what in ("TRUE", "FALSE", "UNKNOWN", "ERROR"):
        if parser._match_text_seq(what, "ON", "ERROR"):
            words["error"] = what


def _value_clauses(parser: TrinoParser, words: Words) -> None:
    if parser._match_text_seq("RETURNING"):
        words["type"] = parser._parse_types()
    _endings(parser, words, ("ERROR", "NULL"))


def _query_clauses(parser: TrinoParser, words: Words) -> None:
    if parser._match_text_seq("RETURNING"):
        words["type"] = parser._parse_types()
        if parser._match_text_seq("FORMAT", "JSON"):
            words["returned format"] = "JSON"
    if parser._match_text_seq("WITHOUT"):
        words["wrapper"] = "WITHOUT"
    elif parser._match_text_seq("WITH"):
        found = next((one for one in ("CONDITIONAL", "UNCONDITIONAL") if parser._match_text_seq(one)), None)
        words["wrapper"] = found or "UNCONDITIONAL"
    if "wrapper" in words:
        parser._match_text_seq("ARRAY")
        if not parser._match_text_seq("WRAPPER"):
            parser.raise_error("Expecting: 'WRAPPER'")
    for what in ("KEEP", "OMIT"):
        if parser._match_text_seq(what, "QUOTES"):
            words["quotes"] = what
            parser._match_text_seq("ON", "SCALAR", "STRING")
    _endings(parser, words, ("ERROR", "NULL", "EMPTY ARRAY", "EMPTY OBJECT"))


def _endings(parser: TrinoParser, words: Words, known: tuple[str, ...]) -> None:
    """`… ON EMPTY` and then `… ON ERROR`, each a word or, behind DEFAULT, an expression."""
    for event in ("EMPTY", "ERROR"):
        for what in known:
            if parser._match_text_seq(*what.split(), "ON", event):
                words[event.lower()] = what
        if event.lower() not in words and "EMPTY ARRAY" not in known and parser._match(TokenType.DEFAULT):
            value = parser._parse_bitwise()
            found = event if parser._match_text_seq("ON", event) else "ERROR"
            if found != event and not parser._match_text_seq("ON", found):
                parser.raise_error("Expecting: 'ON'")
            words[found.lower()] = value


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
    "JSON_EXISTS": _path_call("json_exists", _exists_clauses),
    "JSON_OBJECT": _object,
    "JSON_QUERY": _path_call("json_query", _query_clauses),
    "JSON_VALUE": _path_call("json_value", _value_clauses),
}
