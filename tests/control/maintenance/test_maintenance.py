"""What maintenance asks of Athena: versions that somebody looks back to, more runs, and the lease."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from control.errors import ConflictError, NotFoundError, UpstreamError, UsageError
from control.maintenance.lease import held
from control.maintenance.tables import DAY_SECONDS, chosen, kept, measured, put_in_order
from control.ports import TableEntry

ICEBERG = {"table_type": "ICEBERG"}
FLAT = TableEntry("ann_silver", "review_flat", "s3://lake/w/f", False, ICEBERG)
MODELS = ("review_flat", "top_drinkers")


class Glue:
    """A listing of some tables."""

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
    """Answers to statements by a word in them, each asked once or always; what else is asked has no rows."""

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


def test_tables_of_dbt_and_the_lease_are_kept_and_nothing_that_a_build_stages() -> None:
    names = [f"{entry.database}.{entry.name}" for entry in kept(Glue(), "ann_")]
    assert names == ["ann_silver.review_flat", "ann_gold.top_drinkers", "ann_ops.lease"]
    assert chosen(kept(Glue(), "ann_"), ("ann_silver.review_flat",)) == [FLAT]
    found = kept(Glue(), "ann_")
    with pytest.raises(NotFoundError, match="no Iceberg table"):
        chosen(found, ("ann_silver.reviews",))


@pytest.mark.parametrize(
    ("behind", "kept"),
    [("", 5 * DAY_SECONDS), ("60", 5 * DAY_SECONDS), (str(30 * DAY_SECONDS), 31 * DAY_SECONDS)],
)
def test_a_version_that_a_model_has_yet_to_compare_with_stays(behind: str, kept: int) -> None:
    athena = Athena(consumed=((behind,),), count_if=(("3", "1", "100", "7"),))
    [found] = measured([FLAT], MODELS, athena, "ann_", 5 * DAY_SECONDS)
    assert found.keep_seconds == kept
    assert (found.before.files, found.before.delete_files, found.before.versions) == (3, 1, 7)
    assert "input = 'ann_silver.review_flat' and model in ('review_flat', 'top_drinkers')" in athena.asked[0]
    put_in_order(FLAT, found, athena, lambda: None)
    [age] = athena.statements("ALTER")
    assert f"'vacuum_max_snapshot_age_seconds' = '{kept}'" in age


def test_what_athena_has_no_time_for_is_gone_on_with() -> None:
    more = UpstreamError("Athena: ICEBERG_VACUUM_MORE_RUNS_NEEDED: run it again")
    athena = Athena(VACUUM=[more, more, ()], consumed=(("",),), count_if=(("1", "0", "1", "1"),))
    renewed: list[int] = []
    [planned] = measured([FLAT], MODELS, athena, "ann_", DAY_SECONDS)
    put_in_order(FLAT, planned, athena, lambda: renewed.append(len(athena.asked)))
    assert len(athena.statements("VACUUM")) == 3
    assert len(renewed) == 5, "before each statement"


@pytest.mark.parametrize(
    ("message", "tries"), [("Athena: ICEBERG_VACUUM_MORE_RUNS_NEEDED", 10), ("Athena: out of luck", 1)]
)
def test_other_errors_and_no_end_are_errors(message: str, tries: int) -> None:
    athena = Athena(VACUUM=UpstreamError(message), consumed=(("",),), count_if=(("1", "0", "1", "1"),))
    [planned] = measured([FLAT], MODELS, athena, "ann_", DAY_SECONDS)
    with pytest.raises(UpstreamError, match=message):
        put_in_order(FLAT, planned, athena, lambda: None)
    assert len(athena.statements("VACUUM")) == tries


def test_the_lease_is_given_back_also_after_an_error() -> None:
    athena = Athena(**{"select holder": (("it's me", "ann", "0"),)})
    with pytest.raises(ZeroDivisionError), held(athena, "ann_", holder="it's me", who="ann"):
        raise ZeroDivisionError
    assert athena.asked[-1] == (
        "update \"ann_ops\".\"lease\" set holder = '', fenced = '' where holder = 'it''s me'"
    )


def test_nothing_is_done_while_a_build_is_at_work() -> None:
    athena = Athena(**{"select holder": (("b1", "bob", "7"),)})
    with (
        pytest.raises(
            ConflictError, match="build b1 of bob is at work on these tables, last heard 7 seconds"
        ),
        held(athena, "", holder="m1", who="ann"),
    ):
        raise AssertionError
    assert not any("holder = ''" in sql for sql in athena.statements("update")[1:]), "it is another's"


def test_whoever_lost_the_lease_stops_before_the_next_statement() -> None:
    silent = [(("40",),), (("400",),), ()]
    athena = Athena(**{"select holder": (("m1", "ann", "0"),), "renewed_at from": silent})
    with held(athena, "", holder="m1", who="ann") as renew:
        before = len(athena.statements("update"))
        renew()
        assert len(athena.statements("update")) == before, "it is not due yet"
        renew()
        assert len(athena.statements("update")) == before + 1
        with pytest.raises(ConflictError, match="given up for dead"):
            renew()


def test_before_the_first_build_there_is_nothing_to_maintain() -> None:
    athena = Athena(
        update=UpstreamError("Athena: TABLE_NOT_FOUND: line 1:8: Table 'ops.lease' does not exist")
    )
    with pytest.raises(UsageError, match="nothing was built yet"), held(athena, "", holder="m", who="ann"):
        raise AssertionError
