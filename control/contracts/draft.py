"""The first draft of a table: its bronze and silver contracts, and the two models of silver."""

import re
import uuid
from collections.abc import Mapping

from control.contracts import technical
from control.contracts.infer import Found, Shape
from control.contracts.model import Column
from control.contracts.render_dbt import dump
from control.errors import DataError

_LOGICAL = {
    "bigint": "integer", "double": "number", "boolean": "boolean", "date": "date", "timestamp": "timestamp",
    "string": "string", "array": "array", "struct": "object",
}  # fmt: skip
_TRINO = {"string": "varchar", "timestamp": "timestamp(6)"}
_OWNER = "data-platform"
_NOTE = "# Drafted from {records:,} records of {file}: read every line, then set status to active.\n"


def files(table: str, silver: str, shape: Shape, source: str) -> dict[str, str]:
    """Path below the repository -> text, for a new bronze table `table` and the silver view `silver`.

    Raises DataError when the file has a column that no contract may have, or none that can be a key.
    """
    wrong = [c.name for c in shape.columns if not re.fullmatch(r"[a-z][a-z0-9_]*", c.name)]
    if wrong:
        raise DataError(
            f"columns {', '.join(map(repr, wrong))} of {source} are not in lower case letters, digits and _",
            hint="rename them at the source, or draft the contract by hand",
        )
    key = _key(shape, source)
    note = _NOTE.format(records=shape.records, file=source)
    return {
        f"contracts/bronze/{table}.yaml": note + dump(_bronze(table, silver, shape, key)),
        f"contracts/silver/{silver}.yaml": note + dump(_silver(table, silver, shape, key)),
        f"models/silver/{silver}_state.sql": _state_sql(table, shape, key),
        f"models/silver/{silver}.sql": _view_sql(silver, shape),
    }


def _key(shape: Shape, source: str) -> str:
    able = [c.name for c in shape.columns if c.required and c.type in ("bigint", "string", "date")]
    if not able:
        raise DataError(f"no column of {source} has a value in every record, so none can be the key")
    distinct = [c.name for c in shape.columns if c.distinct and c.name in able]
    return next((name for name in distinct if name.endswith("_id") or name == "id"), (distinct or able)[0])


def _contract(
    layer: str, table: str, *, name: str, consumer: str, words: tuple[str, str, str]
) -> dict[str, object]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"lakehouse:{layer}.{table}")),
        "name": name,
        "version": "0.1.0",
        "status": "draft",
        "tags": [layer],
        "description": dict(zip(("purpose", "usage", "limitations"), words, strict=True)),
        "team": {"name": _OWNER, "members": [{"username": f"{_OWNER}@example.org", "role": "owner"}]},
        "servers": [
            {"server": "local", "type": "athena", "environment": "local", "catalog": "awsdatacatalog",
             "schema": layer, "stagingDir": "s3://lake/athena-results/", "regionName": "us-east-1"},
        ],
        "slaProperties": [
            {"property": "freshness", "value": 24 if layer == "bronze" else 25, "unit": "h"},
            {"property": "retention", "value": 2 if layer == "bronze" else 10, "unit": "y"},
        ],
        "customProperties": [
            {"property": "consumers", "value": [
                {"name": consumer, "contact": f"{_OWNER}@example.org", "use": "Reads it whole."},
            ]},
        ],
    }  # fmt: skip


def _bronze(table: str, silver: str, shape: Shape, key: str) -> dict[str, object]:
    words = (
        f"Keep every change of {table}, typed and in order.",
        f"Source of silver.{silver}.",
        "A history, not a current state: order by (_seq, _rev), never by arrival.",
    )
    contract = _contract(
        "bronze", table, name=f"{table}, as it arrived", consumer=f"silver.{silver}", words=words
    )
    properties = []
    for column in shape.columns:
        drafted = _column(column, key, f"Column {column.name} of the raw file.")
        if column.personal:
            drafted |= {
                "classification": "personal",
                "customProperties": [{"property": "token", "value": True}],
            }
        properties.append(drafted)
    custom: Mapping[str, object] = {
        "position": shape.position,
        "unknownKeys": "freeze",
        "absent": "quarantine",
    }
    return contract | {
        "schema": [_table(table, "table", "One row per record that arrived.", custom, properties)]
    }


