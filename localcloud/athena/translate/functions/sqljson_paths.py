"""SQL/JSON functions that read JSON by a path: JSON_EXISTS, JSON_VALUE, JSON_QUERY.

Each call is nested lambdas that bind the arguments, then the document, then the items that the path finds.
Each function handles items, no items and errors in its own way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import jsons
from localcloud.athena.translate.casts import cast, coerce, try_cast
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.jsonpaths import parser
from localcloud.athena.translate.jsonpaths.nodes import Path
from localcloud.athena.translate.jsonpaths.sequences import kind, sequence
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGERS,
    VARCHAR,
    Term,
    duckdb_type,
    fail,
    text,
)
from localcloud.athena.translate.typing import data_type
from localcloud.athena.types import Type

# Names of the lambda parameters: arguments, document, items.
_GIVEN, _DOCUMENT, _FOUND = "json_a", "json_d", "json_s"
_TEXTS = ("varchar", "char")
_RETURNED = (*_TEXTS, *INTEGERS, "boolean", "real", "double", "decimal", "date", "timestamp")
_UNSURE = ("time", "time with time zone", "timestamp with time zone")
_INPUT, _PATH = "JSON_INPUT_CONVERSION_ERROR", "PATH_EVALUATION_ERROR"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call: its path, the DuckDB text of its arguments and items, and the keywords between them."""

    path: Path
    given: str
    items: str
    words: dict[str, Any]

    def sql(self, made: str, on_error: Callable[[str, str], str], type_: Type) -> str:
        """Return the whole call; `made` reads the items, `on_error` handles a code and its message."""
        failed = on_error(_PATH, "path evaluation failed")
        malformed = on_error(_INPUT, "conversion to JSON failed")
        found = (
            f"list_transform([{self.items}], lambda {_FOUND}:"
            f" CASE WHEN athena_path_failed({_FOUND}) THEN {failed} ELSE {made} END)[1]"
        )
        document = (
            f"list_transform([athena_json_document({_GIVEN}.v)], lambda {_DOCUMENT}:"
            f" CASE WHEN {_DOCUMENT} IS NULL THEN {malformed} ELSE {found} END)[1]"
        )
        whole = f"CASE WHEN {_GIVEN}.v IS NOT NULL THEN {document} END"
        return f"CAST(list_transform([{self.given}], lambda {_GIVEN}: {whole})[1] AS {duckdb_type(type_)})"


