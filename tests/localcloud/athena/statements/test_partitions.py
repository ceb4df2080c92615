from collections.abc import Callable

import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer
from localcloud.athena.statements.partitions import folder_of

Run = Callable[[str], Answer]


@pytest.fixture
def table(run: Run, database: str) -> str:
    run("create external table t (a int) partitioned by (dt string, h int) location 's3://lake/{db}/t/'")
    return f"s3://lake/{database}/t"


def shown(run: Run) -> tuple[str, ...]:
    return run("show partitions t").lines or ()


def test_a_partition_has_its_default_folder_unless_told(
    run: Run, catalog: Catalog, database: str, table: str
):
    run(
        "alter table t add partition (h = 1, dt = 'a') partition (dt = 'b', h = 2) location 's3://lake/else/'"
    )
    found = {one.values: one for one in catalog.partitions(catalog.table(database, "t"))}
    assert found[("a", "1")].location == f"{table}/dt=a/h=1"
    assert found[("b", "2")].location == "s3://lake/else/"
    assert all("Parameters" in one.raw for one in found.values())
    assert shown(run) == ("dt=a/h=1", "dt=b/h=2")


def test_a_partition_is_not_added_twice(run: Run, table: str):
    run("alter table t add partition (dt = 'a', h = 1)")
    with pytest.raises(AthenaError, match="Partition already exists"):
        run("alter table t add partition (dt = 'c', h = 1) partition (dt = 'a', h = 1)")
    assert shown(run) == ("dt=a/h=1",)
    run("alter table t add if not exists partition (dt = 'c', h = 1) partition (dt = 'a', h = 1)")
    assert shown(run) == ("dt=a/h=1", "dt=c/h=1")


def test_a_partition_needs_a_value_for_each_key(run: Run, table: str):
    with pytest.raises(AthenaError, match="contains other keys than"):
        run("alter table t add partition (dt = 'a')")


def test_partitions_are_dropped_by_conditions_on_typed_values(run: Run, table: str):
    run("alter table t add partition (dt='a', h=9) partition (dt='a', h=10) partition (dt='b', h=9)")
    run("alter table t drop partition (h > 9)")
    assert shown(run) == ("dt=a/h=9", "dt=b/h=9")
    run("alter table t drop partition (dt = 'a', h = 9), partition (dt = 'b')")
    assert shown(run) == ()


def test_a_drop_that_matches_no_partition_needs_if_exists(run: Run, table: str):
    run("alter table t drop if exists partition (dt = 'a')")
    with pytest.raises(AthenaError, match=r"Error 10006.*Partition not found"):
        run("alter table t drop partition (dt = 'a')")


def test_more_partitions_than_one_call_of_glue_takes(run: Run, table: str):
    added = " ".join(f"partition (dt = 'a', h = {number})" for number in range(130))
    run(f"alter table t add {added}")
    assert len(shown(run)) == 130
    run("alter table t drop partition (h >= 10)")
    assert len(shown(run)) == 10


def test_a_partition_moves_and_is_renamed(run: Run, catalog: Catalog, database: str, table: str):
    run("alter table t add partition (dt = 'a', h = 1)")
    run("alter table t partition (dt = 'a', h = 1) set location 's3://lake/moved/'")
    run("alter table t partition (dt = 'a', h = 1) rename to partition (dt = 'z', h = 1)")
    (found,) = catalog.partitions(catalog.table(database, "t"))
    assert (found.values, found.location) == (("z", "1"), "s3://lake/moved")


def test_a_table_moves(run: Run, catalog: Catalog, database: str, table: str):
    run("alter table t set location 's3://lake/other/'")
    assert catalog.table(database, "t").location == "s3://lake/other"


def test_msck_adds_the_folders_missing_in_glue(run: Run, catalog: Catalog, database: str, table: str):
    for key in ("dt=a/h=1/f", "dt=a/h=1/g", "dt=b%3Ac/h=2/f", "dt=x/f", "other/h=1/f", "f"):
        catalog.s3.put_object(Bucket="lake", Key=f"{database}/t/{key}", Body=b"x")
    run("alter table t add partition (dt = 'a', h = 1)")
    answer = run("msck repair table t")
    assert answer.lines == (
        "Partitions not in metastore:\tt:dt=b%3Ac/h=2",
        "Repair: Added partition to metastore t:dt=b%3Ac/h=2",
    )
    found = {one.values: one.location for one in catalog.partitions(catalog.table(database, "t"))}
    assert found[("b:c", "2")] == f"{table}/dt=b%3Ac/h=2"
    assert run("msck repair table t").lines == ()


def test_msck_of_a_missing_table_or_one_that_is_not_hive(run: Run):
    assert run("msck repair table nowhere").lines == ("Tables not in metastore:\tnowhere",)
    run("create table i (a int) location 's3://lake/{db}/i' tblproperties ('table_type'='ICEBERG')")
    for sql in (
        "msck repair table i",
        "alter table i add partition (a = 1)",
        "alter table i drop partition (a = 1)",
    ):
        with pytest.raises(AthenaError, match=r"^Query type not supported by Athena Iceberg at this time$"):
            run(sql)


def test_a_table_without_partition_keys_has_no_partitions(run: Run):
    run("create external table u (a int) location 's3://lake/u'")
    for sql in ("show partitions u", "alter table u add partition (a = 1)"):
        with pytest.raises(AthenaError, match="Table u is not a partitioned table"):
            run(sql)


def test_folders_are_escaped_as_hive_does():
    values = ("2024-01-02 03:04:05", "a/b=c%", "é ü", "it's")
    assert (
        folder_of(("a", "b", "c", "d"), values) == "a=2024-01-02 03%3A04%3A05/b=a%2Fb%3Dc%25/c=é ü/d=it%27s"
    )
