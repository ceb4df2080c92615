"""What single builds do, on a lake in memory. Each test leaves the tables equal to the dictionary."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from conformance import Play
from memory_lake import MemoryLake, Snapshot
from project_sources import Project, load
from rendering import BuildFailedError
from shops import KEYS, difference, history, tables

VOLUME = "gold.state_by_review_volume"
FLAT = ("silver", "review_flat")
MORE = "UPDATE THIS SET review_count = review_count + 1 WHERE volume_rank = 1"


@pytest.fixture(scope="module")
def project() -> Project:
    return load()


@pytest.fixture(scope="module")
def play(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Return two shops after all of their history, built once."""
    played = Play(history(11, 2), project, tmp_path_factory.mktemp("lake"))
    for table in [table for table, batches in played.history.batches.items() for _ in batches]:
        played.publish(table)
    played.dbt.build()
    return played


def differs(play: Play) -> list[str]:
    """Return the tables that differ from the dictionary."""
    expected = tables(play.published)
    return [name for name, rows in expected.items() if difference(play.lake.rows(name), rows) is not None]


def spoil(play: Play, table: str, change: str) -> None:
    """Change rows of a table without a build."""
    schema, name = table.split(".")
    label = play.lake.iceberg[schema, name].snapshots[-1].label
    play.lake.connection.execute(change.replace("THIS", label))


def rebuild(play: Play) -> None:
    play.dbt.variables = {"rebuild": True}
    try:
        play.dbt.build()
    finally:
        play.dbt.variables = {}


def reconcile(play: Play, *models: str) -> None:
    play.dbt.variables, play.dbt.audits = {"reconcile": True}, True
    try:
        play.dbt.build(*models)
    finally:
        play.dbt.variables, play.dbt.audits = {}, False


def test_reconciling_correct_tables_passes_and_writes_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    merges: list[str] = []
    monkeypatch.setattr(MemoryLake, "merge", lambda _, sql: merges.append(sql))
    before = {name: len(table.snapshots) for name, table in play.lake.iceberg.items()}
    consumed = play.lake.rows("ops.consumed")
    reconcile(play)
    assert merges == [], "the audit found no row, so there is nothing to merge"
    assert {name: len(table.snapshots) for name, table in play.lake.iceberg.items()} == before
    assert play.lake.rows("ops.consumed") == consumed


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (
            VOLUME,
            "UPDATE THIS SET review_count = review_count + 1"
            " WHERE volume_rank = 1 AND review_month = (SELECT min(review_month) FROM THIS)",
        ),
        (VOLUME, "DELETE FROM THIS WHERE volume_rank = 1"),
    ],
)
def test_a_reconciliation_finds_changed_rows_and_a_rebuild_repairs_them(
    play: Play, table: str, change: str
) -> None:
    right = play.lake.rows(table)
    spoil(play, table, change)
    model = table.split(".")[1]
    spoiled = play.lake.rows(table)
    assert spoiled != right
    play.dbt.build()
    assert play.lake.rows(table) == spoiled, "an ordinary build has no reason to look there"
    with pytest.raises(
        BuildFailedError, match=r"is not what a full recompute gives: \d+ rows differ, such as"
    ):
        reconcile(play, model)
    assert play.lake.rows(table) == spoiled
    rebuild(play)
    assert differs(play) == []


def test_a_reconciliation_finds_a_duplicate_key(play: Play) -> None:
    """Each of the two rows equals what a recompute gives."""
    spoil(play, VOLUME, "INSERT INTO THIS FROM THIS WHERE volume_rank = 1")
    twice = r"break its contract: \d+ rows? where the key review_year, review_month, state is a duplicate"
    with pytest.raises(BuildFailedError, match=twice):
        reconcile(play, "state_by_review_volume")
    spoil(play, VOLUME, "DELETE FROM THIS WHERE volume_rank = 1")
    rebuild(play)
    assert differs(play) == [], "the deleted rows come back, as the message says"


