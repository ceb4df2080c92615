"""The statements of maintenance: which versions are kept, repeated runs, and the lease."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from raising import raising

from control.errors import BusyError, ConflictError, NotFoundError, UpstreamError, UsageError
from control.maintenance.lease import free, hold
from control.maintenance.tables import DAY_SECONDS, Measure, Upkeep, iceberg_tables, maintain, measure, select
from control.ports import Execution, TableEntry

ICEBERG = {"table_type": "ICEBERG"}
FLAT = TableEntry("ann_silver", "review_flat", "s3://lake/w/f", False, ICEBERG)
MODELS = ("review_flat", "top_drinkers")


def nothing() -> None:
    """Do not renew a lease."""


def always() -> bool:
    return True


def upkeep(table: str, files: int = 1, delete_files: int = 0, size_bytes: int = 1) -> Upkeep:
    return Upkeep(table, Measure(files, delete_files, size_bytes, 3), DAY_SECONDS)


class Glue:
    """A catalog of some tables."""

    def tables(self, database: str) -> Iterator[TableEntry]:
        found = [
            FLAT,
            TableEntry("ann_silver", "reviews", "", True, {}),
            TableEntry("ann_gold", "top_drinkers", "s3://lake/w/t", False, ICEBERG),
            TableEntry("ann_ops", "lease", "s3://lake/w/l", False, ICEBERG),
            TableEntry("ann_ops", "consumed", "s3://lake/w/c", False, {}),
            TableEntry("ann_ops", "top_drinkers__dbt_tmp_1", "s3://lake/w/x", False, ICEBERG),
        ]
        yield from (entry for entry in found if entry.database == database)


class Athena:
    """Answers statements by a word in them; a list is used up one by one. Other statements return no rows."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, sql: str) -> Sequence[Sequence[str]]:
        self.asked.append(sql)
        for word, answer in self.answers.items():
            if word in sql:
                found = answer.pop(0) if isinstance(answer, list) and len(answer) > 1 else answer
                found = found[0] if isinstance(found, list) else found
                if isinstance(found, Exception):
                    raise found
                return found
        return []

    def statements(self, word: str) -> list[str]:
        return [sql for sql in self.asked if sql.startswith(word)]


def test_dbt_tables_and_the_lease_are_maintained_but_not_staged_tables() -> None:
    names = [f"{entry.database}.{entry.name}" for entry in iceberg_tables(Glue(), "ann_")]
    assert names == ["ann_silver.review_flat", "ann_gold.top_drinkers", "ann_ops.lease"]
    assert select(iceberg_tables(Glue(), "ann_"), ("ann_silver.review_flat",)) == [FLAT]
    found = iceberg_tables(Glue(), "ann_")
    with pytest.raises(NotFoundError, match="no Iceberg table"):
        select(found, ("ann_silver.reviews",))


@pytest.mark.parametrize(
    ("behind", "kept"),
    [("", 5 * DAY_SECONDS), ("60", 5 * DAY_SECONDS), (str(30 * DAY_SECONDS), 31 * DAY_SECONDS)],
)
def test_a_version_that_a_model_still_has_to_compare_with_is_kept(behind: str, kept: int) -> None:
    athena = Athena(consumed=((behind,),), count_if=(("3", "1", "100", "7"),))
    [found] = measure([FLAT], MODELS, athena, "ann_", 5 * DAY_SECONDS)
    assert found.keep_seconds == kept
    assert (found.before.files, found.before.delete_files, found.before.versions) == (3, 1, 7)
    assert "input = 'ann_silver.review_flat' and model in ('review_flat', 'top_drinkers')" in athena.asked[0]
    list(maintain([found], athena, nothing, always))
    [age] = athena.statements("ALTER")
    assert f"'vacuum_max_snapshot_age_seconds' = '{kept}'" in age


def test_a_vacuum_that_needs_more_runs_is_repeated() -> None:
    more = UpstreamError("Athena: ICEBERG_VACUUM_MORE_RUNS_NEEDED: run it again")
    athena = Athena(VACUUM=[more, more, ()], consumed=(("",),), count_if=(("1", "0", "1", "1"),))
    renewed: list[int] = []
    [planned] = measure([FLAT], MODELS, athena, "ann_", DAY_SECONDS)
    [done] = maintain([planned], athena, lambda: renewed.append(len(athena.asked)), always)
    assert done.after == Measure(1, 0, 1, 1)
    assert len(athena.statements("VACUUM")) == 3
    assert len(renewed) == 5, "renewed before each statement"


