"""Whatever somebody changes in the catalog, the next publication restores ours and keeps theirs.

`make sweep` makes ten times as many changes, new ones each time; `CATALOG_SEED=…` repeats a run.
"""

import os
import secrets
from random import Random
from typing import Any

import pytest
from catalog_server import CatalogServer
from made_catalog import made_desired

from control.adapters.openmetadata import OpenMetadata
from control.catalog.publish import Published, publish

SWEEP = int(os.environ.get("SWEEP", "1"))
FIRST = int(os.environ.get("CATALOG_SEED") or (secrets.randbelow(10**6) if SWEEP > 1 else 0))
EDITS, TABLES = 12, 8
KINDS = ("table", "container", "dataContract", "dashboard", "dataProduct", "glossaryTerm", "tag", "testCase")
TAGGED = ("table", "container")
THEIRS = {"tagFQN": "Team.Mine", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}


def columns(entity: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = entity.get("columns") or entity.get("dataModel", {}).get("columns", [])
    return found


def edit(entity: dict[str, Any], chance: Random) -> None:
    """Change one thing of an entity, or of one of its columns."""
    listed = columns(entity)
    on = chance.choice([entity, *listed])
    match chance.choice(("text", "owners", "tags", "lost", "order", "column", "type")):
        case "text":
            on["description"] = chance.choice(("", "?"))
        case "owners":
            entity["owners"] = []
        case "tags":
            on["tags"] = chance.choice(([], None))
        case "lost":
            for key in ("description", "tags", "owners", "domains", "constraint", "sla"):
                on.pop(key, None)
        case "order":
            chance.shuffle(listed)
        case "column" if listed:
            listed.pop(chance.randrange(len(listed)))
        case "type" if listed:
            chance.choice(listed)["dataType"] = "BLOB"


def mark(entity: dict[str, Any]) -> None:
    """Give the entity and its columns a tag of somebody's own; a column of another type will be a new one."""
    for on in (entity, *columns(entity)):
        if on.get("dataType") != "BLOB":
            on["tags"] = [*(on.get("tags") or []), THEIRS]


def marked(entity: dict[str, Any]) -> set[str]:
    return {on["name"] for on in (entity, *columns(entity)) if THEIRS in (on.get("tags") or [])}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 2 * SWEEP))
def test_the_next_publication_restores_ours_and_keeps_theirs(seed: int) -> None:
    chance, desired = Random(seed), made_desired()
    with CatalogServer() as server:
        catalog = OpenMetadata(server.url, "")

        def published() -> Published:
            return publish(desired, catalog, lambda done, total: None)

        published()
        entities = [one for one in desired.entities if one.kind in KINDS]
        tables = [one for one in entities if one.kind == "table"]
        chosen = {one.key: one for one in (*chance.sample(entities, EDITS), *chance.sample(tables, TABLES))}
        for one in chosen.values():
            edit(server.entity(one.kind, one.fqn), chance)
        tagged = [one for one in chosen.values() if one.kind in TAGGED]
        for one in tagged:
            mark(server.entity(one.kind, one.fqn))
        marks = [marked(server.entity(one.kind, one.fqn)) for one in tagged]
        restored, again = published(), published()
        assert restored.differing == []
        assert (restored.created, restored.results_added) == (0, 0)
        assert restored.changed > 0
        assert again == Published(
            unchanged=len(desired.entities), edges_unchanged=restored.edges_unchanged + restored.edges_written
        )
        assert [marked(server.entity(one.kind, one.fqn)) for one in tagged] == marks
