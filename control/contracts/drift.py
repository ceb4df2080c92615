"""Compare contracts with the lake: the catalog, Iceberg's schema, Parquet files, dbt's manifest."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import yaml

from control.contracts import render_dbt, technical
from control.contracts.gate.types import normal
from control.contracts.model import Contract
from control.errors import NotFoundError
from control.model import Head
from control.ports import Listing, Parts

Where = Literal["catalog", "iceberg", "parquet", "dbt"]
Columns = Sequence[tuple[str, str]]
_TEXT = re.compile(r"\b(?:var)?char(?:\([0-9]+\))?(?![a-z0-9_:])")
_ICEBERG = {"long": "bigint", "timestamptz": "timestamp", "fixed": "binary", "uuid": "string"}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference from a contract; `expected` or `found` is empty when that side has nothing."""

    code: str
    table: str
    where: Where
    column: str
    expected: str
    found: str
    message: str


def drift(
    contracts: Sequence[Contract],
    parts: Parts,
    listing: Listing,
    bronze: str,
    footer: Callable[[bytes], Columns],
    manifest: Mapping[str, Any] | None,
) -> Iterator[Drift]:
    """Yield everything that differs between `contracts` and the lake.

    `listing` lists the catalog's tables. `bronze` is the bronze database, which developers may share.
    `footer` reads the columns of a Parquet object. `manifest` is dbt's, or None to skip it. Raises
    UpstreamError when the lake cannot be reached.
    """
    for contract in contracts:
        if contract.layer == "bronze":
            yield from _bronze(contract, parts, bronze, footer)
    for name, contract_of, columns in _models(contracts):
        schema = f"{parts.settings.schema_prefix}{contract_of.layer}"
        yield from _catalog(f"{contract_of.layer}.{name}", schema, name, columns, parts)
        if manifest is not None:
            yield from _dbt(f"{contract_of.layer}.{name}", name, contract_of, columns, manifest)
    yield from _unstated(contracts, listing, parts.settings.schema_prefix)


def _models(contracts: Sequence[Contract]) -> Iterator[tuple[str, Contract, Columns]]:
    """Yield each dbt model of the contracts, its contract, and the columns that its rendered file states."""
    owners = {model: contract for contract in contracts for model in contract.models}
    for path, text in render_dbt.render(contracts).items():
        for model in yaml.safe_load(text).get("models", []) if path != "sources.yml" else []:
            columns = [(c["name"], c["data_type"]) for c in model["columns"]]
            yield model["name"], owners[model["name"]], columns


def _bronze(
    contract: Contract, parts: Parts, database: str, footer: Callable[[bytes], Columns]
) -> Iterator[Drift]:
    table = f"bronze.{contract.table}"
    columns = [(c.name, c.type) for c in technical.bronze_columns(contract)]
    keys = [(c.name, c.type) for c in technical.partition_keys()]
    yield from _catalog(table, database, contract.table, [*columns, *keys], parts)
    head = parts.store.get(Head, contract.table, contract.table)
    tally = head.counted if head else None
    if tally is None or tally.published_at is None:
        return
    values = (tally.published_at.date().isoformat(), str(tally.number))
    newest = parts.catalog.get_partition(database, contract.table, values)
    # None: retention has deleted it, or another `dm` has published it, and the tally was not updated since.
    for found in list(islice(parts.objects.list(newest.location), 1)) if newest else ():
        written = footer(parts.objects.get(found.uri))
        yield from _differences(table, "parquet", columns, written, f"batch {tally.number} ({found.key})")


def _catalog(table: str, schema: str, name: str, expected: Columns, parts: Parts) -> Iterator[Drift]:
    seen = parts.catalog.get_table(schema, name)
    if seen is None:
        message = f"{table} is not in the catalog: build it, or remove its contract"
        yield Drift("table-absent", table, "catalog", "", f"{schema}.{name}", "", message)
        return
    columns = [(c.name, c.type) for c in (*seen.columns, *seen.partition_keys)]
    yield from _differences(table, "catalog", expected, columns, "the catalog")
    if seen.metadata:
        try:
            metadata = json.loads(parts.objects.get(seen.metadata))
        except NotFoundError:
            message = f"the catalog points {table} to {seen.metadata}, which does not exist: readers fail"
            yield Drift("metadata-absent", table, "iceberg", "", seen.metadata, "", message)
            return
        yield from _differences(table, "iceberg", expected, _iceberg(metadata), "Iceberg's schema")


