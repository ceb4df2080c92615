"""A model that reads more than its contract allows, compared with the last build, is an error."""

from pathlib import Path
from typing import Any

import pytest

from control.cost import budget
from control.cost.runs import Cost
from control.errors import NotFoundError, UsageError

MEGABYTE = 1 << 20


def cost(model: str, count: int, kind: str = "model") -> Cost:
    return Cost(kind, model, 1, 0, count, 1.0, 0.0)


def manifest(**budgets: float | None) -> dict[str, Any]:
    nodes = {
        name: {
            "name": name,
            "resource_type": "model",
            "config": {"meta": {"budget": {"scan": factor}} if factor else {}},
        }
        for name, factor in budgets.items()
    }
    return {"nodes": nodes}


def codes(found: list[Cost], last: dict[str, int], **budgets: float | None) -> list[tuple[str, str]]:
    allowed = budget.budgets(manifest(**budgets))
    return [(finding.code, finding.where) for finding in budget.check(found, last, allowed)]


def test_a_model_may_read_the_allowed_multiple_and_not_a_byte_more() -> None:
    last = {"a": 10 * MEGABYTE}
    assert codes([cost("a", 20 * MEGABYTE)], last, a=2.0) == []
    assert codes([cost("a", 20 * MEGABYTE + 1)], last, a=2.0) == [("cost-over-budget", "a")]


def test_the_default_budget_is_one_and_a_half_times_the_last_build() -> None:
    last = {"a": 10 * MEGABYTE}
    assert codes([cost("a", 15 * MEGABYTE)], last, a=None) == []
    assert codes([cost("a", 15 * MEGABYTE + 1)], last, a=None) == [("cost-over-budget", "a")]


@pytest.mark.parametrize("stated", [{"scan": "much"}, {"scan": None}, [1.5], 2])
def test_a_budget_that_is_not_a_number_names_its_model(stated: object) -> None:
    found = manifest(a=None)
    found["nodes"]["a"]["config"]["meta"] = {"budget": stated}
    with pytest.raises(UsageError, match="the budget of a is"):
        budget.budgets(found)
    found["nodes"]["a"]["config"]["meta"] = None
    assert budget.budgets(found) == {"a": budget.DEFAULT_SCAN}


def test_a_few_bytes_more_of_a_small_table_are_no_finding() -> None:
    assert codes([cost("a", 16_000)], {"a": 100}, a=1.0) == []
    assert codes([cost("a", 17_000)], {"a": 100}, a=1.0) == [("cost-over-budget", "a")]


def test_a_new_model_is_a_warning_and_tests_have_no_budget() -> None:
    found = [cost("new", 5), cost("unique_a.1f", 10**12, "test")]
    assert codes(found, {}, new=1.0) == [("cost-unknown", "new")]


def test_the_costs_of_a_build_read_back_as_written(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "costs.json"
    assert budget.write(file, [cost("b", 2), cost("a", 1), cost("unique_a.1f", 7, "test")], {"a", "b"}) == 2
    assert budget.last_build(file) == {"a": 1, "b": 2}
    file.write_text("[]")
    with pytest.raises(UsageError, match="is not what dm cost check --write writes"):
        budget.last_build(file)
    with pytest.raises(NotFoundError, match="does not exist"):
        budget.last_build(tmp_path / "absent.json")


def test_a_partial_build_updates_its_models_and_forgets_only_deleted_ones(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    budget.write(file, [cost("a", 1), cost("b", 2), cost("gone", 3)], {"a", "b", "gone"})
    budget.write(file, [cost("b", 5), cost("new", 6)], {"a", "b", "new"})
    assert budget.last_build(file) == {"a": 1, "b": 5, "new": 6}
    file.write_text("[]")
    with pytest.raises(UsageError, match="is not what dm cost check --write writes"):
        budget.write(file, [cost("a", 1)], {"a"})


def test_a_run_without_statements_neither_passes_nor_becomes_the_last_build(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    budget.write(file, [cost("a", 1)], {"a"})
    with pytest.raises(NotFoundError, match="no statement of the last run"):
        budget.check([], {"a": 1}, {})
    for found in ([], [cost("unique_a.1f", 7, "test")]):
        with pytest.raises(NotFoundError, match="no statement of a model"):
            budget.write(file, found, {"a"})
    assert budget.last_build(file) == {"a": 1}
