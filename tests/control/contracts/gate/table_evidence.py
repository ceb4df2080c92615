"""What the project's own audit says about the same rows before and after a change of a table's contract.

The rules are rendered by `dm contract sync` and turned into SQL by the macros; the local Athena runs it on
DuckDB. Readers may meet every row that the audit accepts.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import yaml
from evidence import Evidence, Seen, of_order
from memory_lake import MemoryLake, open_lake
from project_sources import Project, load
from random_contracts import FILES, VALUES, Draft, dumped
from rendering import Dbt, Relation

from bronze.schema import arrow_type, nested
from control.contracts import expression, source
from control.contracts.load import contract
from control.contracts.render_dbt import render

TABLE = "sales_by_month"
STAGED = Relation("ops", f"{TABLE}__tmp")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """SQL that is true for a row that breaks the rule, and its columns."""

    broken: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Audit:
    """The requirements on the rows of a table: on each row, and on pairs (the key and other unique groups).

    There are no requirements on columns in `out`.
    """

    types: dict[str, str]
    rules: tuple[Rule, ...]
    groups: tuple[tuple[str, ...], ...]
    out: frozenset[str] = frozenset()

    def without(self, columns: frozenset[str]) -> "Audit":
        rules = tuple(rule for rule in self.rules if not columns & rule.columns)
        groups = tuple(group for group in self.groups if not columns & set(group))
        return Audit(self.types, rules, groups, columns)


@cache
def _lake() -> MemoryLake:
    return open_lake(Path(tempfile.mkdtemp()))


@cache
def _project() -> Project:
    return replace(load(), models={}, schemas={TABLE: "gold"})


def _dbt(stated: dict[str, Any]) -> Dbt:
    return Dbt(replace(_project(), columns={TABLE: {**stated, "_sql": ""}}), _lake())


@cache
def _audit(text: str) -> Audit:
    document, findings = source.read(FILES["gold"], text.encode())
    assert document is not None, findings
    [model] = yaml.safe_load(render([contract(document)])[f"gold/{TABLE}.yml"])["models"]
    types = {column["name"]: column["data_type"] for column in model["columns"]}
    rules, groups = [], []
    for found in _dbt(model).call(TABLE, "contract_rules", STAGED, merges=False):
        if "broken" in found:
            named = expression.columns(found["broken"])
            rules.append(Rule(found["broken"], frozenset(named) & set(types)))
    for column in model["columns"]:
        kinds = {one["type"] for one in column.get("constraints", [])}
        groups += [(column["name"],)] if kinds & {"primary_key", "unique"} else []
    for one in model.get("constraints", []):
        groups += [tuple(one["columns"])] if one["type"] in ("primary_key", "unique") else []
    return Audit(types, tuple(rules), tuple(groups))


# --- rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with the types of a table. `twins` are the indices of two rows that agree only in some columns."""

    types: dict[str, str]
    rows: list[Row]
    twins: list[tuple[int, int, tuple[str, ...]]]


def _rows(audit: Audit, groups: Sequence[tuple[str, ...]], chance: Random) -> Rows | None:
    """Draw rows that the audit accepts, and the same with one value changed; None if it accepts none."""
    listed = {name: (*VALUES[kind], None) for name, kind in audit.types.items()}
    fitting = _fitting(audit, listed)
    if not all(any(value is not None for value in values) for values in fitting.values()):
        return None  # for example, bounds with no value in between
    tried = [{name: chance.choice(values) for name, values in fitting.items()} for _ in range(24)]
    good = [row for row, taken in zip(tried, _taken(audit, audit.types, tried), strict=True) if taken][:2]
    if not good:
        return None
    rows = list(good)
    for one in good:
        rows += [one | {name: value} for name, values in listed.items() for value in values]
    twins = []
    for group in groups:
        for _ in range(20):
            one = {
                name: chance.choice([v for v in values if v is not None] or values)
                for name, values in fitting.items()
            }
            two = {
                name: one[name]
                if name in group
                else chance.choice([v for v in values if v != one[name]] or values)
                for name, values in fitting.items()
            }
            twins.append((len(rows), len(rows) + 1, group))
            rows += [one, two]
    return Rows(audit.types, rows, twins)


