"""MERGE, UPDATE and DELETE: correct rows, only touched files rewritten, one snapshot, correct counts."""

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

# `make sweep` runs ten times as many examples.
SWEEP = int(os.environ.get("SWEEP", "1"))

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]
Files = Callable[[str], set[str]]

TABLE = (
    "create table t with (table_type='iceberg', is_external=false, location='LOCATION/t', "
    "partitioning=array['g']) as "
)


@pytest.fixture
def table(run: Run) -> None:
    """Create ten files: ids 0 to 99, `g` is the last digit."""
    run(TABLE + "select cast(x as bigint) id, x % 10 g, 'old' v from unnest(sequence(0, 99)) u(x)")


def test_a_merge_updates_deletes_and_inserts_in_one_snapshot(table: None, run: Run, rows: Rows) -> None:
    done = run("""
        merge into t as target using (
            select 11 id, 'new' v, false gone union all select 12, 'x', true union all select 500, 'in', false
        ) as src on target.id = src.id
        when matched and src.gone then delete
        when matched then update set v = src.v
        when not matched then insert (id, g, v) values (src.id, 0, src.v)
    """)
    assert done.count == 3
    assert rows("select * from t where v <> 'old' or id in (12, 500) order by id") == [
        (11, 1, "new"),
        (500, 0, "in"),
    ]
    assert rows("select count(*) from t") == [(100,)]
    assert rows('select count(*) from "t$snapshots"') == [(2,)]


def test_only_touched_files_are_rewritten(table: None, run: Run, files: Files) -> None:
    before = files("t")
    done = run(
        "merge into t using (values (11, 'new'), (21, 'new')) s(id, v) on t.id = s.id when matched "
        "then update set v = s.v"
    )
    after = files("t")
    assert done.count == 2
    assert len(before) == len(after) == 10
    assert len(before & after) == 9


def test_a_merge_reads_only_files_whose_keys_can_match(run: Run) -> None:
    run(
        TABLE.replace(", partitioning=array['g']", "")
        + "select cast(x as bigint) id, 0 g, 'old' v from unnest(sequence(0, 999)) u(x)"
    )
    run("insert into t select id + 100000, g, v from t")
    everything = run("select * from t").scanned_bytes
    done = run(
        "merge into t using (values (100005, 'n')) s(id, v) on t.id = s.id when matched then update "
        "set v = s.v"
    )
    assert done.count == 1
    assert 0 < done.scanned_bytes < everything * 0.7


def test_the_first_clause_that_holds_applies(table: None, run: Run, rows: Rows) -> None:
    run("""
        merge into t using (values 11, 12, 13) s(id) on t.id = s.id
        when matched and s.id = 11 then update set v = 'first'
        when matched and s.id < 13 then delete
        when matched then update set v = 'last', g = 9
    """)
    assert rows("select id, g, v from t where id between 11 and 13 order by id") == [
        (11, 1, "first"),
        (13, 9, "last"),
    ]


def test_a_row_that_matches_a_source_row_but_no_clause_stays(
    table: None, run: Run, rows: Rows, files: Files
) -> None:
    before = files("t")
    done = run(
        "merge into t using (values 11) s(id) on t.id = s.id when matched and s.id > 50 then delete "
        "when not matched then insert (id) values (s.id)"
    )
    assert done.count == 0
    assert files("t") == before
    assert rows('select count(*) from "t$snapshots"') == [(1,)]


def test_not_matched_clauses_have_conditions_too(table: None, run: Run, rows: Rows) -> None:
    done = run("""
        merge into t using (values (200, 'a'), (201, 'b'), (202, 'c')) s(id, v) on t.id = s.id
        when not matched and s.v = 'a' then insert (id, v) values (s.id, 'first')
        when not matched and s.v = 'b' then insert values (s.id, 7, s.v)
    """)
    assert done.count == 2
    assert rows("select * from t where id >= 200 order by id") == [(200, None, "first"), (201, 7, "b")]


@pytest.mark.parametrize(
    "clauses",
    [
        "when not matched then insert (id) values (s.id)",
        "when matched and s.v = 'neither' then delete",
        "when matched and s.v = 'a' then delete when matched then update set v = s.v",
    ],
    ids=["only inserts", "no clause takes them", "two clauses"],
)
def test_two_source_rows_for_one_target_row_are_refused_for_any_clauses(
    table: None, run: Run, clauses: str
) -> None:
    with pytest.raises(AthenaError, match="MERGE_TARGET_ROW_MULTIPLE_MATCHES"):
        run(f"merge into t using (values (1, 'a'), (1, 'b')) s(id, v) on t.id = s.id {clauses}")


