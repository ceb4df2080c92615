"""A hook of on-run-start that fails: dbt says why, and whoever had taken the lease gives it back."""

from bronze_lake import Lake
from histories import brewery, record

# Together with exposures, which `dbt build` has among its nodes.
BUILD = ("build", "--exclude-resource-type", "unit_test")


def test_a_hook_whose_statement_fails_says_why(lake: Lake) -> None:
    lake.client("s3").put_object(Bucket="lake", Key="warehouse/ops/lease/of-somebody", Body=b"x")
    output = lake.dbt(*BUILD, expect=1)
    assert "Cannot create a table on a non-empty location: s3://lake/warehouse/ops/lease" in output
    lake.client("s3").delete_object(Bucket="lake", Key="warehouse/ops/lease/of-somebody")


def test_a_build_that_has_taken_the_lease_and_fails_before_its_models_gives_it_back(lake: Lake) -> None:
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", "--select", "breweries_state")
    # What the hook asks for next to the lease is the files of this table.
    lake.client("s3").put_object(Bucket="lake", Key="warehouse/ops/consumed/broken", Body=b"no parquet")
    assert "broken" in lake.dbt(*BUILD, expect=2)
    assert lake.rows("select holder, fenced from ops.lease") == [{"holder": "", "fenced": ""}]
