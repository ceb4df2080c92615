"""Other interfaces of PyAthena: the cursor on the result file, and the SQLAlchemy dialect."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from pyathena import connect
from pyathena.s3fs.cursor import S3FSCursor
from sqlalchemy import Engine, Table, column, create_engine, func, inspect, literal, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import MetaData


def test_the_cursor_on_the_result_file_returns_what_the_api_does(endpoint):
    # PyAthena's Arrow cursor cannot be tested: its S3 client is pyarrow's own and gets no endpoint.
    cursor = connect(
        s3_staging_dir="s3://lake/staging/",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        cursor_class=S3FSCursor,
        poll_interval=0.01,
    ).cursor()
    cursor.execute(
        "select n, n / 2e0 as half, cast(n as decimal(9, 2)) as m, date '2024-01-31' as d, "
        "nullif('it''s \"n\"', '') as s, cast(null as varchar) as gone from unnest(sequence(1, 2)) as t(n)"
    )
    assert cursor.fetchall() == [
        (n, n / 2, Decimal(n).quantize(Decimal("0.01")), date(2024, 1, 31), 'it\'s "n"', None) for n in (1, 2)
    ]


@pytest.fixture(scope="module")
def engine(endpoint: str) -> Iterator[Engine]:
    url = (
        f"awsathena+rest://local:local@athena.us-east-1.amazonaws.com:443/d?s3_staging_dir={quote('s3://lake/s/')}"
        f"&endpoint_url={quote(endpoint)}&poll_interval=0.01"
    )
    made = create_engine(url)
    with made.connect() as connection:
        connection.execute(
            text(
                "create table drinks (id int, name string, price decimal(9,2)) location 's3://lake/drinks' "
                "tblproperties ('table_type' = 'ICEBERG')"
            )
        )
        connection.execute(text("insert into drinks values (1, 'ale', 2.50), (2, 'stout', 3.00)"))
    yield made
    made.dispose()


def test_sqlalchemy_reflects_a_table_and_queries_it(engine):
    assert "drinks" in inspect(engine).get_table_names()
    drinks = Table("drinks", MetaData(), autoload_with=engine)
    assert [one.name for one in drinks.columns] == ["id", "name", "price"]
    cheap = select(drinks.c.name, drinks.c.price).where(drinks.c.price < literal(2.75))
    with engine.connect() as connection:
        assert connection.execute(cheap).all() == [("ale", Decimal("2.50"))]
        assert connection.execute(select(func.sum(column("price"))).select_from(drinks)).scalar() == Decimal(
            "5.50"
        )
        bound = connection.execute(text("select name from drinks where id = :id"), {"id": 2})
        assert bound.scalar() == "stout"


def test_sqlalchemy_sees_athenas_errors(engine):
    with engine.connect() as connection, pytest.raises(OperationalError, match="TABLE_NOT_FOUND"):
        connection.execute(text("select * from absent"))
