"""Draft the contract of a hand-written model."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from control.contracts import last_select, load, placeholders, skeleton, technical
from control.contracts.model import Column, Contract
from control.contracts.render_dbt import dump
from control.contracts.source import Document
from control.contracts.sync import reads
from control.errors import DataError, NotFoundError, UsageError

LAYERS = ("silver", "gold")
_KEY = re.compile(r"\bunique_key\s*=\s*(\[[^\]]*\]|'[^']*'|\"[^\"]*\")")
_VIEW = re.compile(r"\bmaterialized\s*=\s*['\"]view['\"]")
_LIVE = re.compile(r"\blive\(\s*ref\(\s*['\"](\w+)['\"]\s*\)\s*\)")
_GRAIN = re.compile(r"\A-- (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted contract as text, and what it was drafted from.

    If the model states no key, `key_of` names the table whose key is used; otherwise it is empty.
    """

    layer: str
    text: str
    key: tuple[str, ...]
    key_of: str
    reads: tuple[Contract, ...]


def found(name: str, models: Path) -> Path:
    """Return the file of the model `name` in silver or gold. Raises NotFoundError when there is none."""
    files = [file for layer in LAYERS for file in sorted((models / layer).rglob(f"{name}.sql"))]
    if not files:
        raise NotFoundError(
            f"there is no model {name} in {models}/silver or {models}/gold",
            hint="write the model first: its last select names and casts every column",
        )
    return files[0]


def home_of(file: Path) -> Path:
    """Return the path of the contract of the model in `file`."""
    return Path("contracts") / _layer(file) / f"{file.stem}.yaml"


def _layer(file: Path) -> str:
    return next(layer for layer in LAYERS if layer in file.parts)


def draft(file: Path, contracts: Sequence[Contract], held: Document | None) -> Draft:
    """Draft the contract of the model in `file`; those of its inputs are among `contracts`.

    A column's description comes from `held`, an earlier draft, or else from the input that has the column;
    what `held` says about the whole table is kept. Raises UsageError when an input has no contract, or when
    the contract of another model covers this one, and DataError when the model does not state its columns or
    its key.
    """
    name, sql = file.stem, file.read_text("utf-8", "replace")
    layer, read = _layer(file), _read(file, sql, contracts)
    stated = last_select.columns(sql, file.as_posix())
    known = _known(load.contract(held).columns if held else (), [c for table in read for c in table.columns])
    key, key_of = _key(sql, [column for column, _ in stated], read, file)
    columns = [_column(column, kind, key, known) for column, kind in stated]
    grain = next((text.rstrip(".:") for text in _GRAIN.findall(sql)), f"One row per {' and '.join(key)}")
    contract = skeleton.contract(
        layer,
        name,
        name=name.replace("_", " ").capitalize(),
        consumer=placeholders.CONSUMER,
        words=(f"{grain}.", f"Join by {' and '.join(key)}.", f"As fresh as {_listed(read)}."),
    )
    kind = "view" if _VIEW.search(sql) else "table"
    table = skeleton.table(name, kind, f"{grain}.", _properties(file, stated), columns)
    table["description"] = placeholders.model(name)
    note = skeleton.NOTE.format(source=f"models/{layer}/{name}.sql")
    made = skeleton.keeping(contract | {"schema": [table]}, held.mapping if held else {})
    return Draft(layer, note + dump(made), key, key_of, read)


def _read(file: Path, sql: str, contracts: Sequence[Contract]) -> tuple[Contract, ...]:
    """Return the contracts of the model's inputs, in the order in which it names them."""
    owners = {model: contract for contract in contracts for model in contract.models}
    sources = {contract.table: contract for contract in contracts if contract.layer == "bronze"}
    read: dict[str, Contract] = {}
    for is_bronze, table in reads(file):
        contract = (sources if is_bronze else owners).get(table)
        if table in _LIVE.findall(sql) and (contract is None or contract.properties.get("liveView")):
            raise UsageError(
                f"{file.stem} shows {table}, whose contract describes both",
                hint=f"dm contract new model {table}",
            )
        if contract is None:
            raise UsageError(
                f"{file} reads {table}, which no contract describes",
                hint=f"dm contract new model {table} first",
            )
        if file.stem not in contract.models:
            read.setdefault(contract.home, contract)
    if not read:
        raise DataError(f"{file} reads no table of the lakehouse", hint="name what it reads by ref('…')")
    return tuple(read.values())


def _key(sql: str, names: Sequence[str], read: Sequence[Contract], file: Path) -> tuple[tuple[str, ...], str]:
    """Return the key that the model states, or the first key of an input that it selects, with that input."""
    stated = _KEY.search(sql)
    if stated:
        try:
            value = ast.literal_eval(stated[1])
        except (ValueError, SyntaxError):
            raise DataError(
                f"unique_key of {file} is {stated[1]}, which is not a list of column names",
                hint="write them in quotes",
            ) from None
        key = (value,) if isinstance(value, str) else tuple(value)
        if lacking := [name for name in key if name not in names]:
            raise DataError(f"unique_key of {file} names {', '.join(lacking)}, which its last select lacks")
        return key, ""
    for table in read:
        if table.key and set(table.key) <= set(names):
            return table.key, f"{table.layer}.{table.table}"
    raise DataError(
        f"{file} selects the whole key of none of its inputs",
        hint="state config(unique_key=[…]), or write the contract",
    )


def _column(name: str, kind: str, key: Sequence[str], known: Mapping[str, Column]) -> dict[str, object]:
    meaning = technical.meaning(name)
    column = known.get(name) or Column(
        name, kind, "", meaning or placeholders.model_column(name), classification="public"
    )
    position = key.index(name) + 1 if name in key else 0
    return skeleton.column(
        replace(column, type=kind, logical_type="", required=position > 0, key=position),
        {"generated": column.generated} if column.generated else {},
    )


def _known(held: Sequence[Column], read: Sequence[Column]) -> dict[str, Column]:
    """Map each name to the first column that people have described, else to the first one in an input."""
    found: dict[str, Column] = {}
    for column in [*(c for c in (*held, *read) if not placeholders.is_column(c.description, c.name)), *read]:
        found.setdefault(column.name, column)
    return found


def _properties(file: Path, columns: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return the live view of a flat table (a model with technical columns); empty for any other."""
    if not any(name == "_deleted" for name, _ in columns):
        return {}
    views = [
        view.stem
        for view in sorted(file.parent.glob("*.sql"))
        if file.stem in _LIVE.findall(view.read_text("utf-8", "replace"))
    ]
    if not views:
        raise DataError(
            f"{file} has technical columns, and no view shows it without them",
            hint=f"write its view first, which selects from {{{{ live(ref('{file.stem}')) }}}}",
        )
    return {"liveView": views[0]}


def _listed(read: Sequence[Contract]) -> str:
    return ", ".join(f"{table.layer}.{table.table}" for table in read)