def test_another_error_is_raised_after_the_other_tables_are_done() -> None:
    broken = UpstreamError("Athena: out of luck")
    athena = Athena(**{"OPTIMIZE gold.a": broken, "count_if": (("1", "0", "1", "1"),)})
    run, seen = maintain([upkeep("gold.a", files=9), upkeep("gold.b")], athena, nothing, always), []
    with pytest.raises(UpstreamError, match="out of luck"):
        seen.extend(one.after is not None for one in run)
    assert seen == [False, True]
    assert athena.statements("VACUUM") == ["VACUUM gold.b"]


def test_a_run_that_lost_the_lease_touches_no_further_table() -> None:
    lost = raising(ConflictError("presumed dead"))
    athena = Athena()
    with pytest.raises(ConflictError, match="presumed dead"):
        list(maintain([upkeep("gold.a"), upkeep("gold.b")], athena, lost, always))
    assert athena.asked == []


def test_a_vacuum_that_never_ends_is_left_to_the_next_run_and_blocks_no_other_table() -> None:
    more = UpstreamError("Athena: ICEBERG_VACUUM_MORE_RUNS_NEEDED")
    athena = Athena(**{"VACUUM gold.a": more, "count_if": (("1", "0", "1", "1"),)})
    done = maintain([upkeep("gold.a", files=9), upkeep("gold.b")], athena, nothing, always)
    assert [(one.table, one.after is not None) for one in done] == [("gold.a", False), ("gold.b", True)]
    assert len(athena.statements("VACUUM gold.a")) == 10


def test_tables_with_the_most_superfluous_files_come_first() -> None:
    full = upkeep("gold.full", files=40, size_bytes=40 * 512 * 1024 * 1024)
    tables = [full, upkeep("gold.small", files=9), upkeep("gold.deleted", files=3, delete_files=8)]
    athena = Athena(count_if=(("1", "0", "1", "1"),))
    assert [one.table for one in maintain(tables, athena, nothing, always)] == [
        "gold.deleted",
        "gold.small",
        "gold.full",
    ]


@pytest.mark.parametrize("statements", range(7))
def test_no_statement_starts_after_the_deadline_and_unfinished_tables_are_reported(statements: int) -> None:
    athena = Athena(count_if=(("1", "0", "1", "1"),))

    def writes() -> list[str]:
        return [sql for sql in athena.asked if not sql.startswith("select")]

    tables = [upkeep("gold.a", files=9), upkeep("gold.b")]
    done = list(maintain(tables, athena, nothing, lambda: len(writes()) < statements))
    assert len(writes()) == statements
    assert [one.after is not None for one in done] == [statements >= 3, statements >= 6]
    assert [one.table for one in done] == ["gold.a", "gold.b"]


def test_the_lease_is_released_even_after_an_error() -> None:
    athena = Athena(**{"select holder": (("maintenance-it's me", "ann", "0"),)})
    with pytest.raises(ZeroDivisionError), hold(athena, "ann_", run="it's me", who="ann"):
        raise ZeroDivisionError
    assert athena.asked[-1] == (
        "update \"ann_ops\".\"lease\" set holder = '', fenced = '' where holder = 'maintenance-it''s me'"
    )


LOST = "ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: ops.lease"


def test_taking_the_lease_is_retried_after_a_commit_conflict() -> None:
    lost = UpstreamError(LOST)
    athena = Athena(taken_at=[lost, lost, []], select=[[["maintenance-m1", "ann", "0"]]])
    with hold(athena, "", run="m1", who="ann"):
        pass
    assert len([sql for sql in athena.statements("update") if "taken_at" in sql]) == 3
    refused = Athena(taken_at=UpstreamError(LOST))
    with pytest.raises(UpstreamError, match="COMMIT_ERROR"), hold(refused, "", run="m1", who="ann"):
        pass
    assert len(refused.asked) == 5


