"""`dbt source freshness` checks bronze against the freshness that its contract promises."""

import json
from datetime import UTC, datetime, timedelta

import boto3
from bronze_lake import AWS, Lake, storage
from histories import brewery, record


def test_a_source_is_as_fresh_as_its_newest_change_or_extract(lake: Lake) -> None:
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    lake.publish("brewery", [record("insert", 1, **brewery(1)) | {"_committed_at": now - timedelta(hours=2)}])
    lake.publish("beer", [])
    glue = boto3.client("glue", endpoint_url=lake.endpoint, **AWS)
    place = glue.get_partition(
        DatabaseName="bronze", TableName="brewery", PartitionValues=["2024-05-01", "1"]
    )["Partition"]["StorageDescriptor"]["Location"]
    glue.create_partition(
        DatabaseName="bronze",
        TableName="brewery",
        PartitionInput={
            "Values": [f"{now:%Y-%m-%d}", "2"],
            "Parameters": {},
            "StorageDescriptor": storage("brewery", place),
        },
    )
    lake.dbt("source", "freshness", "--select", "source:bronze.brewery")
    [found] = json.loads((lake.folder / "target/sources.json").read_text())["results"]
    assert found["status"] == "pass"
    assert timedelta(hours=2) <= timedelta(seconds=found["max_loaded_at_time_ago_in_s"]) < timedelta(hours=3)