def _silver(table: str, silver: str, shape: Shape, key: str) -> dict[str, object]:
    words = (f"Show the current {silver}.", f"Join by {key}.", "Deleted ones are left out.")
    contract = _contract("silver", silver, name=f"Current {silver}", consumer="to-be-named", words=words)
    properties = []
    for column in shape.columns:
        drafted = _column(column, key, f"Column {column.name} as the source shows it.")
        if column.personal:
            state = [{"property": "stateColumn", "value": f"{column.name}_token"}]
            drafted |= {"classification": "pseudonym", "customProperties": state}
        properties.append(drafted)
    custom: Mapping[str, object] = {"bronze": f"bronze.{table}", "stateTable": f"{silver}_state"}
    return contract | {"schema": [_table(silver, "view", f"One row per {table}.", custom, properties)]}


def _table(
    name: str, kind: str, grain: str, custom: Mapping[str, object], properties: list[dict[str, object]]
) -> dict[str, object]:
    return {
        "name": name,
        "logicalType": "object",
        "physicalType": kind,
        "description": f"Drafted from a raw file of {name}.",
        "dataGranularityDescription": grain,
        "customProperties": [{"property": p, "value": v} for p, v in custom.items()],
        "properties": properties,
    }


def _column(column: Found, key: str, description: str) -> dict[str, object]:
    name = column.type.partition("<")[0]
    drafted: dict[str, object] = {
        "name": column.name, "logicalType": _LOGICAL[name], "physicalType": column.type,
    }  # fmt: skip
    if column.required:
        drafted["required"] = True
    if column.name == key:
        drafted |= {"primaryKey": True, "primaryKeyPosition": 1}
    return drafted | {"description": description, "classification": "public"}


def _state_sql(table: str, shape: Shape, key: str) -> str:
    columns: list[tuple[str, str]] = []
    for column in shape.columns:
        columns.append((column.name, column.type))
        if column.personal:
            columns.append((technical.token_column(Column(column.name, "", "", "")).name, "string"))
    casts = _casts([*columns, *technical.STATE.items()])
    return (
        f"-- One row per {table}: the latest version that the source has sent us, deleted ones included.\n"
        f"{{{{ config(unique_key='{key}', update_condition=newer_wins()) }}}}\n\n"
        f"with changes as (\n    select * from {{{{ source('bronze', '{table}') }}}}\n"
        "    where {{ new_batches() }}\n),\n\n"
        f"latest as (\n    {{{{ latest_by_sequence('changes', key='{key}', "
        f"events=source('bronze', '{table}_events')) }}}}\n)\n\n"
        f"select\n{casts}\nfrom latest\n"
    )


def _view_sql(silver: str, shape: Shape) -> str:
    shown = [(f"{c.name}_token" if c.personal else c.name, c.type, c.name) for c in shape.columns]
    casts = ",\n".join(f"    cast({was} as {_trino(kind)}) as {name}" for was, kind, name in shown)
    return (
        f"-- One row per {silver.removesuffix('s')} that the source has not deleted.\n"
        "{{ config(materialized='view') }}\n\n"
        f"select\n{casts}\nfrom {{{{ live(ref('{silver}_state')) }}}} as {silver}\n"
    )


def _casts(columns: list[tuple[str, str]]) -> str:
    return ",\n".join(f"    cast({name} as {_trino(kind)}) as {name}" for name, kind in columns)


def _trino(kind: str) -> str:
    """The type as Athena's queries write it."""
    plain = re.sub(r"\b(string|timestamp)\b(?!:)", lambda m: _TRINO[m[1]], kind)
    while found := re.search(r"(array|struct)<([^<>]*)>", plain):
        inner = found[2] if found[1] == "array" else found[2].replace(":", " ").replace(",", ", ")
        plain = plain.replace(found[0], f"{'array' if found[1] == 'array' else 'row'}({inner})")
    return plain
