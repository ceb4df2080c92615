"""Partitions keep in the catalog the types that they were registered with."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.hive.coercions import is_read_as
from localcloud.athena.types import parse_hive

Rows = Callable[[str], list[tuple[Any, ...]]]
READ: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("coercions.yaml").read_text())
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@pytest.mark.parametrize("kind", READ)
def test_a_type_is_read_as_another_exactly_where_trino_does(kind: str) -> None:
    found = [other for other in READ if is_read_as(parse_hive(kind), parse_hive(other))]
    assert sorted(found) == sorted([kind, *READ[kind]])


def older(
    catalog: Catalog, database: str, kind: str, partitions: Sequence[tuple[str, pa.DataType, object]]
) -> None:
    """Create a table whose column `v` has that type, with one-row partitions of their own types."""

    def storage(type_: str, place: str) -> dict[str, Any]:
        columns = [{"Name": "v", "Type": type_}, {"Name": "more", "Type": "string"}]
        serde = {"SerializationLibrary": PARQUET}
        return {"Columns": columns, "Location": f"s3://lake/{database}/{place}", "SerdeInfo": serde}

    keys = [{"Name": "batch", "Type": "bigint"}]
    table = {"Name": "older", "TableType": "EXTERNAL_TABLE", "Parameters": {}, "PartitionKeys": keys}
    catalog.create_table(database, table | {"StorageDescriptor": storage(kind, "")})
    for batch, (declared, type_, value) in enumerate(partitions):
        body = io.BytesIO()
        pq.write_table(pa.table({"v": pa.array([value], type_)}), body)
        catalog.s3.put_object(Bucket="lake", Key=f"{database}/{batch}/f", Body=body.getvalue())
        given = {
            "Values": [str(batch)],
            "Parameters": {},
            "StorageDescriptor": storage(declared, f"{batch}/"),
        }
        catalog.glue.create_partition(DatabaseName=database, TableName="older", PartitionInput=given)


@pytest.mark.parametrize("count", [1, 40])
def test_ints_of_older_partitions_are_read_as_bigints(
    rows: Rows, catalog: Catalog, database: str, count: int
) -> None:
    narrow = [("int", pa.int32(), number) for number in range(count)]
    # The last but one was written before the table was changed, and registered afterwards.
    older(catalog, database, "bigint", [*narrow, ("bigint", pa.int32(), 7), ("bigint", pa.int64(), 1 << 40)])
    assert rows("select count(*), sum(v), max(v) from older") == [
        (count + 2, sum(range(count)) + 7 + (1 << 40), 1 << 40)
    ]
    assert rows("select typeof(v) from older where v > 2147483647") == [("bigint",)]
    assert rows(f"select v from older where v = 7 and batch = {count}") == [(7,)]


def test_values_that_do_not_convert_to_the_tables_type_fail_the_query(
    rows: Rows, catalog: Catalog, database: str
) -> None:
    older(catalog, database, "int", [("int", pa.int32(), 1), ("bigint", pa.int64(), 2)])
    with pytest.raises(AthenaError) as refused:
        rows("select v from older")
    assert refused.value.code == "HIVE_PARTITION_SCHEMA_MISMATCH"
    assert "is declared as type 'int', but partition 'batch=1' declared column 'v' as type 'bigint'" in str(
        refused.value
    )
    assert rows("select v from older where batch = 0") == [(1,)]
