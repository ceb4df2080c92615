"""Render the Glue columns of each bronze table and its events table, from which partitions are registered."""

import json
from collections.abc import Iterable, Sequence

from control.contracts import technical
from control.contracts.model import Column, Contract


def render(contracts: Sequence[Contract]) -> dict[str, str]:
    """Return file name below the folder for rendered files -> text, for every bronze contract."""
    return {f"bronze/{c.table}.json": _table(c) for c in contracts if c.layer == "bronze"}


def _table(contract: Contract) -> str:
    data = {
        "database": "bronze",
        "table": contract.table,
        "contract_version": contract.version,
        "columns": _columns(technical.bronze_columns(contract)),
        "partition_keys": [{"name": c.name, "type": c.type} for c in technical.partition_keys()],
        "events": {"table": f"{contract.table}_events", "columns": _columns(technical.event_columns())},
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _columns(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [{"name": c.name, "type": c.type, "comment": c.description} for c in columns]
