"""The queries of queries.yaml, and their lineage in the form that the tests compare."""

from pathlib import Path
from typing import Any

import yaml

from control.lineage.query import edges, relations

COLUMNS = {
    "s.a": ("id", "x", "y", "arr", "grp"),
    "s.b": ("id", "z", "w", "state"),
    "s.c": ("k", "v"),
    "s.held": ("id", "z"),
}
RELATIONS = relations(COLUMNS, "awsdatacatalog")
TARGET = "s.held"
CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("queries.yaml").read_text())
TRACED = [case for case in CASES if "fails" not in case]


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def split(text: str) -> set[str]:
    return {f"s.{name}" for name in text.split()}


def traced(sql: str) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {"direct": {}, "indirect": {}}
    for edge in edges(sql, TARGET, RELATIONS):
        found[edge.kind].setdefault(edge.target.name, set()).add(str(edge.source))
    return found