def test_one_of_two_source_rows_may_match_no_clause(table: None, run: Run, rows: Rows) -> None:
    done = run(
        "merge into t using (values (1, 'a'), (1, 'b')) s(id, v) on t.id = s.id "
        "when matched and s.v = 'b' then update set v = s.v"
    )
    assert done.count == 1
    assert rows("select v from t where id = 1") == [("b",)]


def test_two_source_rows_for_one_target_row_are_refused(table: None, run: Run, files: Files) -> None:
    before = files("t")
    with pytest.raises(AthenaError, match="MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row"):
        run(
            "merge into t using (values (11, 'a'), (11, 'b')) s(id, v) on t.id = s.id when matched "
            "then update set v = s.v"
        )
    assert files("t") == before


def test_null_keys_never_match(run: Run, rows: Rows) -> None:
    run(TABLE + "select cast(null as bigint) id, 1 g, 'old' v")
    run(
        "merge into t using (select cast(null as bigint) id, 'new' v) s on t.id = s.id "
        "when matched then update set v = s.v when not matched then insert (id, g, v) values (s.id, 1, s.v)"
    )
    assert rows("select id, v from t order by v") == [(None, "new"), (None, "old")]


def test_values_may_name_both_sides_and_are_cast_to_the_column(table: None, run: Run, rows: Rows) -> None:
    run(
        "merge into t as old using (values (11, decimal '2.4')) s(id, n) on old.id = s.id "
        "when matched then update set g = old.g + cast(s.n as integer), v = old.v || '!' || "
        "cast(s.n as varchar)"
    )
    assert rows("select g, v from t where id = 11") == [(3, "old!2.4")]


def test_a_merge_into_an_empty_table_inserts(run: Run, rows: Rows) -> None:
    run(TABLE + "select cast(1 as bigint) id, 1 g, 'x' v where false")
    done = run(
        "merge into t using (values (1, 'a'), (2, 'b')) s(id, v) on t.id = s.id "
        "when matched then delete when not matched then insert (id, v) values (s.id, s.v)"
    )
    assert done.count == 2
    assert rows("select id, v from t order by id") == [(1, "a"), (2, "b")]


def test_an_update_changes_the_rows_its_condition_holds_for(
    table: None, run: Run, rows: Rows, files: Files
) -> None:
    before = files("t")
    assert (
        run("update t set v = 'even', g = g + 100 where id in (select x from (values 2, 4) s(x))").count == 2
    )
    assert rows("select id, g, v from t where v <> 'old' order by id") == [(2, 102, "even"), (4, 104, "even")]
    assert len(before & files("t")) == 8
    assert run("update t set v = 'all'").count == 100
    assert run("update t set v = 'none' where false").count == 0


def test_a_delete_removes_rows_and_whole_files(table: None, run: Run, rows: Rows, files: Files) -> None:
    before = files("t")
    assert run("delete from t where g = 3 or id = 4").count == 11
    assert rows("select count(*), count_if(g = 3) from t") == [(89, 0)]
    assert len(files("t")) == 9
    assert len(files("t") & before) == 8
    assert run("delete from t").count == 89
    assert rows("select count(*) from t") == [(0,)]


MERGE = "merge into t using (values 1) s(id) on t.id = s.id "


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("update t set nope = 1", "COLUMN_NOT_FOUND"),
        ("update t set g = 'x'", "TYPE_MISMATCH"),
        ("update t set g = 1 / (g - g)", "DIVISION_BY_ZERO"),
        ("delete from t where nope", "COLUMN_NOT_FOUND"),
        ("delete from nowhere", "TABLE_NOT_FOUND"),
        ("merge into t using nowhere s on t.id = s.id when matched then delete", "TABLE_NOT_FOUND"),
        (
            "merge into t using (values 1) s(id) on t.id = s.id "
            "when not matched then insert (id) values (s.id, 2)",
            "TYPE_MISMATCH",
        ),
        ("merge into t using (values 1) s(id) on t.id when matched then delete", "TYPE_MISMATCH"),
        (MERGE + "when not matched then insert (id, id) values (s.id, 2)", "DUPLICATE_COLUMN_NAME"),
        (MERGE + "when matched then update set v = 'a', v = 'b'", "DUPLICATE_COLUMN_NAME"),
        (MERGE + "when not matched then insert (id, nope) values (s.id, 2)", "COLUMN_NOT_FOUND"),
        (MERGE + "when matched then insert (id) values (1)", "SYNTAX_ERROR"),
        (MERGE + "when not matched then delete", "SYNTAX_ERROR"),
    ],
)  # fmt: skip
def test_a_change_that_does_not_fit_is_refused(
    statement: str, code: str, table: None, run: Run, files: Files
) -> None:
    before = files("t")
    with pytest.raises(AthenaError) as failure:
        run(statement)
    assert failure.value.code == code
    assert files("t") == before


