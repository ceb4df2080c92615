"""Lineage before dbt, from the bronze contracts: source column -> raw field -> bronze column.

A raw field, and the source column that it was captured from, have the name that raw files use.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from control.contracts import technical
from control.contracts.model import Contract
from control.lineage.model import Column, Edge

# The fields of a record beside its values, by the contract's `records`; a plain record has none.
_AROUND: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "change": {
        "_seq": ("metadata.stream-position", "metadata.transaction-record-id"),
        "_op": ("metadata.operation",),
        "_committed_at": ("metadata.commit-timestamp",),
    },
    "debezium": {
        "_seq": ("source.sequence",),
        "_op": ("op",),
        "_committed_at": ("source.ts_us",),
    },
    "plain": {},
}
_BEFORE = {"change": "before-image", "debezium": "before"}
# Columns that the parser and the catalog add to each row, and what they hold: no source field is behind them.
GENERATED = {
    "_rev": "the revision of the parser and the contract",
    "_file_id": "the identity of the raw file",
    "_line": "the line in the raw file",
    "_record": "the record in the line",
    "ingest_date": "the partition of the batch",
    "batch": "the number of the batch",
}


def edges(contracts: Iterable[Contract]) -> Iterator[Edge]:
    """Yield every edge from a source database to bronze that follows from the contracts."""
    for contract in contracts:
        if contract.layer == "bronze":
            yield from _table(contract)


def _table(contract: Contract) -> Iterator[Edge]:
    bronze, raw = f"bronze.{contract.table}", f"raw.{contract.table}"
    source = f"source.{contract.source_schema}.{contract.table}"
    for column in contract.columns:
        if column.name in GENERATED or column.name.startswith("_"):
            continue
        read = Column(raw, column.raw_name or column.name)
        field_sql = _quoted(read.name)
        yield Edge(Column(source, read.name), read, "direct", field_sql)
        yield Edge(read, Column(bronze, column.name), "direct", f"cast({field_sql} as {column.type})")
        if column.token:
            yield Edge(read, Column(bronze, f"{column.name}_token"), "direct", f"hmac_sha256({field_sql})")
        if column.type == "timestamp":
            exact = technical.exact_column(column).name
            yield Edge(read, Column(bronze, exact), "direct", f"microseconds_since_1970({field_sql})")
    records = str(contract.properties.get("records", "change"))
    for name, fields in _AROUND[records].items():
        for field in fields:
            yield Edge(Column(raw, field), Column(bronze, name), "direct", field)
    for key in contract.columns if records in _BEFORE else ():
        if key.key:
            before = Column(raw, f"{_BEFORE[records]}.{key.raw_name or key.name}")
            yield Edge(before, Column(bronze, "_key_before"), "direct", before.name)


def _quoted(name: str) -> str:
    """Return the name as SQL has to write it, in quotes if needed."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