def _fitting(audit: Audit, listed: dict[str, tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Return the values of each column that the rules about this column alone accept."""
    count = max(map(len, listed.values()))
    rows = [{name: values[at % len(values)] for name, values in listed.items()} for at in range(count)]
    broken = _broken(audit, audit.types, rows)
    alone = {
        name: [at for at, rule in enumerate(audit.rules) if rule.columns == {name}] for name in audit.types
    }
    return {
        name: [
            value
            for value, found in zip(values, broken, strict=False)
            if not any(found[at] for at in alone[name])
        ]
        for name, values in listed.items()
    }


def _taken(audit: Audit, types: dict[str, str], rows: list[Row]) -> list[bool]:
    """Return which rows, with these types, the audit accepts."""
    return [not any(found) for found in _broken(audit, types, rows)]


def _broken(audit: Audit, types: dict[str, str], rows: list[Row]) -> list[tuple[bool, ...]]:
    """Return which rules each row, with these types, breaks after the cast to the audit's types."""
    selected = ", ".join(
        f"{_cast(name if name in types.keys() - audit.out else 'null', types.get(name), kind)} as {name}"
        for name, kind in audit.types.items()
    )
    rules = "".join(f", coalesce({rule.broken}, false) as rule_{at}" for at, rule in enumerate(audit.rules))
    sql = f"select row_number{rules} from (select row_number, {selected} from {{}}) as staged"
    return [found[1:] for found in sorted(_asked(sql, types, rows))]


def _cast(value: str, before: str | None, after: str) -> str:
    """Cast a value as the last select does and then as the table stores it, with one type for all texts."""
    if before == after:
        return value
    held = f"cast({value} as {_type(after)})"
    return f"cast({held} as varchar)" if "char" in after else held


def _asked(sql: str, types: dict[str, str], rows: list[Row]) -> list[tuple[Any, ...]]:
    """Run a query on the rows; their table replaces the braces in the query."""
    lake = _lake()
    stored = [(name, "string" if "char" in kind else kind) for name, kind in types.items()]
    lake.create_plain("ops", "drawn", [("row_number", "bigint"), *stored])
    label = lake.plain["ops", "drawn"].source
    arrays = {name: pa.array([row.get(name) for row in rows], arrow_type(kind)) for name, kind in stored}
    lake.connection.register("drawn_rows", pa.table({"row_number": pa.array(range(len(rows))), **arrays}))
    lake.connection.execute(f"INSERT INTO {label} BY NAME FROM drawn_rows")
    try:
        return lake.query(sql.format("ops.drawn"))[1]
    finally:
        lake.connection.execute(f"DROP TABLE {label}")
        del lake.plain["ops", "drawn"]


@cache
def said_by_macro(macro: str, *types: str) -> Any:
    """Return the result of a macro about types."""
    return _dbt({"columns": []}).call(TABLE, macro, *types)


def _type(kind: str) -> str:
    return str(said_by_macro("query_type", kind))


# --- before and after -----------------------------------------------------------------------------


def evidence(before: Draft, after: Draft, chance: Random) -> Evidence:
    base, head = _audit(dumped(before.data)), _audit(dumped(after.data))
    seen = [*of_order(before.names, after.names), *_of_types(base, head)]
    retyped = frozenset(one.columns[0] for one in seen if one.kind in ("type", "stops"))
    base_rows, head_rows = _rows(base, head.groups, chance), _rows(head, base.groups, chance)
    if base_rows:
        seen += [
            replace(one, side="producers", weight="breaking")
            for one in _refused(base, head.without(retyped), base_rows)
        ]
    if head_rows:
        # Readers query the current types.
        asked = replace(
            base.without(retyped),
            types={**base.types, **{n: head.types[n] for n in base.types if n in head.types}},
        )
        seen += [replace(one, side="consumers") for one in _refused(head, asked, head_rows)]
    return Evidence.of(seen, (base_rows is not None, head_rows is not None))


def _of_types(base: Audit, head: Audit) -> Iterator[Seen]:
    for name, kind in base.types.items():
        now = head.types.get(name)
        if now is None:
            yield Seen("consumers", "breaking", "gone", f"select {name} fails", (name,))
            continue
        old, new = (str(said_by_macro("plain_type", one)) for one in (kind, now))
        if old != new and not said_by_macro("is_wider", old, new):
            yield Seen("producers", "breaking", "stops", f"the build: {name} is {old} and not {new}", (name,))
            yield from (
                Seen("consumers", weight, "type", what, (name,)) for weight, what in _read_as(old, new)
            )
        elif old == new and kind != now:
            yield from _of_texts(name, kind, now)


def _read_as(old: str, new: str, path: str = "it") -> Iterator[tuple[Any, str]]:
    """Yield what queries find in a value whose type has changed: at any depth, by name."""
    was, now = nested(old), nested(new)
    if was is None or now is None or was.kind != now.kind:
        if old != new and not said_by_macro("is_wider", old, new):
            yield "breaking", f"{path} is {new} and not {old}"
        return
    inner = dict(zip(now.names or range(len(now.types)), now.types, strict=True))
    for name, kind in zip(was.names or range(len(was.types)), was.types, strict=True):
        if name not in inner:
            yield "breaking", f"{path}.{name} fails"
        else:
            yield from _read_as(kind, inner[name], f"{path}.{name}")
    if [name for name in was.names if name in now.names] != [name for name in now.names if name in was.names]:
        yield "risky", f"the fields of {path} change places"


def _of_texts(name: str, kind: str, now: str) -> Iterator[Seen]:
    """Yield texts that a cast to the other type truncates or pads."""
    rows = [{name: value} for value in VALUES[kind]]
    held = f"cast({name} as {_type(kind)})"
    sql = (
        f"select row_number, cast({held} as varchar), cast(cast({held} as {_type(now)}) as varchar) from {{}}"
    )
    for _, was, becomes in _asked(sql, {name: kind}, rows):
        if was.rstrip(" ") != becomes.rstrip(" "):
            yield Seen("producers", "breaking", "cut", f"{was!r} becomes {becomes!r}", (name,))
        elif was != becomes:
            yield Seen("consumers", "risky", "padded", f"{was!r} becomes {becomes!r}", (name,))


def _refused(by: Audit, then: Audit, drawn: Rows) -> Iterator[Seen]:
    """Yield rows that one audit accepts and the other does not, and how bad such a row is for a reader."""
    taken, after = _taken(by, drawn.types, drawn.rows), _taken(then, drawn.types, drawn.rows)
    for row, ok, still in zip(drawn.rows, taken, after, strict=True):
        if ok and not still:
            nulls = tuple(name for name in then.types if row.get(name) is None and _needs(then, name))
            weight, kind = ("breaking", "null") if nulls else ("risky", "value")
            yield Seen("either", weight, kind, str(row), nulls)  # type: ignore[arg-type]
    for one, two, group in drawn.twins:
        if taken[one] and taken[two] and after[one] and after[two]:
            rows = drawn.rows[one], drawn.rows[two]
            if (
                not any(_same(rows, other) for other in by.groups)
                and _same(rows, group)
                and group in then.groups
            ):
                yield Seen("either", "breaking", "twice", f"{rows[0]} and {rows[1]}", group)


def _needs(audit: Audit, name: str) -> bool:
    return any(rule.columns == {name} and f"{name} is null" in rule.broken for rule in audit.rules)


def _same(rows: tuple[Row, Row], group: tuple[str, ...]) -> bool:
    return all(rows[0].get(name) == rows[1].get(name) is not None for name in group)
