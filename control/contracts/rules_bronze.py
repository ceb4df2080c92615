"""Rules for what only bronze contracts state: how the parser reads, and which values become tokens.

What the parser accepts is not repeated here: its own loader decides.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import bronze.contract
import bronze.errors
from control.contracts.model import Column, Finding
from control.contracts.source import Path
from control.contracts.subject import TABLE, Subject

# The parser's settings, and the schema in the source database, which change capture and lineage use.
PROPERTIES = ("position", *bronze.contract.DEFAULTS, "sourceSchema")


def findings(on: Subject) -> Iterator[Finding]:
    """Yield findings about what only a bronze contract may state, in bronze contracts and in others."""
    if on.contract.layer == "bronze":
        yield from _table(on)
        for path, column, raw in on.columns():
            yield from _column(on, path, column, raw)
        return
    for path, column, _ in on.columns():
        if column.token:
            message = f"column {column.name}: tokens are made once, in bronze: remove token here"
            yield on.finding("token-misplaced", (*path, "customProperties"), message)


def parser(on: Subject) -> Iterator[Finding]:
    """Yield what the parser's own loader refuses in a contract that passes all rules here."""
    if on.contract.layer != "bronze":
        return
    try:
        bronze.contract.loads(on.document.text, on.contract.file)
    except bronze.errors.ContractError as error:
        place = f"{error.file}:{error.line}: " if error.line else f"{error.file}: "
        message = error.message.removeprefix(place) + (f": {error.hint}" if error.hint else "")
        yield Finding("bronze-refused", "error", on.contract.file, error.line or 1, 1, message)


def _table(on: Subject) -> Iterator[Finding]:
    for index, item in enumerate(on.table.get("customProperties") or []):
        path = (*TABLE, "customProperties", index)
        if item["property"] not in PROPERTIES:
            message = (
                f"unknown custom property {item['property']!r}: a bronze table has {', '.join(PROPERTIES)}"
            )
            yield on.finding("bronze-property", path, message)
        elif item["value"] is None:
            message = f'{item["property"]} is empty: give a value, and "null" in quotes for the word'
            yield on.finding("bronze-property", (*path, "value"), message)
        elif item["property"] == "sourceSchema" and not _is_name(item["value"]):
            message = f"sourceSchema is {item['value']!r}: write the name of one schema, such as public"
            yield on.finding("bronze-property", (*path, "value"), message)
    if on.contract.checks or on.contract.tests or on.contract.unique:
        yield _unchecked(on, (*TABLE, "quality"))


def _column(on: Subject, path: Path, column: Column, raw: Mapping[str, Any]) -> Iterator[Finding]:
    for index, item in enumerate(raw.get("customProperties") or []):
        if item["property"] not in ("token", "rawName"):
            message = f"unknown custom property {item['property']!r}: a bronze column has token and rawName"
            yield on.finding("bronze-property", (*path, "customProperties", index), message)
    if column.checks or column.tests or column.unique or column.references:
        yield _unchecked(on, path)
    if column.classification == "personal" and column.type == "string" and not column.token:
        message = f"column {column.name} is personal and gets no token: add the custom property token: true"
        yield on.finding("token-missing", (*path, "classification"), message)


def _is_name(value: object) -> bool:
    # DMS would read other characters as a pattern or as quotes, and capture other tables or none.
    return isinstance(value, str) and re.fullmatch(r"\w+", value) is not None


def _unchecked(on: Subject, path: Path) -> Finding:
    message = "nothing checks rules in bronze, where all readable records are kept: move them to silver"
    return on.finding("quality-bronze", path, message)