def _unstated(contracts: Sequence[Contract], listing: Listing, prefix: str) -> Iterator[Drift]:
    """Yield tables and views that no contract describes; `dm doctor` reports leftovers of killed builds."""
    stated = {(contract.layer, model) for contract in contracts for model in contract.models}
    for contract in contracts:
        if contract.layer == "bronze":
            stated |= {("bronze", contract.table), ("bronze", f"{contract.table}_events")}
    for layer in ("bronze", "silver", "gold"):
        for entry in listing.tables(f"{prefix}{layer}"):
            if (layer, entry.name) not in stated and "__" not in entry.name:
                table = f"{layer}.{entry.name}"
                message = f"{table} is in the catalog and in no contract: write one, or drop it"
                yield Drift("table-unstated", table, "catalog", "", "", entry.name, message)


def _dbt(
    table: str, name: str, contract: Contract, expected: Columns, manifest: Mapping[str, Any]
) -> Iterator[Drift]:
    nodes = [
        n
        for n in manifest.get("nodes", {}).values()
        if n.get("resource_type") == "model" and n["name"] == name
    ]
    if not nodes:
        yield Drift(
            "model-absent", table, "dbt", "", name, "", f"dbt has no model {name}: write it, or parse again"
        )
        return
    [node] = nodes[:1]
    columns = [(c["name"], c.get("data_type") or "") for c in node.get("columns", {}).values()]
    yield from _differences(table, "dbt", expected, columns, "dbt's manifest")
    config = node.get("config", {})
    if not config.get("contract", {}).get("enforced"):
        message = f"dbt does not enforce the contract of {name}: leave contract.enforced on"
        yield Drift("not-enforced", table, "dbt", "", "true", "false", message)
    version = str(config.get("meta", {}).get("contract_version", ""))
    if version != contract.version:
        message = (
            f"dbt knows version {version or 'none'} of the contract: run dm contract sync and parse again"
        )
        yield Drift("version-differs", table, "dbt", "", contract.version, version, message)


def _differences(table: str, where: Where, expected: Columns, found: Columns, shown: str) -> Iterator[Drift]:
    wanted, there = ({name: normal(kind) for name, kind in columns} for columns in (expected, found))
    for name, kind in wanted.items():
        if name not in there:
            yield Drift("column-absent", table, where, name, kind, "", f"{shown} lacks {name} of {table}")
        elif not _same(kind, there[name]):
            message = f"{table}: {name} is {there[name]} in {shown}, {kind} in the contract"
            yield Drift("type-differs", table, where, name, kind, there[name], message)
    for name in [name for name in there if name not in wanted]:
        message = f"{shown} has {name} in {table}, which no contract states"
        yield Drift("column-unstated", table, where, name, "", there[name], message)
    if set(wanted) == set(there) and _own(wanted) != _own(there):
        message = f"{table}: the columns are in another order in {shown}"
        yield Drift("order-differs", table, where, "", ", ".join(wanted), ", ".join(there), message)


def _own(names: Iterable[str]) -> list[str]:
    """Return the names without technical columns: columns that a state table gains later come after them."""
    return [name for name in names if not name.startswith("_")]


def _same(wanted: str, found: str) -> bool:
    """Whether two types are the same to the catalog, which calls every text type string."""
    plain = [_TEXT.sub("string", kind) for kind in (wanted, found)]
    return plain[0] == plain[1]


def _iceberg(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the name and Hive type of each column in the current schema of an Iceberg table."""
    current = metadata.get("current-schema-id", 0)
    schemas = metadata.get("schemas") or [metadata.get("schema", {})]
    schema = next((s for s in schemas if s.get("schema-id", 0) == current), schemas[-1])
    return [(field["name"], _hive(field["type"])) for field in schema.get("fields", [])]


def _hive(kind: Any) -> str:
    if isinstance(kind, str):
        return _ICEBERG.get(kind, kind)
    if kind["type"] == "list":
        return f"array<{_hive(kind['element'])}>"
    if kind["type"] == "map":
        return f"map<{_hive(kind['key'])},{_hive(kind['value'])}>"
    fields = (f"{field['name']}:{_hive(field['type'])}" for field in kind["fields"])
    return f"struct<{','.join(fields)}>"