def _call(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> _Call:
    words = node.meta["words"]
    line, column = place(node)
    if "path name" in words:
        message = f"JSON path name is not allowed in {node.name.upper()} function"
        raise AthenaError("INVALID_PATH", f"line {line}:{column}: {message}")
    value = _document(arguments[0], words.get("format", "JSON"), scope)
    path = _path(arguments[1])
    passed = [
        _passed(argument, as_json, scope)
        for argument, (_, as_json) in zip(arguments[2:], words.get("passing", ()), strict=True)
    ]
    given = ", ".join(f"{name} := {sql}" for name, sql in [("v", value), *_numbered(passed)])
    variables = {name: f"{_GIVEN}.p{at}" for at, (name, _) in enumerate(words.get("passing", ()))}
    try:
        items = sequence(path, _DOCUMENT, variables)
    except AthenaError as error:
        raise _placed(error, arguments[1]) from None
    return _Call(path, f"struct_pack({given})", items, words)


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    return [(f"p{at}", sql) for at, sql in enumerate(texts)]


def _document(node: exp.Expression, form: str, scope: Scope) -> str:
    value = scope.term(node)
    if value.type.name == "varbinary":
        raise not_supported("JSON in a varbinary in the local cloud")
    if value.type.name not in (*_TEXTS, "unknown") or form != "JSON":
        shown = f"Cannot read input of type {value.type.athena} as JSON using formatting {form}"
        raise mismatch(node, shown)
    return coerce(value, VARCHAR).sql


def _passed(node: exp.Expression, as_json: bool, scope: Scope) -> str:
    """Return a PASSING value as JSON. Small integers and decimals have types that JSON lacks."""
    if as_json:
        raise not_supported("PASSING … FORMAT JSON in the local cloud")
    value = scope.term(node)
    if value.type.name not in ("varchar", "integer", "double", "boolean", "unknown"):
        raise not_supported(f"PASSING a value of type {value.type.athena} in the local cloud")
    if value.type == DOUBLE:
        return f"coalesce(athena_path_real_item({value.sql}), CAST('null' AS JSON))"
    made = jsons.from_value(value.sql, value.type, value.zone)
    return f"CAST(coalesce({made}, 'null') AS JSON)"


def _path(node: exp.Expression) -> Path:
    try:
        return parser.parse(node.name)
    except parser.PathError as error:
        line, column = place(node)
        column += 1 + error.at
        if isinstance(error, parser.UnsupportedPathError):
            raise not_supported(f"line {line}:{column}: {error}") from None
        raise syntax_error(str(error), line=line, column=column) from None


def _placed(error: AthenaError, node: exp.Expression) -> AthenaError:
    """Return the error with the position of the path, which it lacks."""
    line, column = place(node)
    return AthenaError(error.code, f"line {line}:{column}: {error.text}")


@special("json_exists")
def _exists(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    call = _call(arguments, node, scope)

    def on_error(code: str, message: str) -> str:
        if (what := call.words.get("error", "FALSE")) == "ERROR":
            return fail(code, text(message), BOOLEAN)
        return "NULL" if what == "UNKNOWN" else what

    return Term(call.sql(f"len({_FOUND}) > 0", on_error, BOOLEAN), BOOLEAN)


@special("json_value")
def _value(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    call = _call(arguments, node, scope)
    type_ = data_type(call.words["type"]) if "type" in call.words else VARCHAR
    if type_.name in _UNSURE:
        raise not_supported(f"JSON_VALUE RETURNING {type_.athena} in the local cloud")
    if type_.name not in _RETURNED:
        raise mismatch(node, f"Invalid return type of function JSON_VALUE: {type_.athena}")

    def on(event: str, code: str, message: str) -> str:
        match call.words.get(event, "NULL"):
            case "NULL":
                return "NULL"
            case "ERROR":
                return fail(code, text(message), type_)
            case default:
                return coerce(scope.term(default), type_).sql

    def wrong(message: str) -> str:
        return on("error", _RESULT, f"cannot extract SQL scalar from JSON: {message}")

    item = f"{_FOUND}[1]"
    none = on("empty", _RESULT, "cannot extract SQL scalar from JSON: JSON path found no items")
    made = (
        f"CASE WHEN len({_FOUND}) = 0 THEN {none}"
        f" WHEN len({_FOUND}) > 1 THEN {wrong('JSON path found multiple items')}"
        f" WHEN json_type({item}) = 'NULL' THEN NULL"
        f" WHEN json_type({item}) IN ('OBJECT', 'ARRAY')"
        f" THEN {wrong('JSON path found an item that cannot be converted to an SQL value')}"
        f" ELSE coalesce({_scalar(item, call, type_, node)},"
        f" {wrong(f'Cannot cast value to declared return type of function JSON_VALUE: {type_.athena}')}) END"
    )
    return Term(call.sql(made, lambda code, message: on("error", code, message), type_), type_)


_RESULT = "JSON_VALUE_RESULT_ERROR"
_READ = {
    "boolean": (("BOOLEAN",), BOOLEAN, "({0} = 'true')"),
    "text": (("VARCHAR",), VARCHAR, "json_extract_string({0}, '$')"),
    "number": (("BIGINT", "UBIGINT"), BIGINT, "athena_path_whole({0})"),
    "real": (("DOUBLE",), DOUBLE, "athena_path_real({0})"),
}


def _scalar(item: str, call: _Call, type_: Type, node: exp.Expression) -> str:
    """Cast an item that is a boolean, text or number to a type; NULL if that fails."""
    branches: list[str] = []
    missing: list[str] = []
    for name, (kinds, source, read) in _READ.items():
        value = Term(read.format(item), source)
        try:
            made = value.sql if source == type_ else try_cast(value, type_).sql
        except AthenaError:
            made = "NULL"
            missing.append(name)
        branches.append(f"WHEN json_type({item}) IN {_listed(kinds)} THEN {made}")
    known = kind(call.path.node)
    if known in missing:
        raise mismatch(node, f"Return type of JSON path: {known} incompatible with {type_.athena}")
    return f"CASE {' '.join(branches)} END"


def _listed(words: tuple[str, ...]) -> str:
    return f"({', '.join(map(text, words))})"


@special("json_query")
def _query(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    call = _call(arguments, node, scope)
    words = call.words
    type_ = data_type(words["type"]) if "type" in words else VARCHAR
    if type_.name == "char":
        raise not_supported("JSON_QUERY RETURNING char in the local cloud")
    if type_.name not in ("varchar", "varbinary"):
        raise mismatch(node, f"Cannot output JSON value as {type_.athena} using formatting JSON")
    wrapper = words.get("wrapper", "WITHOUT")
    if "quotes" in words and wrapper != "WITHOUT":
        line, column = place(node)
        message = f"{words['quotes']} QUOTES behavior specified with WITH {wrapper} ARRAY WRAPPER behavior"
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"line {line}:{column}: {message}")

    def on(event: str, code: str, message: str) -> str:
        plain = {"NULL": "NULL", "EMPTY ARRAY": "'[]'", "EMPTY OBJECT": "'{}'"}
        return plain.get(words.get(event, "NULL")) or fail(code, text(message), VARCHAR)

    found = {
        "WITHOUT": f"CASE WHEN len({_FOUND}) > 1 THEN {on('error', _OUTPUT, _MANY)} ELSE {_shown(words)} END",
        "UNCONDITIONAL": _WRAPPED,
        "CONDITIONAL": f"CASE WHEN len({_FOUND}) = 1 AND json_type({_FOUND}[1]) IN ('OBJECT', 'ARRAY')"
        f" THEN athena_path_text({_FOUND}[1]) ELSE {_WRAPPED} END",
    }
    made = f"CASE WHEN len({_FOUND}) = 0 THEN {on('empty', _OUTPUT, _NONE)} ELSE {found[wrapper]} END"
    sql = call.sql(made, lambda code, message: on("error", code, message), VARCHAR)
    return cast(Term(sql, VARCHAR), type_)


_OUTPUT = "JSON_OUTPUT_CONVERSION_ERROR"
_NONE = "conversion from JSON failed: JSON path found no items"
_MANY = "conversion from JSON failed: JSON path found multiple items"
_WRAPPED = (
    f"'[' || array_to_string(list_transform({_FOUND}, lambda json_i: athena_path_text(json_i)), ',') || ']'"
)


def _shown(words: dict[str, Any]) -> str:
    """Return the only item; a text without quotes if OMIT QUOTES is given."""
    item = f"{_FOUND}[1]"
    if words.get("quotes") != "OMIT":
        return f"athena_path_text({item})"
    bare = f"json_extract_string({item}, '$')"
    return f"CASE WHEN json_type({item}) = 'VARCHAR' THEN {bare} ELSE athena_path_text({item}) END"
