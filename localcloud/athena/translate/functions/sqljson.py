"""SQL/JSON that makes JSON: JSON_OBJECT and JSON_ARRAY."""

from typing import Any

from sqlglot import exp

from localcloud.athena.errors import not_supported
from localcloud.athena.translate import jsons
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import INTEGERS, VARCHAR, Term, text

_MAKERS = ("json_array", "json_object", "json_query")


def _words(node: exp.Expression) -> dict[str, Any]:
    words: dict[str, Any] = node.meta["words"]
    if "unknown" in words:
        raise not_supported(f"{words['unknown']} in {node.name.upper()} in the local cloud")
    return words


def _json(node: exp.Expression, scope: Scope) -> str:
    """A value inside of an object or array, which may be JSON itself; null as the text null."""
    term = scope.term(node)
    if isinstance(node, exp.Anonymous) and node.name.lower() in _MAKERS:
        if {"type", "quotes"} & node.meta["words"].keys():
            raise not_supported(f"{node.name.upper()} with these clauses inside of JSON in the local cloud")
        return term.sql
    if term.type.name not in ("varchar", "boolean", "unknown", "real", "double", *INTEGERS):
        raise not_supported(f"A value of type {term.type.athena} in JSON_OBJECT or JSON_ARRAY: local cloud")
    made = "NULL" if term.type.name == "unknown" else jsons.from_value(term.sql, term.type, term.zone)
    return f"CAST({made} AS VARCHAR)"


def _joined(items: list[tuple[str, str]], nulls: str) -> str:
    """`prefix || value` of all items; those without a value are left out, or null."""
    shown = [
        f"{text(prefix)} || coalesce({value}, 'null')" if nulls == "NULL" else f"{text(prefix)} || {value}"
        for prefix, value in items
    ]
    return f"array_to_string(list_filter([{', '.join(shown)}], lambda item: item IS NOT NULL), ',')"


@special("json_object")
def _object(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    nulls = _words(node)["nulls"]
    keys = [part.name for part in arguments[::2]]
    if len(set(keys)) < len(keys):
        raise not_supported("The same key twice in JSON_OBJECT in the local cloud")
    items = [
        (jsons.quoted(key) + ":", _json(value, scope))
        for key, value in zip(keys, arguments[1::2], strict=True)
    ]
    return Term(f"('{{' || {_joined(items, nulls)} || '}}')" if items else "'{}'", VARCHAR)


@special("json_array")
def _array(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    items = [("", _json(value, scope)) for value in arguments]
    return Term(f"('[' || {_joined(items, _words(node)['nulls'])} || ']')" if items else "'[]'", VARCHAR)