def test_maintenance_does_nothing_while_a_build_is_running() -> None:
    athena = Athena(**{"select holder": (("b1", "bob", "7"),)})
    with (
        pytest.raises(BusyError, match="build b1 of bob is at work on these tables, last heard 7 seconds"),
        hold(athena, "", run="m1", who="ann"),
    ):
        raise AssertionError
    assert not any("holder = ''" in sql for sql in athena.statements("update")[1:]), "another holds the lease"


def test_a_run_that_lost_the_lease_stops_before_the_next_statement() -> None:
    silent = [(("40",),), (("400",),), ()]
    athena = Athena(**{"select holder": (("maintenance-m1", "ann", "0"),), "renewed_at from": silent})
    with hold(athena, "", run="m1", who="ann") as renew:
        before = len(athena.statements("update"))
        renew()
        assert len(athena.statements("update")) == before, "it is not due yet"
        renew()
        assert len(athena.statements("update")) == before + 1
        with pytest.raises(ConflictError, match="presumed dead"):
            renew()


def test_before_the_first_build_there_is_nothing_to_maintain() -> None:
    athena = Athena(
        update=UpstreamError("Athena: TABLE_NOT_FOUND: line 1:8: Table 'ops.lease' does not exist")
    )
    with pytest.raises(UsageError, match="nothing was built yet"), hold(athena, "", run="m", who="ann"):
        raise AssertionError


def test_before_the_first_lease_there_is_nothing_to_maintain() -> None:
    with pytest.raises(UsageError, match="nothing was built yet"), hold(Athena(), "", run="m", who="ann"):
        raise AssertionError


class Watched:
    """A clock that records its waits among the statements, and the statements that a build has running."""

    def __init__(self, athena: Athena, *looks: Sequence[bool]) -> None:
        self.athena, self.looks = athena, list(looks)

    def now(self) -> datetime:
        raise AssertionError

    def sleep(self, seconds: float) -> None:
        self.athena.asked.append(f"wait {seconds:.0f}")

    def issued(self, build: str, since: datetime) -> list[Execution]:
        assert (build, since) == ("b1", datetime.fromtimestamp(1_000_000 - 300, UTC))
        at_work = self.looks.pop(0)
        return [Execution("merge …", "DML", since, 0, 0, False, not running) for running in at_work]


def test_the_lease_of_a_dead_build_is_freed_once_its_statements_have_ended() -> None:
    athena = Athena(**{"select holder": (("b1", "ann", "1000000"),)})
    clock = Watched(athena, [True, True, False], [True, True, False], [True, False], [False])
    assert list(free(athena, "", "b1", clock.issued, clock)) == [2, 1]
    asked = [sql.partition(" where ")[0].partition(", fenced")[0] for sql in athena.asked]
    lease = '"ops"."lease"'
    assert asked == [
        f"select holder, who, taken_at from {lease}",
        f"update {lease} set holder = 'freed-b1'",
        "wait 5",
        "wait 2",
        "wait 2",
        f"update {lease} set holder = ''",
    ]
    assert athena.asked[1].endswith("where holder = 'b1'")
    assert athena.asked[-1].endswith("where holder = 'freed-b1'")


def test_freeing_a_lease_can_be_repeated_after_an_interrupt() -> None:
    athena = Athena(**{"select holder": (("freed-b1", "ann", "1000000"),)})
    clock = Watched(athena, [False], [False])
    assert list(free(athena, "", "b1", clock.issued, clock)) == []
    assert athena.asked[-1].endswith("where holder = 'freed-b1'")


@pytest.mark.parametrize(
    ("rows", "build", "message"),
    [
        ((("b2", "ann", "1000000"),), "b1", "build b1 does not have the lease: b2 of ann has it"),
        ((("", "ann", "1000000"),), "b1", "nobody has it"),
        ((), "b1", "nobody has it"),
        ((("maintenance-m", "ann", "1000000"),), "maintenance-m", "maintenance-m of ann has it"),
        ((("b1", "ann", "1000000"),), "b1", "has no statement of build b1"),
    ],
)
def test_only_the_lease_of_the_named_dead_build_is_freed(
    rows: Sequence[Sequence[str]], build: str, message: str
) -> None:
    athena = Athena(**{"select holder": rows})
    clock = Watched(athena, [])
    with pytest.raises(UsageError, match=message):
        list(free(athena, "", build, clock.issued, clock))
    assert athena.statements("update") == []
