"""The partition that DuckDB's SQL computes for a row, against pyiceberg's own transforms."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import duckdb
import pytest
from pyiceberg.partitioning import PartitionField
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
)

from localcloud.athena.engines.database import open_database
from localcloud.athena.iceberg.files import _partition_sql, _partition_value

CHANCE = random.Random(7)
EPOCH = datetime(1970, 1, 1)
DAYS = [0, 1, -1, 30, 31, -31, -366, 11_016, 20_454, *(CHANCE.randint(-40_000, 40_000) for _ in range(60))]
MOMENTS = [day * 86_400_000_000 + CHANCE.choice((0, 1, -1, 3_599_999_999, 86_399_999_999)) for day in DAYS]
WHOLE = [0, 1, -1, 9, 10, -10, -11, *(CHANCE.randint(-10_000, 10_000) for _ in range(40))]
TEXTS = ["", "a", "aé日𝄞/=%", " b", *("".join(CHANCE.choices("aé日𝄞 %", k=8)) for _ in range(20))]
BYTES = [b"", b"\0", b"\xff\0a", *(CHANCE.randbytes(5) for _ in range(20))]
DECIMALS = [Decimal(one).scaleb(-2) for one in WHOLE]

MADE = {
    DateType(): ("DATE", DAYS, lambda one: date(1970, 1, 1) + timedelta(one)),
    TimestampType(): ("TIMESTAMP", MOMENTS, lambda one: EPOCH + timedelta(microseconds=one)),
    TimestamptzType(): (
        "TIMESTAMPTZ",
        MOMENTS,
        lambda one: EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=one),
    ),
    IntegerType(): ("INTEGER", WHOLE, int),
    LongType(): ("BIGINT", WHOLE, int),
    StringType(): ("VARCHAR", TEXTS, str),
    BinaryType(): ("BLOB", BYTES, bytes),
    DecimalType(9, 2): ("DECIMAL(9,2)", DECIMALS, Decimal),
    BooleanType(): ("BOOLEAN", [True, False], bool),
    DoubleType(): ("DOUBLE", [0.5, -1e300, 3.0, 1e-7], float),
}
TIMES = (TimestampType(), TimestamptzType())
DAYS_AND_TIMES = (DateType(), *TIMES)
OF_TYPES: dict[Transform[Any, Any], tuple[IcebergType, ...]] = {
    YearTransform(): DAYS_AND_TIMES,
    MonthTransform(): DAYS_AND_TIMES,
    DayTransform(): DAYS_AND_TIMES,
    HourTransform(): TIMES,
    BucketTransform(7): (*DAYS_AND_TIMES, BinaryType(), IntegerType(), StringType()),
    TruncateTransform(10): (IntegerType(), LongType()),
    TruncateTransform(2): (StringType(),),
    IdentityTransform(): tuple(MADE),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_database(tmp_path_factory.mktemp("spill")) as database:
        yield database


@pytest.mark.parametrize(
    ("transform", "type_"), [(one, type_) for one, types in OF_TYPES.items() for type_ in types], ids=str
)
def test_a_row_is_in_the_partition_that_iceberg_gives_it(
    database: duckdb.DuckDBPyConnection, transform: Transform[Any, Any], type_: IcebergType
) -> None:
    duck, values, shown = MADE[type_]
    field = PartitionField(1, 1000, transform, "p")
    schema = Schema(NestedField(1, "v", type_))
    written = f"CAST({_partition_sql(field, schema)} AS VARCHAR)"
    sql = f"SELECT {written} FROM (SELECT unnest(CAST(? AS {duck}[])) AS v)"
    found = database.execute(sql, [[shown(value) for value in values]]).fetchall()
    theirs = transform.transform(type_)
    ours = [_partition_value(quote(folder, safe=""), field, schema) for (folder,) in found]
    assert ours == [theirs(value) for value in values]
