"""Describe the columns of tables and raw containers in the catalog's terms."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from control.contracts import hive, technical
from control.contracts.model import Column, Contract

_TYPES = {
    "integer": "INT", "real": "FLOAT", "varbinary": "BINARY", "row": "STRUCT",
    **{
        name: name.upper()
        for name in (
            "tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string", "varchar", "char",
            "boolean", "date", "timestamp", "binary", "array", "map", "struct",
        )
    },
}  # fmt: skip
# The objects of a change record beside its data (DMS: the first two, Debezium: the others).
_OBJECTS = ("metadata", "before-image", "source", "before")
_PERSONAL = {"personal": "PII.Sensitive", "pseudonym": "PII.NonSensitive"}


def tag(fqn: str, source: str = "Classification") -> dict[str, str]:
    """Return a tag in the form that entities have it."""
    return {"tagFQN": fqn, "source": source, "labelType": "Manual", "state": "Confirmed"}


def of_table(
    columns: Iterable[tuple[str, str]], contract: Contract, terms: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Describe the columns (name and type) of a relation of `contract`, with glossary `terms` by name."""
    known = _described(contract)
    return [_column(name, kind, known.get(name), terms.get(name)) for name, kind in columns]


def raw(fields: Iterable[str], contract: Contract) -> list[dict[str, Any]]:
    """Describe the fields of a table's raw records; `metadata.operation` becomes a child of `metadata`."""
    known = {column.raw_name or column.name: column for column in contract.columns}
    found: dict[str, dict[str, Any]] = {}
    for field in sorted(fields):
        *objects, name = path(field)
        column = _column(name, "string", known.get(name), None)
        if not objects:
            found[name] = column
            continue
        parent = found.setdefault(
            objects[0],
            {"name": objects[0], "dataType": "STRUCT", "dataTypeDisplay": "struct", "children": []},
        )
        parent["children"].append(column)
    return list(found.values())


def path(field: str) -> tuple[str, ...]:
    """Split a raw field into the record's object that holds it, if there is one, and its name."""
    first, _, rest = field.partition(".")
    return (first, rest) if first in _OBJECTS else (field,)


def is_personal(contract: Contract) -> bool:
    """Whether a column of the table holds personal data or pseudonyms."""
    return any(column.classification in _PERSONAL for column in contract.columns)


def structure(columns: Iterable[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Return names and types in order, which only a new PUT can change."""
    return [
        (c["name"], c["dataType"], c.get("arrayDataType"), *structure(c.get("children") or ()))
        for c in columns
    ]


def _described(contract: Contract) -> dict[str, Column]:
    listed = [*contract.columns]
    if contract.layer == "bronze":
        listed = [*technical.raw_columns(contract), *technical.exact_columns(contract)]
    states = {column.state_column: column for column in listed if column.state_column}
    return states | {column.name: column for column in listed}


def _column(name: str, kind: str, stated: Column | None, term: str | None) -> dict[str, Any]:
    column = {"name": name, **_typed(kind)}
    if meaning := stated.description if stated else technical.meaning(name):
        column["description"] = meaning
    tags = [tag(_PERSONAL[stated.classification])] if stated and stated.classification in _PERSONAL else []
    tags += [tag(term, "Glossary")] if term else []
    if tags:
        column["tags"] = tags
    if stated and stated.required:
        column["constraint"] = "NOT_NULL"
    return column


def _typed(kind: str) -> dict[str, Any]:
    """Return a column's type; the server needs the length of binary and text, and an array's inner type."""
    base = re.split(r"[(<]", kind, maxsplit=1)[0].strip().lower()
    data: dict[str, Any] = {"dataType": _TYPES.get(base, "UNKNOWN"), "dataTypeDisplay": kind.lower()}
    inner = kind[len(base) :].strip()[1:-1]
    match data["dataType"]:
        case "DECIMAL" if inner:
            data["precision"], data["scale"] = (int(part) for part in inner.split(","))
        case "VARCHAR" | "CHAR" | "BINARY":
            data["dataLength"] = int(inner) if inner.isdecimal() else 1
        case "ARRAY":
            data["arrayDataType"] = _typed(inner)["dataType"] if inner else "UNKNOWN"
        case "STRUCT" if inner:
            data["children"] = [_member(part) for part in hive.split(inner)]
    return data


def _member(text: str) -> dict[str, Any]:
    name, _, kind = text.strip().partition(":" if ":" in text.split("<", 1)[0] else " ")
    return {"name": name.strip(), **_typed(kind.strip())}