def test_a_reconciliation_finds_rows_older_than_a_rule(play: Play, project: Project) -> None:
    stated = project.columns["state_by_review_volume"]
    rule = {"type": "check", "name": "many", "expression": "review_count > 1000000"}
    columns = stated | {"constraints": [*stated["constraints"], rule]}
    play.dbt.project = replace(project, columns={**project.columns, "state_by_review_volume": columns})
    try:
        with pytest.raises(
            BuildFailedError, match=r"break its contract: \d+ rows? where many does not hold .*, such as"
        ):
            reconcile(play, "state_by_review_volume")
    finally:
        play.dbt.project = project
    assert differs(play) == []


@contextmanager
def without_bronze(play: Play) -> Iterator[None]:
    """Remove the bronze rows, as when all partitions have been retired."""
    lake, partitions = play.lake, play.lake.partitions
    lake.partitions = {}
    for table in KEYS:
        label = lake.plain["bronze", table].source
        lake.connection.execute(f"CREATE TABLE kept_{table} AS FROM {label}; DELETE FROM {label}")
    yield
    lake.partitions = partitions
    for table in KEYS:
        label = lake.plain["bronze", table].source
        lake.connection.execute(f"INSERT INTO {label} FROM kept_{table}; DROP TABLE kept_{table}")


def test_a_build_that_finds_nothing_new_writes_nothing(play: Play) -> None:
    before = {name: len(table.snapshots) for name, table in play.lake.iceberg.items()}
    consumed = play.lake.rows("ops.consumed")
    play.dbt.build()
    assert {name: len(table.snapshots) for name, table in play.lake.iceberg.items()} == before
    assert play.lake.rows("ops.consumed") == consumed


