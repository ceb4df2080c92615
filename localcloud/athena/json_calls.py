"""Parse the SQL/JSON calls, which have keywords between their arguments: JSON_VALUE, JSON_OBJECT etc.

Each becomes an `Anonymous` node; `meta["words"]` holds what the keywords say.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import TokenType, exp
from sqlglot.parsers.trino import TrinoParser

Read = Callable[[TrinoParser], exp.Expression]
Words = dict[str, object]


def _made(parser: TrinoParser, name: str, arguments: list[Any], words: Words) -> exp.Expression:
    if parser._curr and parser._curr.token_type != TokenType.R_PAREN:
        parser.raise_error("Expecting: ')'")
    found: exp.Expression = parser.expression(exp.Anonymous(this=name, expressions=arguments))
    found.meta["words"] = words
    return found


def _path_call(name: str, clauses: Callable[[TrinoParser, Words], None]) -> Read:
    """`name(value [FORMAT JSON], path [PASSING value AS name, …] …)`; passed values become arguments too."""

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
        return _made(parser, name, arguments, words)

    return read


def _value(parser: TrinoParser, words: Words, key: str) -> Any:
    """Parse a value; a `FORMAT JSON [ENCODING …]` after it is recorded in `words[key]`."""
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
    """Parse `… ON EMPTY`, then `… ON ERROR`: each a keyword or, after DEFAULT, an expression."""
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
    """`JSON_OBJECT([KEY] key : value [FORMAT JSON], … clauses)`; VALUE may replace the colon."""
    arguments: list[Any] = []
    words: Words = {}
    while not _at_clauses(parser):
        if parser._next and parser._next.token_type != TokenType.COLON:
            parser._match_text_seq("KEY")
        arguments.append(parser._parse_bitwise())
        if arguments[-1] is None or not (parser._match(TokenType.COLON) or parser._match_text_seq("VALUE")):
            parser.raise_error("Expecting: ':', 'VALUE'")
        arguments.append(_value(parser, words, f"format {len(arguments)}"))
        if not parser._match(TokenType.COMMA):
            break
    words["nulls"] = _nulls(parser, "NULL")
    for word in ("WITH", "WITHOUT"):
        if parser._match_text_seq(word, "UNIQUE"):
            parser._match_text_seq("KEYS")
            words["unique"] = word == "WITH"
    return _returning(parser, "json_object", arguments, words)


def _array(parser: TrinoParser) -> exp.Expression:
    """`JSON_ARRAY(value [FORMAT JSON], … [NULL | ABSENT ON NULL] [RETURNING type])`."""
    arguments: list[Any] = []
    words: Words = {}
    while not _at_clauses(parser):
        arguments.append(_value(parser, words, f"format {len(arguments)}"))
        if not parser._match(TokenType.COMMA):
            break
    words["nulls"] = _nulls(parser, "ABSENT")
    return _returning(parser, "json_array", arguments, words)


def _at_clauses(parser: TrinoParser) -> bool:
    """Whether no more values follow."""
    words = (("NULL", "ON"), ("ABSENT", "ON"), ("WITH", "UNIQUE"), ("WITHOUT", "UNIQUE"), ("RETURNING",))
    ended = parser._curr is None or parser._curr.token_type == TokenType.R_PAREN
    return ended or any(parser._match_text_seq(*some, advance=False) for some in words)


def _nulls(parser: TrinoParser, default: str) -> str:
    for word in ("NULL", "ABSENT"):
        if parser._match_text_seq(word, "ON", "NULL"):
            return word
    return default


def _returning(parser: TrinoParser, name: str, arguments: list[Any], words: Words) -> exp.Expression:
    if parser._match_text_seq("RETURNING"):
        words["type"] = parser._parse_types()
        parser._match_text_seq("FORMAT", "JSON")
    return _made(parser, name, arguments, words)


READERS: dict[str, Read] = {
    "JSON_ARRAY": _array,
    "JSON_EXISTS": _path_call("json_exists", _exists_clauses),
    "JSON_OBJECT": _object,
    "JSON_QUERY": _path_call("json_query", _query_clauses),
    "JSON_VALUE": _path_call("json_value", _value_clauses),
}
