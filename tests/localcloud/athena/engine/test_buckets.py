"""The bucket transform of DuckDB's macros against pyiceberg's own."""

import random
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import DecimalType, IcebergType, LongType, StringType

from localcloud.athena.engines.database import open_database
from localcloud.athena.iceberg.files import _bucket_sql

BUCKETS = 97
SIZE = 300
EDGES = (0, 1, -1, 127, 128, 255, 256, -127, -128, -129, -256, 32767, 32768, -32768, -32769)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_database(tmp_path_factory.mktemp("spill")) as database:
        yield database


def _integers(bits: int) -> list[int]:
    chance = random.Random(7)
    widths = (chance.randint(1, bits) for _ in range(SIZE))
    return [*EDGES, *(chance.choice((1, -1)) * chance.getrandbits(width) for width in widths)]


def _texts() -> list[str]:
    chance = random.Random(7)
    return ["", *("".join(chance.choices("aé日𝄞 '\n", k=chance.randint(1, 40))) for _ in range(SIZE))]


@pytest.mark.parametrize(
    ("type_", "duck", "values"),
    [
        (LongType(), "BIGINT", _integers(63)),
        (DecimalType(38, 3), "DECIMAL(38,3)", [Decimal(one).scaleb(-3) for one in _integers(90)]),
        (DecimalType(9, 0), "DECIMAL(9,0)", [Decimal(one) for one in _integers(29)]),
        (StringType(), "VARCHAR", _texts()),
    ],
    ids=lambda part: str(part)[:15],
)
def test_values_fall_into_the_same_buckets(
    database: duckdb.DuckDBPyConnection, type_: IcebergType, duck: str, values: list[object]
) -> None:
    bucket = _bucket_sql("v", type_, BUCKETS)
    sql = f"SELECT {bucket} FROM (SELECT CAST(unnest(?::VARCHAR[]) AS {duck}) AS v)"
    ours = [row[0] for row in database.execute(sql, [[str(value) for value in values]]).fetchall()]
    theirs = BucketTransform(BUCKETS).transform(type_)
    assert ours == [theirs(value) for value in values]
