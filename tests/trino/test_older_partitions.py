"""Hive tables whose older partitions have another type: what Trino reads, and DuckDB's cloud as well.

`control.column_types` allows in bronze what AWS documents and both read alike here, conditions included.
"""

import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clouds import Clouds
from lakehouse import Lakehouse
from pyathena.error import OperationalError

from bronze.schema import arrow_type
from control.adapters.glue import PARQUET
from control.column_types import is_wider

INT = ("int", "bigint", 7, 1 << 40)
FLOAT = ("float", "double", 0.5, 1e300)
DECIMAL = ("decimal(10,2)", "decimal(24,2)", Decimal("1.25"), Decimal("9999999999.25"))
Pair = tuple[str, str, object, object]


def written(house: Lakehouse, name: str, pair: Pair, *, kept: bool) -> None:
    """Create a table of the wider type, a partition of each; the older may have `kept` its type in Glue."""
    before, after, old, new = pair
    glue = house.glue()

    def storage(kind: str, place: str) -> dict[str, object]:
        columns = [{"Name": "v", "Type": kind}, {"Name": "_seq", "Type": "string"}]
        return {**PARQUET, "Columns": columns, "Location": f"s3://lake/older/{name}/{place}"}

    table = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"}}
    keys = {"PartitionKeys": [{"Name": "batch", "Type": "bigint"}], "StorageDescriptor": storage(after, "")}
    glue.create_table(DatabaseName="older", TableInput=table | keys)
    for batch, kind, value in (("1", before, old), ("2", after, new)):
        body = io.BytesIO()
        pq.write_table(pa.table({"v": pa.array([value], arrow_type(kind)), "_seq": ["a"]}), body)
        house.put(f"older/{name}/{batch}/f.parquet", body.getvalue())
        descriptor = storage(kind if kept else after, f"{batch}/")
        partition = {"Values": [batch], "Parameters": {}, "StorageDescriptor": descriptor}
        glue.create_partition(DatabaseName="older", TableName=name, PartitionInput=partition)


@pytest.fixture(scope="module")
def lakes(clouds: Clouds) -> Clouds:
    for house in clouds.both:
        house.glue().create_database(DatabaseInput={"Name": "older"})
    return clouds


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("pair", [INT, FLOAT, DECIMAL], ids=lambda pair: pair[0])
def test_old_and_new_files_are_read_together(lakes: Clouds, pair: Pair, kept: bool) -> None:
    name = f"read_{pair[1][:7].strip('(')}_{kept}".lower()
    for house in lakes.both:
        written(house, name, pair, kept=kept)
        found = house.query(f"select v from older.{name} order by batch")
        assert [row["v"] for row in found] == [*pair[2:]]


OLD, NEW = INT[2:]


@pytest.mark.parametrize("kept", [True, False])
def test_ints_are_read_with_conditions_too(lakes: Clouds, kept: bool) -> None:
    assert [is_wider(*pair[:2]) for pair in (INT, FLOAT, DECIMAL)] == [True, False, False]
    name = f"int_{kept}".lower()
    for house in lakes.both:
        written(house, name, INT, kept=kept)
        for condition, wanted in (
            ("v > 7", [NEW]),
            ("v = 7", [OLD]),
            ("v is not null", [OLD, NEW]),
            (f"v = (select max(v) from older.{name})", [NEW]),
        ):
            found = house.query(f"select v from older.{name} where {condition} order by batch")
            assert [row["v"] for row in found] == wanted, condition


@pytest.mark.parametrize("kept", [True, False])
def test_trino_fails_on_the_statistics_of_floats_that_became_doubles(lakes: Clouds, kept: bool) -> None:
    written(lakes.trino, f"float_{kept}".lower(), FLOAT, kept=kept)
    with pytest.raises(OperationalError, match="Corrupted statistics"):
        lakes.trino.query(f"select v from older.float_{kept} where v > 0")
