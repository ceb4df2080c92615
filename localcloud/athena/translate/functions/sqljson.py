"""SQL/JSON functions that create JSON: JSON_OBJECT and JSON_ARRAY."""

from typing import Any

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate import jsons
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import INTEGERS, VARCHAR, Term, fail, text
from localcloud.athena.translate.typing import data_type

_MAKERS = ("json_array", "json_object", "json_query")
_PLAIN = ("varchar", "char", "boolean", "real", "double", "decimal", *INTEGERS)
_SHOWN = (
    *("date", "time", "timestamp", "timestamp with time zone", "uuid"),
    *("interval day to second", "interval year to month"),
)
_MALFORMED = fail("JSON_INPUT_CONVERSION_ERROR", text("conversion to JSON failed"), VARCHAR)
# A Java hash table keeps its initial size up to this many keys.
_FIRST_SIZE, _FIRST_KEYS = 16, 12


@special("json_object")
def _object(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    words = node.meta["words"]
    keys = [_key(key, scope) for key in arguments[::2]]
    values = [
        _json(value, words.get(f"format {at}"), scope)
        for at, value in zip(range(1, len(arguments), 2), arguments[1::2], strict=True)
    ]
    items = [(_prefix(keys[at]), values[at]) for at in _order(keys, node)]
    return _returned(f"'{{' || {_joined(items, words['nulls'])} || '}}'" if items else "'{}'", node)


@special("json_array")
def _array(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    words = node.meta["words"]
    items = [("''", _json(value, words.get(f"format {at}"), scope)) for at, value in enumerate(arguments)]
    return _returned(f"'[' || {_joined(items, words['nulls'])} || ']'" if items else "'[]'", node)


def _key(node: exp.Expression, scope: Scope) -> Term:
    term = scope.term(node)
    if term.type.name not in ("varchar", "char"):
        line, column = place(node)
        message = f"Invalid type of JSON object key: {term.type.athena}"
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"line {line}:{column}: {message}")
    return term


def _prefix(key: Term) -> str:
    """Return the text before the value of a key."""
    if isinstance(key.value, str):
        return text(jsons.quoted(key.value) + ":")
    null = fail("INVALID_FUNCTION_ARGUMENT", text("null value passed for JSON object key"), VARCHAR)
    return f"coalesce(athena_json_text({key.sql}), {null}) || ':'"


def _order(keys: list[Term], node: exp.Expression) -> list[int]:
    """Return the order in which Trino prints the members: that of the keys in a Java hash table."""
    known = [key.value for key in keys if isinstance(key.value, str)]
    if len(keys) > 1 and len(known) < len(keys):
        raise not_supported("Several keys of JSON_OBJECT that are not all literals in the local cloud")
    if len(set(known)) < len(known):
        if node.meta["words"].get("unique"):
            raise AthenaError(
                "INVALID_FUNCTION_ARGUMENT", "line 1:1: duplicate key passed to JSON_OBJECT function"
            )
        raise not_supported("The same key twice in JSON_OBJECT in the local cloud")
    if len(keys) > _FIRST_KEYS and node.meta["words"]["nulls"] == "ABSENT":
        raise not_supported(
            f"More than {_FIRST_KEYS} keys in JSON_OBJECT … ABSENT ON NULL in the local cloud"
        )
    size = _FIRST_SIZE
    while len(known) > size * _FIRST_KEYS // _FIRST_SIZE:
        size *= 2
    return sorted(range(len(keys)), key=lambda at: _java_hash(known[at]) % size if known else 0)


def _java_hash(key: str) -> int:
    """Return a text's hash as Java's hash tables spread it."""
    found, units = 0, key.encode("utf-16-be")
    for at in range(0, len(units), 2):
        found = (31 * found + int.from_bytes(units[at : at + 2])) % 2**32
    return found ^ (found >> 16)


def _json(node: exp.Expression, form: str | None, scope: Scope) -> str:
    """Return a value inside an object or array, which may itself be JSON, as JSON text; null for null."""
    term = scope.term(node)
    if form is not None:
        if form != "JSON" or term.type.name not in ("varchar", "char", "unknown"):
            raise not_supported(f"A {term.type.athena} as FORMAT {form} in the local cloud")
        document = "coalesce(athena_path_text(athena_json_document(t)), " + _MALFORMED + ")"
        return f"list_transform([{term.sql}], lambda t: CASE WHEN t IS NOT NULL THEN {document} END)[1]"
    if isinstance(node, exp.Anonymous) and node.name.lower() in _MAKERS:
        if {"type", "quotes"} & node.meta["words"].keys():
            raise not_supported(f"{node.name.upper()} with these clauses inside JSON in the local cloud")
        return term.sql
    if term.type.name in _SHOWN:
        term = cast(term, VARCHAR)
    if term.type.name not in (*_PLAIN, "unknown"):
        raise not_supported(f"A value of type {term.type.athena} in JSON_OBJECT or JSON_ARRAY")
    made = "NULL" if term.type.name == "unknown" else jsons.from_value(term.sql, term.type, term.zone)
    return f"CAST({made} AS VARCHAR)"


def _joined(items: list[tuple[str, str]], nulls: str) -> str:
    """Join `prefix || value` of all items; items without a value are omitted, or null."""
    shown = [
        f"{prefix} || coalesce({value}, 'null')" if nulls == "NULL" else f"{prefix} || {value}"
        for prefix, value in items
    ]
    return f"array_to_string(list_filter([{', '.join(shown)}], lambda item: item IS NOT NULL), ',')"


def _returned(sql: str, node: exp.Expression) -> Term:
    made: dict[str, Any] = node.meta["words"]
    type_ = data_type(made["type"]) if "type" in made else VARCHAR
    if type_.name not in ("varchar", "varbinary"):
        raise mismatch(node, f"Cannot output JSON value as {type_.athena} using formatting JSON")
    return cast(Term(f"({sql})", VARCHAR), type_)
