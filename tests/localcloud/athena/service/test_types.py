import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.athena.errors import AthenaError
from localcloud.athena.types import Type, as_iceberg, parse, parse_hive


@pytest.mark.parametrize(
    ("text", "athena", "hive"),
    [
        ("int", "integer", "int"),
        ("bigint", "bigint", "bigint"),
        ("float", "real", "float"),
        ("double precision", "double", "double"),
        ("varchar", "varchar", "string"),
        ("varchar(2147483647)", "varchar", "string"),
        ("VARCHAR(10)", "varchar(10)", "varchar(10)"),
        ("char", "char(1)", "char(1)"),
        ("decimal", "decimal(38,0)", "decimal(38,0)"),
        ("decimal(10)", "decimal(10,0)", "decimal(10,0)"),
        ("decimal(10, 2)", "decimal(10,2)", "decimal(10,2)"),
        ("varbinary", "varbinary", "binary"),
        ("timestamp", "timestamp(3)", "timestamp"),
        ("timestamp(6) with time zone", "timestamp(6) with time zone", "timestamp"),
        ("time", "time(3)", "string"),
        ("interval day to second", "interval day to second", "string"),
        ("array(int)", "array(integer)", "array<int>"),
        ("map(varchar, array(double))", "map(varchar, array(double))", "map<string,array<double>>"),
        ('row(a int, "B c" varchar)', 'row(a integer, "B c" varchar)', "struct<a:int,B c:string>"),
        ("row(integer, varchar)", "row(integer, varchar)", "struct<col0:int,col1:string>"),
        ("row(date date, time time)", "row(date date, time time(3))", "struct<date:date,time:string>"),
    ],
)
def test_athena_type_names_are_parsed_and_written(text: str, athena: str, hive: str):
    found = parse(text)
    assert (found.athena, found.hive) == (athena, hive)


@pytest.mark.parametrize(
    ("text", "athena"),
    [
        ("string", "varchar"),
        ("binary", "varbinary"),
        ("decimal", "decimal(10,0)"),
        ("timestamp", "timestamp(3)"),
        ("struct<a:int,b:array<struct<c:string>>>", "row(a integer, b array(row(c varchar)))"),
        ("struct<unit price:double>", 'row("unit price" double)'),
        ("map<string,decimal(5,1)>", "map(varchar, decimal(5,1))"),
    ],
)
def test_hive_type_names_are_parsed(text: str, athena: str):
    assert parse_hive(text).athena == athena


@pytest.mark.parametrize(
    "text", ["", "foo", "array(", "array<int", "array(int, int)", "map(int)", "int int", "decimal(a)"]
)
def test_an_invalid_type_is_refused_by_name(text: str):
    with pytest.raises(AthenaError) as caught:
        parse(text)
    assert caught.value.code == "TYPE_NOT_FOUND"


@pytest.mark.parametrize(
    ("text", "label", "precision", "scale", "case_sensitive"),
    [
        ("varchar", "varchar", 2147483647, 0, True),
        ("varchar(5)", "varchar", 5, 0, True),
        ("decimal(10,2)", "decimal", 10, 2, False),
        ("real", "float", 17, 0, False),
        ("timestamp(6)", "timestamp", 3, 0, False),
        ("boolean", "boolean", 0, 0, False),
        ("varbinary", "varbinary", 1073741824, 0, False),
        ("array(varchar)", "array", 0, 0, False),
    ],
)
def test_the_column_metadata_that_a_client_gets(
    text: str, label: str, precision: int, scale: int, case_sensitive: bool
):
    found = parse(text)
    assert (found.label, found.precision, found.scale, found.case_sensitive) == (
        label,
        precision,
        scale,
        case_sensitive,
    )


def test_iceberg_timestamps_have_six_digits_at_any_depth():
    assert (
        as_iceberg(parse("row(a timestamp, b array(time(0)))")).athena
        == "row(a timestamp(6), b array(time(6)))"
    )


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
plain = st.sampled_from(
    [
        parse(text)
        for text in ("integer", "varchar", "varchar(3)", "decimal(9,4)", "date", "timestamp(6)", "boolean")
    ]
)
any_type = st.recursive(
    plain,
    lambda inner: st.one_of(
        inner.map(lambda part: Type("array", (), (("", part),))),
        st.tuples(plain, inner).map(lambda two: Type("map", (), tuple(("", part) for part in two))),
        st.lists(st.tuples(names, inner), min_size=1, max_size=3).map(
            lambda parts: Type("row", (), tuple(parts))
        ),
    ),
    max_leaves=6,
)


@given(any_type)
def test_every_type_round_trips_through_its_name(type_: Type):
    assert parse(type_.athena) == type_


@given(any_type)
def test_hive_type_names_are_stable(type_: Type):
    assert parse_hive(type_.hive).hive == type_.hive
