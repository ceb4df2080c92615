"""The bronze tables: contract text from the contracts folder, and the catalog tables rendered from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from control.config import Settings
from control.errors import ContractError, NotFoundError, UsageError
from control.ports import CatalogColumn, CatalogTable

SYNC_HINT = "run `dm contract sync` and commit what it renders"


@dataclass(frozen=True, slots=True)
class BronzeTable:
    """A table that can be ingested. `text` is its contract as YAML.

    `needs_token_key` means that some of its columns are tokens.
    """

    name: str
    text: str
    version: str
    needs_token_key: bool
    rows: CatalogTable
    events: CatalogTable


def load(settings: Settings, only: str | None = None) -> dict[str, BronzeTable]:
    """Read every bronze contract, or that of the table `only`.

    Raises UsageError if there is no contract, NotFoundError if `only` has none, ContractError if a contract
    cannot be used or its rendered file is outdated.
    """
    folder = settings.contracts / "bronze"
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not paths:
        raise UsageError(
            f"there is no bronze contract in {folder}",
            hint="run dm in the project's folder, or set DM_CONTRACTS to its contracts folder",
        )
    if only is not None and only not in paths:
        raise NotFoundError(
            f"there is no table {only}", hint=f"tables with a bronze contract: {', '.join(paths)}"
        )
    return {name: _read(path, settings) for name, path in paths.items() if only in (None, name)}


def names(settings: Settings) -> list[str]:
    """Return the tables that have a bronze contract, whether or not it is usable."""
    return sorted(path.stem for path in (settings.contracts / "bronze").glob("*.yaml"))


def is_personal(table: BronzeTable) -> bool:
    """Whether a column of `table` identifies a person, directly or by pseudonym."""
    from bronze.located_yaml import read

    properties = read(table.text, table.name)["schema"][0]["properties"]
    return any(column.get("classification") in ("personal", "pseudonym") for column in properties)


def _read(path: Path, settings: Settings) -> BronzeTable:
    # Imported here because the parser imports pyarrow, which would delay `dm --help` by 0.2 s.
    from bronze.contract import loads
    from bronze.errors import ContractError as ParserContractError

    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        contract = loads(text, str(path))
    except ParserContractError as error:
        raise ContractError(str(error), hint=error.hint) from error
    if contract.table != path.stem:
        raise ContractError(
            f"{path} is the contract of {contract.table}", hint="name the file after the table"
        )
    rows, events = _rendered(settings, path.stem)
    if tuple((column.name, column.type) for column in rows.columns) != contract.hive_columns:
        raise ContractError(f"the file rendered from {path} has other columns", hint=SYNC_HINT)
    return BronzeTable(
        name=path.stem,
        text=text,
        version=contract.version,
        needs_token_key=any(column.token for column in contract.columns),
        rows=rows,
        events=events,
    )


def _rendered(settings: Settings, table: str) -> tuple[CatalogTable, CatalogTable]:
    path = settings.contracts / "rendered" / "bronze" / f"{table}.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        tables = found, {**found["events"], "partition_keys": found["partition_keys"]}
        rows, events = (_catalog_table(settings, found["database"], spec) for spec in tables)
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}", hint=SYNC_HINT) from error
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise ContractError(f"{path} is not what a contract renders to: {error!r}", hint=SYNC_HINT) from error
    return rows, events


def _catalog_table(settings: Settings, database: str, spec: Mapping[str, Any]) -> CatalogTable:
    return CatalogTable(
        database=f"{settings.schema_prefix}{database}",
        name=spec["table"],
        location=f"s3://{settings.bucket}/bronze/{spec['table']}/",
        columns=tuple(_column(column) for column in spec["columns"]),
        partition_keys=tuple(_column(column) for column in spec["partition_keys"]),
    )


def _column(column: Mapping[str, str]) -> CatalogColumn:
    return CatalogColumn(column["name"], column["type"], column.get("comment", ""))
