"""Statements of a dbt run are added up by the model that issued them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from control.cost import Cost, costs, last_run, total
from control.errors import NotFoundError
from control.ports import Execution

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Remembered:
    """Athena with these statements in its memory."""

    executions: tuple[Execution, ...]

    def since(self, moment: datetime) -> Iterable[Execution]:
        return [one for one in self.executions if one.submitted >= moment]


def statement(
    node: str, minute: int, megabytes: int, *, kind: str = "DML", succeeded: bool = True
) -> Execution:
    comment = json.dumps({"app": "dbt", "node_id": node}) if node else ""
    sql = f"-- /* {comment} */\nselect 1" if node else "select 1"
    return Execution(sql, kind, START + timedelta(minutes=minute), megabytes * MEGABYTE, 1500, succeeded)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    metadata = {
        "invocation_id": "abc",
        "invocation_started_at": START.isoformat().replace("+00:00", "Z"),
        "generated_at": (START + timedelta(minutes=10)).isoformat(),
    }
    (tmp_path / "run_results.json").write_text(json.dumps({"metadata": metadata, "results": []}))
    return tmp_path


def test_every_statement_of_a_model_in_the_run_counts_and_no_other(target: Path) -> None:
    remembered = Remembered(
        (
            statement("model.lakehouse.a", 1, 1),
            statement("model.lakehouse.a", 2, 40),
            statement("test.lakehouse.unique_a.1f", 3, 0),
            statement("model.lakehouse.a", -1, 500),
            statement("model.lakehouse.a", 11, 500),
            statement("", 4, 500),
        )
    )
    found = costs(last_run(target), remembered)
    terabyte = 1 << 40
    assert found == [
        Cost("a", 2, 41 * MEGABYTE, 3.0, (10 + 40) * MEGABYTE / terabyte * 5),
        Cost("unique_a.1f", 1, 0, 1.5, 10 * MEGABYTE / terabyte * 5),
    ]
    assert total(found).statements == 3
    assert total(found).bytes == 41 * MEGABYTE


def test_ddl_and_failed_statements_are_free(target: Path) -> None:
    remembered = Remembered(
        (
            statement("model.lakehouse.a", 1, 40, kind="DDL"),
            statement("model.lakehouse.a", 1, 40, succeeded=False),
        )
    )
    (found,) = costs(last_run(target), remembered)
    assert (found.statements, found.dollars) == (2, 0.0)


def test_a_run_that_left_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"run_results\.json") as error:
        last_run(tmp_path)
    assert "dbt build" in error.value.hint
