"""Rules for the columns of any table: names, types, key, quality rules, references."""

import re
from collections import Counter
from collections.abc import Iterator

from control.contracts import expression, hive, quality, technical
from control.contracts.model import Finding
from control.contracts.reserved_words import RESERVED
from control.contracts.subject import TABLE, Subject

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
CLASSES = ("public", "internal", "pseudonym", "personal")


def names(on: Subject) -> Iterator[Finding]:
    """Column names are lower case, unique, not SQL keywords, and have no leading `_`, the lakehouse's own."""
    lines: dict[str, int] = {}
    for path, column, _ in on.columns():
        place = (*path, "name")
        line = on.document.mark(place).line
        if column.name.lower() in lines:
            first = lines[column.name.lower()]
            message = f"column {column.name!r} is already on line {first}: remove one of the two"
            yield on.finding("column-duplicate", place, message)
            continue
        lines[column.name.lower()] = line
        if not _NAME.fullmatch(column.name):
            message = f"column name {column.name!r}: use lower case letters, digits and _"
            yield on.finding("column-name", place, message)
        elif column.name in RESERVED:
            message = f"column name {column.name!r}: an SQL keyword, which no query here quotes, rename it"
            yield on.finding("column-name", place, message)
        elif on.contract.layer == "bronze" and column.name in technical.PARTITION_KEYS:
            message = (
                f"column name {column.name!r}: every bronze table is partitioned by it, rename it"
                " (rawName keeps what raw files say)"
            )
            yield on.finding("column-name", place, message)
        elif column.name.startswith("_") and not on.contract.properties.get("liveView"):
            message = (
                f"column {column.name!r}: names with a leading _ are the lakehouse's own, rename it"
                " (a flat table of silver has them, and names its liveView)"
            )
            yield on.finding("column-name", place, message)


def types(on: Subject) -> Iterator[Finding]:
    """Every column has an Athena type, a logical type that fits it, and a classification."""
    for path, column, _ in on.columns():
        if wrong := hive.problem(column.type):
            yield on.finding("type-unknown", (*path, "physicalType"), f"column {column.name}: {wrong}")
        elif column.logical_type not in hive.logical_types(column.type):
            fits = " or ".join(hive.logical_types(column.type))
            given = column.logical_type or "empty"
            message = f"column {column.name}: logicalType is {given}, {column.type} needs {fits}: correct one"
            yield on.finding("type-mismatch", (*path, "logicalType"), message)
        if column.classification not in CLASSES:
            message = f"column {column.name} needs a classification: use one of {', '.join(CLASSES)}"
            yield on.finding("classification-invalid", (*path, "classification"), message)


def key(on: Subject) -> Iterator[Finding]:
    """The table has a key, whose columns are numbered, exact, and never null."""
    parts = [(path, column) for path, column, _ in on.columns() if column.key]
    if on.contract.columns and not parts:
        message = "the table has no key: mark its columns with primaryKey and primaryKeyPosition"
        yield on.finding("key-missing", TABLE, message)
    positions = Counter(column.key for _, column in parts)
    for path, column in parts:
        if positions[column.key] > 1 or not 1 <= column.key <= len(parts):
            message = f"key column {column.name} has position {column.key}: number the key 1, 2, 3 …"
            yield on.finding("key-position", (*path, "primaryKeyPosition"), message)
        if column.type in ("float", "double"):
            message = (
                f"key column {column.name} is {column.type}: NaN equals nothing, and rounding can make two"
                " keys equal: use decimal(p,s) or string"
            )
            yield on.finding("key-type", (*path, "physicalType"), message)
        if not column.required:
            message = f"key column {column.name} may be null: add required: true"
            yield on.finding("key-nullable", path, message)


def quality_rules(on: Subject) -> Iterator[Finding]:
    """Something checks every quality rule, and the name of each check is unique."""
    rules = [quality.of_table(on.table, TABLE)]
    rules += [quality.of_column(raw, path) for path, _, raw in on.columns()]
    for path, text in [problem for r in rules for problem in r.problems]:
        yield on.finding("quality-invalid", path, text)
    counts = Counter(check.name for r in rules for check in r.checks)
    for name in [name for name, count in counts.items() if count > 1]:
        message = f"{counts[name]} checks are called {name}: give each its own name"
        yield on.finding("quality-invalid", (*TABLE, "quality"), message)
    for group in on.contract.unique:
        missing = [name for name in group if on.contract.column(name) is None]
        if missing:
            message = f"duplicateValues names {', '.join(missing)}, no column of the table: correct the name"
            yield on.finding("quality-invalid", (*TABLE, "quality"), message)


def references(on: Subject) -> Iterator[Finding]:
    """A foreign key points to a column of a contract in the same layer."""
    for path, column, raw in on.columns():
        place = (*path, "relationships")
        if len(column.references) != len(raw.get("relationships") or []):
            message = f"column {column.name}: write to: <file>.yaml#/schema/<table>/properties/<column>"
            yield on.finding("reference-invalid", place, message)
        for link in column.references:
            name = f"{on.contract.layer}.{link.file.removesuffix('.yaml')}"
            target = on.tree.get(name)
            if name in on.unread:
                continue
            if target is None or target.table != link.table or target.column(link.column) is None:
                message = (
                    f"column {column.name} points to {link.table}.{link.column} of {link.file}: not there"
                )
                yield on.finding("reference-invalid", place, message)


def columns_in_checks(on: Subject) -> Iterator[Finding]:
    """A check names only columns of the table that it runs on: for a live view, its state table."""
    known = {column.name for column in on.contract.columns}
    bronze = on.tree.get(str(on.contract.properties.get("bronze")))
    if bronze is not None:
        known = {column.name for column in technical.raw_columns(bronze)} | set(technical.STATE)
    elif on.contract.properties.get("bronze"):
        return  # another rule reports it, or the file that could not be read
    for path, checks in [
        ((*TABLE, "quality"), on.contract.checks),
        *(((*path, "quality"), column.checks) for path, column, _ in on.columns() if not column.state_column),
    ]:
        for check in checks:
            unknown = [name for name in expression.columns(check.expression) if name not in known]
            if unknown:
                message = f"check {check.name} names {', '.join(unknown)}, no column of the table: correct it"
                yield on.finding("quality-column", path, message)


RULES = (names, types, key, quality_rules, columns_in_checks, references)
