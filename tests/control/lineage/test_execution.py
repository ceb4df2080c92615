"""Lineage compared with execution: change one column of the data, run the query, and see what changes."""

import os
from typing import Any

import pytest
from changes import consequences
from hard_queries import TRACED, named, traced

# Ten times as many datasets in `make sweep`.
DATASETS = 5 * int(os.environ.get("SWEEP", "1"))
RUNNABLE = [case for case in TRACED if case.get("run", True)]


@pytest.mark.parametrize("case", RUNNABLE, ids=named)
def test_changes_of_the_data_spread_only_along_edges(case: dict[str, Any]) -> None:
    found = traced(case["sql"])
    edges = {
        kind: {(source, name) for name, sources in columns.items() for source in sources}
        for kind, columns in found.items()
    }
    seen, names = consequences(case["sql"], len(case["sql"]), DATASETS)
    assert names == list(case["columns"])
    assert seen <= edges["direct"] | edges["indirect"], "a change was seen where there is no edge"
    assert edges["direct"] <= seen, "a direct edge along which no change was seen"
