"""Turn a document that the standard allows into a `Contract`.

Nothing is refused here: absent values become empty, and `lint` reports them with their line.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from control.contracts import quality, source
from control.contracts.model import LAYERS, Column, Consumer, Contract, Reference, Sla
from control.contracts.source import Document
from control.errors import ContractError
from control.model import StateTable

_REFERENCE = re.compile(r"([A-Za-z0-9._/-]+\.yaml)#/?schema/([a-z0-9_]+)/properties/([a-z0-9_]+)")


def folder(path: Path) -> tuple[Contract, ...]:
    """Return every contract below `path`, in order of layer and file, without checking it.

    This takes 20 ms; `lint` takes 400 ms. Raises ContractError for a contract that cannot be read.
    """
    files = [file for layer in LAYERS for file in sorted((path / layer).glob("*.y*ml"))]
    return tuple(one(file) for file in files)


def readers(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the state tables that read each bronze table, according to the silver contracts below `path`."""
    found: dict[str, tuple[str, ...]] = {}
    for one in folder(path):
        bronze, state = one.properties.get("bronze"), one.properties.get("stateTable")
        if bronze and state:
            name = str(bronze).removeprefix("bronze.")
            found[name] = (*found.get(name, ()), str(state))
    return found


def state_tables(path: Path) -> list[StateTable]:
    """Return the state tables of silver, according to the silver contracts below `path`."""
    return [
        StateTable(
            str(one.properties["bronze"]).removeprefix("bronze."),
            str(state),
            one.open_key,
            frozenset(c.name for c in one.columns if c.name in one.open_key and c.type == "timestamp"),
        )
        for one in folder(path)
        if (state := one.properties.get("stateTable"))
    ]


def one(file: Path) -> Contract:
    """Return one contract. Raises ContractError when it cannot be read."""
    hint = f"`dm contract lint {file}` says where and why"
    document, findings = source.read(file.as_posix(), file.read_bytes())
    if document is None or findings:
        raise ContractError(f"{file}: {findings[0].message}", hint=hint)
    try:
        found = contract(document)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise ContractError(f"{file} is not a contract", hint=hint) from None
    if not found.table:
        raise ContractError(f"{file} names no table", hint=hint)
    return found


def contract(document: Document) -> Contract:
    """Return the contract in `document`, of which only the first table is read.

    The document must have passed `odcs.findings`.
    """
    data: Mapping[str, Any] = document.data if isinstance(document.data, dict) else {}
    tables = data.get("schema") or [{}]
    table: Mapping[str, Any] = tables[0]
    path = PurePosixPath(document.file)
    rules = quality.of_table(table, ("schema", 0))
    columns = [_column(p, i) for i, p in enumerate(table.get("properties") or [])]
    owner, contact = _owner(data.get("team"))
    about: Mapping[str, Any] = data.get("description") or {}
    return Contract(
        file=document.file,
        layer=path.parent.name,
        stem=path.stem,
        id=str(data.get("id", "")),
        name=_text(data.get("name")),
        version=str(data.get("version", "")),
        table=_text(table.get("name")),
        kind=_text(table.get("physicalType")),
        description=_text(table.get("description")),
        grain=_text(table.get("dataGranularityDescription")),
        owner=owner,
        contact=contact,
        columns=tuple(columns),
        tags=tuple(data.get("tags") or ()),
        properties=custom(table),
        checks=tuple(rules.checks),
        tests=tuple(rules.tests),
        unique=tuple(rules.unique),
        slas=tuple(_sla(s) for s in data.get("slaProperties") or []),
        consumers=_consumers(custom(data).get("consumers")),
        status=_text(data.get("status")),
        domain=_text(data.get("domain")),
        product=_text(data.get("dataProduct")),
        usage=_text(about.get("usage")),
        limitations=_text(about.get("limitations")),
        ends=announced_end(custom(data)),
        scan_budget=_scan_budget(custom(data).get("budget")),
    )


def custom(owner: Mapping[str, Any]) -> dict[str, object]:
    """Return the custom properties of a contract, table or column as a mapping."""
    return {p["property"]: p["value"] for p in owner.get("customProperties") or []}


def announced_end(properties: Mapping[str, object]) -> date | None:
    """Return the day that the custom property `deprecation` announces as the last; None if it states none."""
    stated = properties.get("deprecation")
    text = stated.get("ends") if isinstance(stated, dict) else None
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def reference(to: object) -> Reference | None:
    """Parse `breweries.yaml#/schema/breweries/properties/brewery_id`; return None for any other form."""
    found = _REFERENCE.fullmatch(to) if isinstance(to, str) else None
    return Reference(found[1], found[2], found[3]) if found else None


def _column(data: Mapping[str, Any], index: int) -> Column:
    rules = quality.of_column(data, ("schema", 0, "properties", index))
    properties = custom(data)
    key = data.get("primaryKeyPosition", 1) if data.get("primaryKey") else 0
    links = [reference(r.get("to")) for r in data.get("relationships") or []]
    name = _text(data.get("name"))
    return Column(
        name=name,
        type=_text(data.get("physicalType")),
        logical_type=_text(data.get("logicalType")),
        description=_text(data.get("description")),
        required=bool(data.get("required")),
        key=key,
        unique=bool(data.get("unique")) or (name,) in rules.unique,
        classification=_text(data.get("classification")),
        tags=tuple(data.get("tags") or ()),
        token=properties.get("token") is True,
        state_column=_text(properties.get("stateColumn")),
        generated=_text(properties.get("generated")),
        raw_name=str(properties.get("rawName", "")),
        ends=announced_end(properties),
        checks=tuple(rules.checks),
        tests=tuple(rules.tests),
        references=tuple(link for link in links if link),
    )


def _owner(team: object) -> tuple[str, str]:
    """Return the team's name and the address of its member with the role owner."""
    if not isinstance(team, dict):
        return "", ""
    members = team.get("members") or []
    contact = next((m.get("username") for m in members if m.get("role") == "owner"), "")
    return _text(team.get("name")), _text(contact)


def _sla(data: Mapping[str, Any]) -> Sla:
    return Sla(data["property"], data["value"], _text(data.get("unit")), _text(data.get("element")))


def _consumers(value: object) -> tuple[Consumer, ...]:
    items = [c for c in value if isinstance(c, dict)] if isinstance(value, list) else []
    keys = ("name", "contact", "use", "kind")
    return tuple(Consumer(*(_text(c.get(key)) for key in keys)) for c in items)


def _scan_budget(value: object) -> float | None:
    scan = value.get("scan") if isinstance(value, dict) else None
    return float(scan) if isinstance(scan, int | float) and not isinstance(scan, bool) else None


def _text(value: object) -> str:
    """Return a text on one line; anything else becomes empty."""
    return " ".join(value.split()) if isinstance(value, str) else ""
