"""What a rebuild and a reconciliation do, on a lake in memory."""

from pathlib import Path

import pytest
from conformance import Play
from rendering import BuildFailedError, Project, load
from shops import difference, history, tables

VOLUME = "gold.state_by_review_volume"


@pytest.fixture(scope="module")
def project() -> Project:
    return load()


@pytest.fixture
def play(project: Project, tmp_path: Path) -> Play:
    """Two shops after all of their history, built once."""
    played = Play(history(11, 2), project, tmp_path)
    for table in [table for table, batches in played.history.batches.items() for _ in batches]:
        played.publish(table)
    played.dbt.build()
    return played


def differs(play: Play) -> list[str]:
    """The tables that are not as the dictionary says."""
    expected = tables(play.published)
    return [name for name, rows in expected.items() if difference(play.lake.rows(name), rows) is not None]


def spoil(play: Play, table: str, change: str) -> None:
    """Change rows of a table behind everybody's back."""
    schema, name = table.split(".")
    label = play.lake.iceberg[schema, name].snapshots[-1].label
    play.lake.connection.execute(change.replace("THIS", label))


def reconcile(play: Play, *models: str) -> None:
    play.dbt.variables, play.dbt.audits = {"reconcile": True}, True
    try:
        play.dbt.build(*models)
    finally:
        play.dbt.variables, play.dbt.audits = {}, False


def test_a_reconciliation_of_right_tables_passes_and_writes_nothing(play: Play) -> None:
    before = {name: len(table.snapshots) for name, table in play.lake.iceberg.items()}
    consumed = play.lake.rows("ops.consumed")
    reconcile(play)
    assert {name: len(table.snapshots) for name, table in play.lake.iceberg.items()} == before
    assert play.lake.rows("ops.consumed") == consumed


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (
            VOLUME,
            "UPDATE THIS SET review_count = review_count + 1 WHERE volume_rank = 1 AND review_month = 1",
        ),
        (VOLUME, "DELETE FROM THIS WHERE volume_rank = 1"),
    ],
)
def test_a_reconciliation_finds_what_was_changed_and_a_rebuild_puts_it_right(
    play: Play, table: str, change: str
) -> None:
    spoil(play, table, change)
    model = table.split(".")[1]
    spoiled = play.lake.rows(table)
    play.dbt.build()
    assert play.lake.rows(table) == spoiled, "an ordinary build has no reason to look there"
    with pytest.raises(
        BuildFailedError, match=r"is not what a full recompute gives: \d+ rows differ, such as"
    ):
        reconcile(play, model)
    assert play.lake.rows(table) == spoiled
    play.dbt.variables = {"rebuild": True}
    play.dbt.build()
    assert differs(play) == []
