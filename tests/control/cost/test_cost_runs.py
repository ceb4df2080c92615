"""The statements of a dbt run are added up by model."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memory_warehouse import History

from control.cost.runs import Cost, costs, dollars_of, runs, total
from control.dbt_runs import Run, last_run
from control.errors import NotFoundError, UsageError
from control.ports import Execution

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
MEGABYTE = 1 << 20


def statement(
    node: str,
    minute: int,
    megabytes: int,
    *,
    run: str = "abc",
    started: datetime = START,
    kind: str = "DML",
    succeeded: bool = True,
) -> Execution:
    said = {"app": "dbt", "invocation_id": run, "started": started.isoformat()}
    comment = json.dumps(said | ({"node_id": node} if node else {}))
    sql = f"-- /* {comment} */\nselect 1"
    return Execution(sql, kind, START + timedelta(minutes=minute), megabytes * MEGABYTE, 1500, succeeded)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    metadata = {"invocation_id": "abc", "invocation_started_at": START.isoformat().replace("+00:00", "Z")}
    (tmp_path / "run_results.json").write_text(json.dumps({"metadata": metadata, "results": []}))
    return tmp_path


def test_exactly_the_statements_of_the_run_count(target: Path) -> None:
    remembered = History(
        (
            statement("model.lakehouse.a", 1, 1),
            statement("model.lakehouse.a", 2, 40),
            statement("test.lakehouse.unique_a.1f", 3, 0),
            statement("", 3, 0),
            statement("model.lakehouse.a", 2, 500, run="another, at the same time"),
            Execution("select 1", "DML", START + timedelta(minutes=4), 500, 1500, True),
        )
    )
    found = costs(last_run(target), remembered)
    terabyte = 1 << 40
    assert found == [
        Cost("model", "a", 2, 0, 41 * MEGABYTE, 3.0, (10 + 40) * MEGABYTE / terabyte * 5),
        Cost("operation", "(run)", 1, 0, 0, 1.5, 10 * MEGABYTE / terabyte * 5),
        Cost("test", "unique_a.1f", 1, 0, 0, 1.5, 10 * MEGABYTE / terabyte * 5),
    ]
    assert total(found).statements == 4
    assert total(found).bytes == 41 * MEGABYTE


def test_ddl_utilities_and_failed_statements_are_free(target: Path) -> None:
    remembered = History(
        (
            statement("model.lakehouse.a", 1, 40, kind="DDL"),
            statement("model.lakehouse.a", 1, 40, kind="UTILITY"),
            statement("model.lakehouse.a", 1, 40, succeeded=False),
        )
    )
    (found,) = costs(last_run(target), remembered)
    assert (found.statements, found.failed, found.dollars) == (3, 1, 0.0)


def test_a_cancelled_statement_is_billed_for_what_it_had_read() -> None:
    def stopped(count: int, kind: str = "DML") -> Execution:
        return Execution("select 1", kind, START, count, 1500, succeeded=False, is_cancelled=True)

    terabyte = 1 << 40
    assert dollars_of(stopped(40 * MEGABYTE)) == 40 * MEGABYTE / terabyte * 5
    assert dollars_of(stopped(1)) == 10 * MEGABYTE / terabyte * 5
    assert dollars_of(stopped(0)) == dollars_of(stopped(40 * MEGABYTE, "DDL")) == 0.0


def test_runs_are_separate_and_one_that_began_before_the_window_is_left_out() -> None:
    before = START - timedelta(hours=1)
    remembered = History(
        (
            statement("model.lakehouse.a", 3, 2, run="second", started=START + timedelta(minutes=2)),
            statement("model.lakehouse.a", 1, 1, run="first"),
            statement("model.lakehouse.b", 1, 1, run="first"),
            statement("model.lakehouse.a", 1, 9, run="half in the window", started=before),
        )
    )
    found = list(runs(remembered, START))
    assert [(run.invocation_id, [cost.model for cost in of_run]) for run, of_run in found] == [
        ("first", ["a", "b"]),
        ("second", ["a"]),
    ]
    assert found[0][0] == Run("first", START)


@pytest.mark.parametrize(
    "comment",
    [
        '{"app": "dbt"}',
        '{"app": "dbt", "invocation_id": "x", "started": "?"}',
        '{"app": "dbt", "invocation_id": "x", "started": 1772366400}',
        '{"app": "dbt", "invocation_id": "x", "started": "2026-03-01T12:00:00"}',
    ],
)
def test_statements_without_our_comment_are_ignored(comment: str) -> None:
    execution = Execution(f"/* {comment} */ select 1", "DML", START, 1, 1, True)
    assert list(runs(History((execution,)), START)) == []


def test_missing_or_invalid_run_results_are_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"run_results\.json") as error:
        last_run(tmp_path)
    assert "dbt build" in error.value.hint
    without_zone = {"invocation_id": "abc", "invocation_started_at": "2026-01-01T12:00:00"}
    for found in ({}, {"metadata": without_zone, "results": []}):
        (tmp_path / "run_results.json").write_text(json.dumps(found))
        with pytest.raises(UsageError, match="is not what dbt"):
            last_run(tmp_path)