def test_builds_list_only_new_partitions(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a literal, which prunes partitions: after a year a table has a hundred thousand."""
    asked, query = [], MemoryLake.query

    def noted(lake: MemoryLake, sql: str) -> Any:
        asked.append(sql)
        return query(lake, sql)

    monkeypatch.setattr(MemoryLake, "query", noted)
    play.dbt.build()
    found = [sql for sql in asked if '"bronze"' in sql and "$partitions" in sql]
    newest = {table: max(batches) for (_, table), batches in play.lake.partitions.items() if table in KEYS}
    assert sorted(found) == sorted(
        f'select max(batch) from "bronze"."{table}$partitions" where batch > {newest[table]}'
        for table in KEYS
    )


def test_a_rebuild_works_from_state_when_bronze_has_been_retired(play: Play) -> None:
    spoil(play, VOLUME, MORE)
    spoil(play, "silver.review_flat", "UPDATE THIS SET state = 'XX' WHERE state = 'OH'")
    with without_bronze(play):
        rebuild(play)
        assert differs(play) == []


def test_a_rebuild_empties_old_tombstones_when_bronze_has_been_retired(play: Play) -> None:
    spoil(play, "silver.profiles_state", "UPDATE THIS SET profile_name = 'Xanthippe' WHERE _deleted")
    assert "Xanthippe" in {row["profile_name"] for row in play.lake.rows("silver.profiles_state")}
    with without_bronze(play):
        rebuild(play)
    kept = {row["profile_name"] for row in play.lake.rows("silver.profiles_state") if row["_deleted"]}
    assert kept == {None}
    assert differs(play) == []


def test_a_first_build_is_refused_when_batches_have_been_retired(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It would consume the batches that are left, up to the newest, and never look back."""
    made = Play(history(11, 2), project, tmp_path_factory.mktemp("lake"))
    for table in [table for table, batches in made.history.batches.items() for _ in batches]:
        made.publish(table)
    batches = made.lake.partitions["bronze", "review"]
    assert len(batches) > 2
    batches.remove(1)
    with pytest.raises(BuildFailedError, match=r"1 batches of .*review.* have been let go.*dm retention run"):
        made.dbt.build()
    assert ("silver", "reviews_state") not in made.lake.iceberg
    batches.add(1)
    made.dbt.build()
    assert differs(made) == []
    batches.remove(1)
    made.dbt.build()
    assert differs(made) == [], "a model that has consumed them no longer needs them"


def test_offsets_stay_when_the_newest_batches_have_been_retired(play: Play) -> None:
    spoil(play, VOLUME, MORE)
    batches = play.lake.partitions["bronze", "review"]
    newest, consumed = max(batches), play.lake.rows("ops.consumed")
    assert len(batches) > 2
    batches -= {newest, newest - 1}
    try:
        play.dbt.build()
    finally:
        batches |= {newest, newest - 1}
    assert play.lake.rows("ops.consumed") == consumed, "or retention would want the batches back"
    assert differs(play) == [VOLUME], "no month was looked at"
    rebuild(play)


def test_a_first_build_without_old_batches_runs_with_the_variable(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = Play(history(11, 2), project, tmp_path_factory.mktemp("lake"))
    for table in [table for table, batches in made.history.batches.items() for _ in batches]:
        made.publish(table)
    made.lake.partitions["bronze", "review"].remove(1)
    made.dbt.variables = {"without_old_batches": True}
    made.dbt.build("breweries_state", "beers_state", "profiles_state", "reviews_state")
    assert ("silver", "reviews_state") in made.lake.iceberg


def test_a_model_that_recomputes_fully_looks_at_all_months_each_time(play: Play, project: Project) -> None:
    spoil(play, VOLUME, MORE)
    gold = {**project.configs["gold"], "meta": {"recompute": "full"}}
    play.dbt.project = replace(project, configs={**project.configs, "gold": gold})
    try:
        play.dbt.build()
    finally:
        play.dbt.project = project
    assert differs(play) == []


def test_an_expired_consumed_snapshot_makes_all_months_affected(play: Play) -> None:
    spoil(play, VOLUME, MORE)
    flat = play.lake.iceberg[FLAT]
    flat.snapshots = [replace(flat.snapshots[-1], id=flat.snapshots[-1].id + 1)]
    play.dbt.build()
    assert differs(play) == []


def test_a_snapshot_written_by_maintenance_affects_no_month(play: Play) -> None:
    flat = play.lake.iceberg[FLAT]
    last = flat.snapshots[-1]
    play.lake.clock += 1
    flat.snapshots.append(Snapshot(last.id + 1, last.label, play.lake.clock))
    before = len(play.lake.iceberg["gold", "state_by_review_volume"].snapshots)
    spoil(play, VOLUME, MORE)
    play.dbt.build()
    assert differs(play) == [VOLUME], "no month was looked at"
    assert len(play.lake.iceberg["gold", "state_by_review_volume"].snapshots) == before
    rebuild(play)
    assert differs(play) == []


@pytest.mark.parametrize(("partitions", "wrong"), [(89, [VOLUME]), (90, [])])
def test_a_change_in_nearly_all_partitions_makes_all_months_affected(
    play: Play, partitions: int, wrong: list[str]
) -> None:
    year, month = min((row["review_year"], row["review_month"]) for row in play.lake.rows(VOLUME))
    spoil(play, VOLUME, f"{MORE} AND review_year = {year} AND review_month = {month}")
    others = [slot for slot in range(96) if slot != (year * 12 + month) % 96][:partitions]
    # Deleted rows of months from 2040 on, as if written by a later build.
    strangers = (
        "INSERT INTO THIS SELECT * EXCLUDE (slot)"
        " REPLACE (true AS _deleted, '~' AS _build, slot AS _slot, -slot - 1 AS review_id,"
        " (24479 + slot) // 12 * 100 + (24479 + slot) % 12 + 1 AS _month)"
        f" FROM (SELECT * FROM THIS LIMIT 1), unnest({others}) AS slots (slot)"
    )
    spoil(play, "silver.review_flat", strangers)
    flat = play.lake.iceberg[FLAT]
    last = flat.snapshots[-1]
    play.lake.clock += 1
    flat.snapshots.append(Snapshot(last.id + 1, last.label, play.lake.clock))
    play.dbt.build()
    assert differs(play) == wrong
    spoil(play, "silver.review_flat", "DELETE FROM THIS WHERE review_id < 0")
    rebuild(play)
    assert differs(play) == []


def test_a_recreated_table_makes_all_months_affected(play: Play) -> None:
    spoil(play, VOLUME, MORE)
    play.lake.iceberg[FLAT].identity = "another"
    play.dbt.build()
    assert differs(play) == []


def test_a_column_new_in_the_contract_is_filled_for_all_rows(play: Play) -> None:
    table = play.lake.iceberg["silver", "profiles_state"]
    table.columns = tuple(column for column in table.columns if column[0] != "state")
    spoil(play, "silver.profiles_state", "ALTER TABLE THIS DROP COLUMN state")
    play.dbt.build()
    assert differs(play) == []
