"""Write the parts of a drafted contract, whatever it is drafted from."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from control.contracts import hive, placeholders
from control.contracts.model import Column

NOTE = "# Drafted from {source}: read every line, then set status to active.\n"
_OWNER = "data-platform"
# The sentence about joins that a draft contains, which depends on the key.
_JOIN = re.compile(r"Join by \w+( and \w+)*\.")
# What people write about a table, apart from its columns.
_SAID = ("name", "version", "tags", "description", "team", "servers", "slaProperties", "customProperties")
# Each layer is an hour later than the one before.
_FRESH_HOURS = {"bronze": 24, "silver": 25, "gold": 26}
_YEARS = {"value": 10, "unit": "y"}
# Bronze promises least: a person who was deleted at the source stays there for that long.
_KEPT = {"bronze": {"value": 60, "unit": "d"}, "silver": _YEARS, "gold": _YEARS}


def contract(
    layer: str, table: str, *, name: str, consumer: str, words: tuple[str, str, str]
) -> dict[str, Any]:
    """Return a contract without its table; `words` are its purpose, usage and limitations."""
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
            {"property": "freshness", "value": _FRESH_HOURS[layer], "unit": "h"},
            {"property": "retention", **_KEPT[layer]},
        ],
        "customProperties": custom({"consumers": [consumer_entry(consumer)]}),
    }  # fmt: skip


def consumer_entry(name: str) -> dict[str, str]:
    """Return a consumer whose contact and use people have yet to fill in."""
    return {"name": name, "contact": f"{_OWNER}@example.org", "use": "Reads it whole."}


def table(
    name: str,
    kind: str,
    grain: str,
    properties: Mapping[str, object],
    columns: list[dict[str, object]],
) -> dict[str, object]:
    """Return the table of a contract, with its custom properties and its columns."""
    return {
        "name": name,
        "logicalType": "object",
        "physicalType": kind,
        "description": placeholders.table(name),
        "dataGranularityDescription": grain,
        **({"customProperties": custom(properties)} if properties else {}),
        "properties": columns,
    }


def column(drafted: Column, properties: Mapping[str, object]) -> dict[str, object]:
    """Return a column, with its custom properties."""
    stated: dict[str, object] = {
        "name": drafted.name, "logicalType": _logical(drafted), "physicalType": drafted.type,
    }  # fmt: skip
    if drafted.required:
        stated["required"] = True
    if drafted.key:
        stated |= {"primaryKey": True, "primaryKeyPosition": drafted.key}
    stated |= {"description": drafted.description, "classification": drafted.classification}
    if drafted.tags:
        stated["tags"] = list(drafted.tags)
    return stated | ({"customProperties": custom(properties)} if properties else {})


def keeping(made: dict[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new draft `made`, with what people may have edited in the earlier draft `held`.

    The columns, and a drafted sentence about joins, come from the new draft.
    """
    if not held:
        return made
    kept = made | {key: held[key] for key in _SAID if key in held}
    description, [table], [before] = dict(kept["description"]), made["schema"], held["schema"]
    if _JOIN.fullmatch(description.get("usage", "")):
        description["usage"] = made["description"]["usage"]
    about = {key: before[key] for key in ("description", "quality") if key in before}
    return kept | {"description": description, "schema": [table | about]}


def custom(properties: Mapping[str, object]) -> list[dict[str, object]]:
    """Return custom properties as the standard lists them."""
    return [{"property": name, "value": value} for name, value in properties.items()]


def _logical(drafted: Column) -> str:
    return drafted.logical_type or hive.logical_types(drafted.type)[0]
