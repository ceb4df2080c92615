"""SQL/JSON: JSON_EXISTS, JSON_VALUE, JSON_QUERY, JSON_OBJECT, JSON_ARRAY.

Paths are plain chains of members and indexes. Where `lax` would look into an array by itself, or take a
value for an array, the row is refused.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from localcloud.athena.errors import not_supported
from localcloud.athena.translate import jsons
from localcloud.athena.translate.casts import coerce, try_cast
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import BOOLEAN, INTEGERS, VARCHAR, Term, fails_when, text
from localcloud.athena.translate.typing import data_type

_PATH = re.compile(r"\s*(?P<mode>lax|strict)\s+\$(?P<steps>.*)", re.DOTALL)
_STEP = re.compile(
    r'\s*(?:\.\s*(?:(?P<name>[A-Za-z_]\w*)|"(?P<quoted>[^"\\]+)")|\[\s*(?P<index>\d+)\s*\])\s*'
)


@dataclass(frozen=True, slots=True)
class _Target:
    """A value and the place in it: DuckDB's texts of both, and of the condition that the row is refused."""

    value: str
    path: str
    refused: str

    @property
    def kind(self) -> str:
        """What stands there, NULL where nothing does."""
        return f"json_type({self.value}, {self.path})"


def _words(node: exp.Expression) -> dict[str, Any]:
    words: dict[str, Any] = node.meta["words"]
    if "unknown" in words:
        raise not_supported(f"{words['unknown']} in {node.name.upper()} in the local cloud")
    return words


def _target(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> _Target:
    value = scope.expect(arguments[0], VARCHAR, node.name)
    match = _PATH.fullmatch(arguments[1].name) if len(arguments) > 1 else None
    if match is None:
        raise not_supported(f"This path of {node.name.upper()} in the local cloud")
    # What is no JSON becomes null first: DuckDB may look into it before it has tested it.
    valid = f"CASE WHEN json_valid({value.sql}) THEN {value.sql} END"
    path, at, refusals = "$", 0, []
    while at < len(match["steps"]):
        step = _STEP.match(match["steps"], at)
        if step is None:
            raise not_supported(f"The path {arguments[1].name} in the local cloud")
        reached = f"json_type({valid}, {text(path)})"
        name = step["name"] or step["quoted"]
        refusals.append(f"{reached} = 'ARRAY'" if name else f"coalesce({reached}, 'ARRAY') <> 'ARRAY'")
        path += f'."{name}"' if name else f"[{step['index']}]"
        at = step.end()
    lax = match["mode"] == "lax" and refusals
    refused = f"coalesce({' OR '.join(refusals)}, FALSE)" if lax else "FALSE"
    message = "'A path that looks into arrays by itself in the local cloud'"
    return _Target(valid, text(path), fails_when(refused, "NOT_SUPPORTED", message))


@special("json_exists")
def _exists(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    if _words(node):
        raise not_supported("Clauses of JSON_EXISTS in the local cloud")
    target, given = _target(arguments, node, scope), scope.term(arguments[0]).sql
    found = f"CASE WHEN {target.refused} THEN NULL ELSE {target.kind} IS NOT NULL END"
    return Term(f"CASE WHEN {given} IS NOT NULL THEN {found} END", BOOLEAN)


@special("json_value")
def _value(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    words, target = _words(node), _target(arguments, node, scope)
    type_ = data_type(words["type"]) if "type" in words else VARCHAR
    if type_.name not in ("varchar", "boolean", "double", *INTEGERS):
        raise not_supported(f"JSON_VALUE RETURNING {type_.athena} in the local cloud")
    empty, error = (
        coerce(scope.term(words[event]), type_).sql if event in words else "NULL"
        for event in ("empty", "error")
    )
    digits = fails_when(
        f"{target.kind} = 'DOUBLE'", "NOT_SUPPORTED", "'JSON_VALUE of a fraction in the local cloud'"
    )
    plain = Term(f"json_extract_string({target.value}, {target.path})", VARCHAR)
    made = plain.sql if type_ == VARCHAR else f"coalesce({try_cast(plain, type_).sql}, {error})"
    given = scope.term(arguments[0]).sql
    return Term(
        f"CASE WHEN {given} IS NULL OR {target.refused} OR {digits} THEN NULL"
        f" WHEN {target.value} IS NULL OR {target.kind} IN ('OBJECT', 'ARRAY') THEN {error}"
        f" WHEN {target.kind} IS NULL THEN {empty} WHEN {target.kind} = 'NULL' THEN NULL ELSE {made} END",
        type_,
    )


@special("json_query")
def _query(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    if _words(node):
        raise not_supported("Clauses of JSON_QUERY in the local cloud")
    target = _target(arguments, node, scope)
    found = f"CAST(json_extract({target.value}, {target.path}) AS VARCHAR)"
    digits = f"regexp_matches({found}, '[0-9][.eE]')"
    refused = fails_when(digits, "NOT_SUPPORTED", "'JSON_QUERY of fractions in the local cloud'")
    return Term(f"CASE WHEN {target.refused} OR {refused} THEN NULL ELSE {found} END", VARCHAR)


def _json(node: exp.Expression, scope: Scope) -> str:
    """A value inside of an object or array; null as the text null."""
    term = scope.term(node)
    if term.type.name not in ("varchar", "boolean", "unknown", "real", "double", *INTEGERS):
        raise not_supported(f"A value of type {term.type.athena} in JSON_OBJECT or JSON_ARRAY: local cloud")
    if isinstance(node, exp.Anonymous) and node.name.lower().startswith("json_"):
        raise not_supported("JSON inside of JSON_OBJECT or JSON_ARRAY in the local cloud")
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
