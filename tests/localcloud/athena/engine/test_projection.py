"""Partition projection: a table's properties decide which objects it has, whatever partitions Glue has."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.athena.catalog import Catalog, Table
from localcloud.athena.errors import AthenaError
from localcloud.athena.hive.projection import projection
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]
JSON = "org.openx.data.jsonserde.JsonSerDe"
NOW = datetime(2024, 3, 15, 10, 30, 45)
DAYS = {"type": "date", "format": "yyyy-MM-dd", "range": "2024-01-01,2024-01-31"}


def properties(**keys: dict[str, str]) -> dict[str, str]:
    said = {f"projection.{key}.{what}": value for key, found in keys.items() for what, value in found.items()}
    return {"projection.enabled": "true", **said}


def table(parameters: dict[str, str], keys: dict[str, str] | None = None) -> Table:
    found = [{"Name": name, "Type": type_} for name, type_ in (keys or {"k": "string"}).items()]
    storage = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://lake/t"}
    return Table("db", "t", {"Parameters": parameters, "PartitionKeys": found, "StorageDescriptor": storage})


def values(parameters: dict[str, str], text: str) -> tuple[str, ...] | None:
    """Return the values of the partition that an object in the folder `k=text` is in."""
    found = projection(table(parameters), (), lambda: NOW)
    assert found is not None
    return found.values(f"s3://lake/t/k={text}/file")


@pytest.mark.parametrize(
    ("said", "ours", "others"),
    [
        ({"type": "ENUM ", "values": "A,B b,"}, ["A", "B b", ""], ["C", "B", "a"]),
        ({"type": "integer", "range": "-1, 3"}, ["-1", "0", "3"], ["4", "-2", "01", "x", "1.0", "+1"]),
        ({"type": "integer", "range": "1,9", "interval": "4"}, ["1", "5", "9"], ["2", "8"]),
        ({"type": "integer", "range": "0001,9999", "digits": "4"}, ["0001", "0250"], ["1", "00001", "0000"]),
        (DAYS, ["2024-01-01", "2024-01-31"], ["2023-12-31", "2024-02-01", "2024-1-02", "2024-01-32"]),
        (DAYS | {"interval": "7", "interval.unit": "DAYS"}, ["2024-01-08"], ["2024-01-09"]),
        (DAYS | {"interval": "1", "interval.unit": "weeks"}, ["2024-01-15"], ["2024-01-14"]),
        (
            {"type": "date", "format": "yyyyMM", "range": "NOW-3MONTHS,NOW"},
            ["202312", "202403"],
            ["202311", "202404"],
        ),
        (
            {
                "type": "date",
                "format": "yyyy",
                "range": "2020,NOW",
                "interval": "2",
                "interval.unit": "YEARS",
            },
            ["2020", "2024"],
            ["2021", "2026"],
        ),
        (
            {"type": "date", "format": "yyyy/MM/dd/HH", "range": "NOW - 1 DAY,NOW", "interval": "1"}
            | {"interval.unit": "HOURS"},
            ["2024/03/15/10", "2024/03/14/10"],
            ["2024/03/15/11", "2024/03/14/09", "2024-03-15-10"],
        ),
        (
            {"type": "date", "format": "d'.'M'.'yyyy", "range": "1.1.2024,NOW+1DAY"},
            ["1.1.2024", "16.3.2024"],
            ["01.1.2024", "17.3.2024"],
        ),
    ],
)
def test_a_value_is_in_the_projection_or_not(
    said: dict[str, str], ours: list[str], others: list[str]
) -> None:
    assert [values(properties(k=said), one) for one in ours] == [(one,) for one in ours]
    assert [values(properties(k=said), one) for one in others] == [None] * len(others)


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 7), st.integers(0, 3), st.integers(-120, 120))
def test_projected_integers_are_those_of_the_enumerated_range(
    first: int, more: int, interval: int, digits: int, number: int
) -> None:
    said = {"type": "integer", "range": f"{first},{first + more}", "interval": str(interval)}
    said |= {"digits": str(digits)} if digits else {}
    counted = {f"{one:0{digits}d}" for one in range(first, first + more + 1, interval)}
    for text in (str(number), f"{number:0{digits}d}"):
        assert (values(properties(k=said), text) is not None) == (text in counted)


def test_a_template_places_the_keys_and_may_repeat_one() -> None:
    parameters = properties(
        region={"type": "enum", "values": "eu,us"},
        day=DAYS | {"format": "yyyy/MM/dd", "range": "2024/01/01,NOW"},
    ) | {"storage.location.template": "s3://lake/logs-${region}/${day}/v1/${region}"}
    found = projection(table(parameters, {"region": "string", "day": "string"}), (), lambda: NOW)
    assert found is not None
    assert found.root == "s3://lake/"
    assert found.values("s3://lake/logs-eu/2024/02/29/v1/eu/deep/f") == ("eu", "2024/02/29")
    for other in (
        "logs-eu/2024/02/29/v1/us/f",
        "logs-eu/2024/02/29/v2/eu/f",
        "logs-asia/2024/02/29/v1/asia/f",
    ):
        assert found.values(f"s3://lake/{other}") is None


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"projection.enabled": "true"}, r"missing projection configuration: \[k\]"),
        (properties(k={"type": "list"}), "Unknown projection type for column k: list"),
        (properties(k={"type": "integer", "range": "1-5"}), "two values, with a comma"),
        (properties(k={"type": "integer", "range": "1,x"}), "must be integers"),
        (properties(k={"type": "integer", "range": "1,5", "interval": "0"}), "positive integer, and is 0"),
        (properties(k={"type": "date", "range": "1,5"}), r"projection.k.format is missing"),
        (properties(k=DAYS | {"range": "2024,NOW"}), "2024, which is not of its format"),
        (properties(k=DAYS | {"format": "yyyy", "range": "2024,2025"}), "how far apart"),
        (
            properties(k=DAYS) | {"storage.location.template": "s3://lake/${day}/"},
            "must have placeholders for k",
        ),
    ],
)
def test_invalid_projection_properties_are_refused(parameters: dict[str, str], problem: str) -> None:
    with pytest.raises(AthenaError, match=f"INVALID_TABLE_PROPERTY.*{problem}"):
        projection(table(parameters), (), lambda: NOW)


def test_unknown_letters_of_a_date_format_are_refused_by_name() -> None:
    with pytest.raises(AthenaError, match="NOT_SUPPORTED: EEE in the format of a projected date"):
        projection(table(properties(k=DAYS | {"format": "EEE"})), (), lambda: NOW)


def test_a_table_without_projection_has_none() -> None:
    for parameters in ({}, {"projection.enabled": "false"}):
        assert projection(table(parameters), (), lambda: NOW) is None


# --- on the engine -----------------------------------------------------------------------------------------


@pytest.fixture
def logs(catalog: Catalog, database: str) -> Callable[..., None]:
    """Return a function that creates the table `logs` over objects of one JSON line each."""

    def make(keys: dict[str, str], parameters: dict[str, str], *places: str) -> None:
        for at, place in enumerate(places):
            catalog.s3.put_object(Bucket="lake", Key=f"{database}/logs/{place}", Body=b'{"a": %d}' % at)
        catalog.create_table(
            database,
            {
                "Name": "logs",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters,
                "PartitionKeys": [{"Name": name, "Type": type_} for name, type_ in keys.items()],
                "StorageDescriptor": {
                    "Columns": [{"Name": "a", "Type": "int"}],
                    "Location": f"s3://lake/{database}/logs",
                    "SerdeInfo": {"SerializationLibrary": JSON, "Parameters": {}},
                },
            },
        )

    return make


def test_objects_are_found_without_any_partition_in_glue(
    logs: Callable[..., None], run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    parameters = properties(day=DAYS, n={"type": "integer", "range": "1,2"})
    places = ("day=2024-01-05/n=1/f", "day=2024-01-06/n=2/f", "day=2024-01-06/n=3/f", "day=2023-01-06/n=1/f")
    logs({"day": "date", "n": "int"}, parameters, *places, "day=2024-01-05/n=1/_SUCCESS", "stray")
    assert rows("select a, cast(day as varchar), n from logs order by a") == [
        (0, "2024-01-05", 1),
        (1, "2024-01-06", 2),
    ]
    assert rows("select a from logs where day > date '2024-01-05' and n = 2") == [(1,)]
    assert run("select a from logs where n = 1").scanned_bytes == len('{"a": 0}')
    assert list(catalog.partitions(catalog.table(database, "logs"))) == []


def test_partitions_in_glue_are_ignored_under_projection(
    logs: Callable[..., None], rows: Rows, catalog: Catalog, database: str
) -> None:
    logs({"k": "string"}, properties(k={"type": "enum", "values": "x"}), "k=x/f", "k=y/f")
    found = catalog.table(database, "logs")
    catalog.add_partitions(found, [(("y",), f"s3://lake/{database}/logs/k=y")])
    assert rows("select k from logs") == [("x",)]


def test_an_injected_key_needs_a_condition(logs: Callable[..., None], run: Run, rows: Rows) -> None:
    logs({"k": "string"}, properties(k={"type": "injected"}), "k=x/f", "k=y/f", "k=z/f")
    assert rows("select a from logs where k in ('x', 'z') order by a") == [(0,), (2,)]
    assert rows("select a from logs where k = 'none'") == []
    for condition in ("", " where k > 'a'", " where a = 1"):
        with pytest.raises(AthenaError, match="CONSTRAINT_VIOLATION: For the injected projected partition"):
            run(f"select a from logs{condition}")


def test_an_insert_with_a_location_template_is_refused(
    logs: Callable[..., None], run: Run, rows: Rows, database: str
) -> None:
    by_template = {"storage.location.template": f"s3://lake/{database}/logs/at/${{k}}"}
    parameters = properties(k={"type": "enum", "values": "x,y"}) | by_template
    logs({"k": "string"}, parameters, "at/x/f", "at/z/f")
    assert rows("select a, k from logs") == [(0, "x")]
    with pytest.raises(AthenaError, match="NOT_SUPPORTED: INSERT into a table with storage"):
        run("insert into logs values (5, 'y')")


def test_a_template_without_projection_is_ignored(
    logs: Callable[..., None], run: Run, rows: Rows, database: str
) -> None:
    logs({"k": "string"}, {"storage.location.template": f"s3://lake/{database}/elsewhere/${{k}}"})
    run("insert into logs values (5, 'y')")
    assert rows("select a, k from logs") == [(5, "y")]
    assert "/logs/k=y/" in rows('select "$path" from logs')[0][0]
