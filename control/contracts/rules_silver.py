"""Rules for silver and gold contracts, also against the bronze contracts that feed them."""

import re
from collections.abc import Iterator, Sequence

from control.contracts import technical
from control.contracts.model import Column, Contract, Finding
from control.contracts.source import Path
from control.contracts.subject import TABLE, Subject

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACE: Path = (*TABLE, "customProperties")
# Custom properties of a table, by layer; bronze has its own.
PROPERTIES = {"silver": ("bronze", "stateTable", "liveView"), "gold": ()}
COLUMN_PROPERTIES = {"silver": ("stateColumn", "generated"), "gold": ("generated",)}


def findings(on: Subject) -> Iterator[Finding]:
    """Yield findings about a live view and its bronze table, and about properties unknown to the layer."""
    if on.contract.layer not in PROPERTIES:
        return
    yield from _properties(on)
    given = on.contract.properties
    if ("bronze" in given) != ("stateTable" in given):
        message = "a live view has both custom properties, bronze and stateTable: add the other one"
        yield on.finding("silver-property", _PLACE, message)
    elif "bronze" in given:
        yield from _against_bronze(on)


def missing(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield bronze tables that no silver contract names: nothing would read their data."""
    fed = {on.contract.properties.get("bronze") for on in subjects if on.contract.layer == "silver"}
    for on in subjects:
        if any(name.startswith("silver.") for name in on.unread):
            return
        name = f"bronze.{on.contract.table}"
        if on.contract.layer == "bronze" and on.contract.table and name not in fed:
            message = f"no silver contract names {name}: write one with the custom property bronze: {name}"
            yield on.finding("silver-missing", (*TABLE, "name"), message)


def _properties(on: Subject) -> Iterator[Finding]:
    known = PROPERTIES[on.contract.layer]
    for name, value in on.contract.properties.items():
        if name not in known:
            message = f"unknown custom property {name!r}: a {on.contract.layer} table has {_listed(known)}"
            yield on.finding("silver-property", _PLACE, message)
        elif name != "bronze" and not (isinstance(value, str) and _NAME.fullmatch(value)):
            message = f"{name} is {value!r}: give the name of a table or view, in lower case"
            yield on.finding("silver-property", _PLACE, message)
    known = COLUMN_PROPERTIES[on.contract.layer]
    for path, column, raw in on.columns():
        if column.classification == "personal":
            message = f"column {column.name}: personal data stays in bronze and state: show a token of it"
            yield on.finding("silver-personal", path, message)
        for index, item in enumerate(raw.get("customProperties") or []):
            if item["property"] == "generated" and not column.generated:
                message = f"column {column.name}: generated is empty: say in a sentence what makes its values"
                yield on.finding("silver-property", (*path, "customProperties", index), message)
            elif item["property"] not in (*known, "token"):
                message = f"unknown custom property {item['property']!r}: a column has {_listed(known)}"
                yield on.finding("silver-property", (*path, "customProperties", index), message)


def _against_bronze(on: Subject) -> Iterator[Finding]:
    named = on.contract.properties["bronze"]
    bronze = on.tree.get(str(named))
    if named in on.unread:
        return
    if bronze is None or bronze.layer != "bronze":
        message = f"bronze is {named!r}: no bronze contract has that name, write for example bronze.review"
        yield on.finding("silver-property", _PLACE, message)
        return
    raw = {c.name: c for c in technical.raw_columns(bronze)}
    tokens = [technical.token_column(c) for c in bronze.columns if c.token]
    for path, column, _ in on.columns():
        source = raw.get(column.state_column or column.name)
        if source is None:
            wanted = column.state_column or column.name
            message = f"{bronze.home} has no column {wanted}: add it there or correct stateColumn"
            yield on.finding("silver-mismatch", path, message)
        else:
            yield from _column(on, path, column, source, tokens)
    yield from _whole(on, bronze)


def _whole(on: Subject, bronze: Contract) -> Iterator[Finding]:
    shown = {c.state_column or c.name for c in on.contract.columns}
    for column in bronze.columns:
        if not column.is_hidden and column.name not in shown and f"{column.name}_token" not in shown:
            message = f"column {column.name} of {bronze.home} is missing: a live view shows every column"
            yield on.finding("silver-mismatch", (*TABLE, "properties"), message)
    key = {c.state_column or c.name for c in on.contract.columns if c.key}
    if key != set(bronze.key):
        message = f"the key must be that of {bronze.home}, {', '.join(bronze.key)}: mark the same columns"
        yield on.finding("silver-mismatch", TABLE, message)


def _column(
    on: Subject, path: Path, column: Column, source: Column, tokens: Sequence[Column]
) -> Iterator[Finding]:
    if source.classification == "personal" and column.classification != "personal":
        way = "bronze has no token of it, so leave it out"
        if source.token:
            way = "show its token, by stateColumn"
        message = f"column {column.name} would show personal data: {way}"
        yield on.finding("silver-personal", path, message)
    elif column.type != source.type and source in tokens:
        message = (
            f"column {column.name} shows the token {source.name}: write {source.type}, not {column.type}"
        )
        yield on.finding("silver-mismatch", (*path, "physicalType"), message)
    elif column.state_column and (column.checks or column.unique):
        message = f"column {column.name} is made from {source.name}: write its rules as rules of the table"
        yield on.finding("silver-mismatch", path, message)
    elif not column.state_column and (column.type, column.required) != (source.type, source.required):
        wanted = f"{source.type}, {'' if source.required else 'not '}required"
        message = f"column {column.name} differs from bronze, where it is {wanted}: make them the same"
        yield on.finding("silver-mismatch", path, message)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