def test_a_wrong_column_of_set_has_trinos_position(table: None, run: Run) -> None:
    with pytest.raises(AthenaError, match="line 1:14: The UPDATE SET target column nope doesn't exist"):
        run("update t set nope = 1")
    with pytest.raises(AthenaError, match=r"line 1:81: mismatched input '\.'. Expecting: '='"):
        run("merge into t using (select 1 id) s on t.id = s.id when matched then update set t.v = 'x'")


def test_all_type_mismatches_are_reported_together(table: None, run: Run) -> None:
    update = r"UPDATE table column types don't match SET expressions: Table: \[bigint, varchar\], Expr"
    with pytest.raises(AthenaError, match=update):
        run("update t set g = 'x', v = 'y'")
    merge = r"for MERGE case 1, SET expressions: Table: \[bigint\], Expressions: \[varchar\(1\)\]"
    with pytest.raises(AthenaError, match=merge):
        run(MERGE + "when matched then delete when not matched then insert (id) values ('x')")


KEYS = st.one_of(st.none(), st.integers(0, 12))
SOURCE = st.lists(
    st.tuples(KEYS, st.sampled_from("ab"), st.booleans()), max_size=12, unique_by=lambda row: row[0]
)


@given(batches=st.lists(SOURCE, min_size=1, max_size=3))
@settings(max_examples=8 * SWEEP, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merges_equal_a_dictionary(
    batches: list[list[tuple[int | None, str, bool]]], run: Run, rows: Rows, database: str, catalog: Any
) -> None:
    catalog.drop_table(database, "m")
    place = f"LOCATION/m{id(batches)}-{len(batches)}-{hash(str(batches))}"
    run(
        f"create table m with (table_type='iceberg', is_external=false, location='{place}', "
        f"partitioning=array['bucket(k, 3)']) as "
        "select cast(null as bigint) k, 'x' v, cast(0 as decimal(5,1)) n where false"
    )
    kept: dict[int, tuple[str, Decimal]] = {}
    nulls = 0
    for batch in batches:
        values = ", ".join(
            f"({'null' if k is None else k}, '{v}', {str(gone).lower()})" for k, v, gone in batch
        )
        source = (
            f"select cast(k as bigint) k, v, gone from (values {values}) s(k, v, gone)"
            if batch
            else "select cast(1 as bigint) k, 'a' v, true gone where false"
        )
        done = run(
            f"merge into m using ({source}) s on m.k = s.k when matched and s.gone then delete "
            "when matched then update set v = s.v, n = m.n + decimal '1.5' "
            "when not matched and not s.gone then insert (k, v, n) values (s.k, s.v, 0)"
        )
        changed = 0
        for k, v, gone in batch:
            if k is None:
                nulls += not gone
                changed += not gone
            elif k in kept and gone:
                del kept[k]
                changed += 1
            elif k in kept:
                kept[k] = (v, kept[k][1] + Decimal("1.5"))
                changed += 1
            elif not gone:
                kept[k] = (v, Decimal("0.0"))
                changed += 1
        assert done.count == changed
    found = rows("select k, v, n from m where k is not null order by k")
    assert found == [(k, v, n) for k, (v, n) in sorted(kept.items())]
    assert rows("select count(*) from m where k is null") == [(nulls,)]


@pytest.mark.parametrize("word", ["merge into t using (select 1 id) s on t.id = s.id when matched then", ""])
def test_set_columns_take_no_qualifier(word: str, table: None, run: Run) -> None:
    with pytest.raises(AthenaError, match=r"SYNTAX_ERROR: .*mismatched input"):
        run(f"{word} update set t.v = 'x'" if word else "update t set t.v = 'x'")
