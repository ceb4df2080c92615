"""The results of the last build: what counts as checked, and what does not."""

import json
from pathlib import Path

import pytest

from control.errors import UsageError
from control.site import results

NODES = {
    "model.x.beers": {"resource_type": "model", "name": "beers", "schema": "silver", "alias": "beers"},
    "test.x.unique": {
        "resource_type": "test",
        "name": "unique_beers_beer_id",
        "column_name": "beer_id",
        "attached_node": "model.x.beers",
        "test_metadata": {"name": "unique", "kwargs": {}},
    },
}


def write(target: Path, which: str) -> None:
    timing = [{"name": "execute", "completed_at": "2026-03-01T11:00:00.5Z"}]
    found = [
        {"unique_id": "model.x.beers", "status": "success", "message": "OK 5\nmore", "timing": timing},
        {"unique_id": "test.x.unique", "status": "fail", "failures": 2, "timing": []},
        {"unique_id": "operation.x.hook", "status": "success", "timing": []},
    ]
    (target / "manifest.json").write_text(json.dumps({"nodes": NODES}))
    (target / "run_results.json").write_text(json.dumps({"results": found, "args": {"which": which}}))


def test_models_and_tests_are_found_by_relation_and_column(tmp_path: Path) -> None:
    write(tmp_path, "build")
    found = results.read(tmp_path)
    assert found is not None
    assert (found.models["silver.beers"].status, found.models["silver.beers"].message) == ("success", "OK 5")
    (unique,) = found.tests["silver.beers", "beer_id"]
    assert (unique.name, unique.status, unique.failures) == ("unique", "fail", 2)


@pytest.mark.parametrize("which", ["compile", "generate"])
def test_a_run_that_only_compiled_has_checked_nothing(tmp_path: Path, which: str) -> None:
    write(tmp_path, which)
    assert results.read(tmp_path) is None


def test_without_artefacts_there_are_no_results_and_foreign_ones_are_refused(tmp_path: Path) -> None:
    assert results.read(tmp_path) is None
    write(tmp_path, "build")
    (tmp_path / "run_results.json").write_text("{}")
    with pytest.raises(UsageError, match="not dbt's"):
        results.read(tmp_path)
