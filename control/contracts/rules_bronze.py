"""Rules for what only bronze contracts say: how the parser reads, and which values become tokens.

What is allowed comes from the parser's own package, and its loader has the last word.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import bronze.contract
import bronze.errors
from bronze.schema import TYPES, normal_type
from control.contracts import hive
from control.contracts.model import Column, Finding
from control.contracts.source import Path
from control.contracts.subject import TABLE, Subject


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_ratio(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _choice(kind: object) -> tuple[Callable[[object], bool], str]:
    values = get_args(kind)
    return (lambda value: value in values), " or ".join(values)


# Custom property of a bronze table -> (whether a value is allowed, what is allowed in words).
PROPERTIES: dict[str, tuple[Callable[[object], bool], str]] = {
    "position": _choice(bronze.contract.PositionKind),
    "unknownKeys": _choice(bronze.contract.UnknownKeys),
    "absent": _choice(bronze.contract.Absent),
    "beforeImage": _choice(bronze.contract.BeforeImage),
    "multiline": ((lambda value: isinstance(value, bool)), "true or false"),
    "maxBadRecords": (_is_count, "a whole number from 0"),
    "maxBadRatio": (_is_ratio, "a number from 0 to 1"),
}


def findings(on: Subject) -> list[Finding]:
    """Findings about what only a bronze contract may say."""
    if on.contract.layer != "bronze":
        return list(_tokens_elsewhere(on))
    return [*_table(on), *_columns(on)]


def _table(on: Subject) -> Iterator[Finding]:
    place: Path = (*TABLE, "customProperties")
    for index, item in enumerate(on.table.get("customProperties") or []):
        name, value = item["property"], item["value"]
        if name not in PROPERTIES:
            message = f"unknown custom property {name!r}: a bronze table has {', '.join(PROPERTIES)}"
            yield on.finding("bronze-property", (*place, index), message)
            continue
        allowed, wanted = PROPERTIES[name]
        if not allowed(value):
            shown = 'empty (for the text null write "null")' if value is None else repr(value)
            yield on.finding("bronze-property", (*place, index, "value"), f"{name} is {shown}: use {wanted}")
    if "position" not in on.contract.properties:
        message = f"the custom property position is missing: set it to {PROPERTIES['position'][1]}"
        yield on.finding("bronze-property", place, message)
    if on.contract.checks or on.contract.tests or on.contract.unique:
        yield _unchecked(on, (*TABLE, "quality"))


def _columns(on: Subject) -> Iterator[Finding]:
    for path, column, raw in on.columns():
        for index, item in enumerate(raw.get("customProperties") or []):
            place = (*path, "customProperties", index)
            if item["property"] != "token":
                message = f"unknown custom property {item['property']!r}: a bronze column has token"
                yield on.finding("bronze-property", place, message)
            elif not isinstance(item["value"], bool):
                yield on.finding("bronze-property", place, f"token is {item['value']!r}: use true or false")
        if not hive.problem(column.type) and normal_type(column.type) is None:
            message = f"column {column.name}: the parser cannot read {column.type}: use {', '.join(TYPES)}"
            yield on.finding("type-unreadable", (*path, "physicalType"), message)
        if column.checks or column.tests or column.unique or column.references:
            yield _unchecked(on, path)
        yield from _token(on, path, column, raw)


def _token(on: Subject, path: Path, column: Column, raw: Mapping[str, Any]) -> Iterator[Finding]:
    if column.token and column.type != "string":
        message = f"column {column.name} is {column.type}: tokens are made of string, remove token"
        yield on.finding("token-type", (*path, "customProperties"), message)
    if column.token and on.contract.column(f"{column.name}_token"):
        message = f"the parser makes {column.name}_token itself: remove that column or the token"
        yield on.finding("token-type", path, message)
    if raw.get("classification") == "personal" and column.type == "string" and not column.token:
        message = f"column {column.name} is personal and gets no token: add the custom property token: true"
        yield on.finding("token-missing", (*path, "classification"), message)


def _tokens_elsewhere(on: Subject) -> Iterator[Finding]:
    for path, column, _ in on.columns():
        if column.token:
            message = f"column {column.name}: tokens are made once, in bronze: remove token here"
            yield on.finding("token-type", (*path, "customProperties"), message)


def _unchecked(on: Subject, path: Path) -> Finding:
    message = "nothing checks rules in bronze, where all readable records are kept: move them to silver"
    return on.finding("quality-bronze", path, message)


def parser(on: Subject) -> Iterator[Finding]:
    """What the parser's own loader has against a contract that every rule here lets pass."""
    if on.contract.layer != "bronze":
        return
    try:
        bronze.contract.loads(on.document.text, on.contract.file)
    except bronze.errors.ContractError as error:
        place = f"{error.file}:{error.line}: " if error.line else f"{error.file}: "
        message = error.message.removeprefix(place) + (f": {error.hint}" if error.hint else "")
        yield Finding("bronze-refused", "error", on.contract.file, error.line or 1, 1, message)
