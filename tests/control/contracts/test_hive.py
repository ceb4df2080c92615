import pytest

from control.contracts import hive


@pytest.mark.parametrize(
    "text",
    [
        "bigint", "int", "double", "string", "date", "timestamp", "boolean", "decimal(38,38)", "varchar(10)",
        "array<string>", "map<string,decimal(6,4)>", "struct<a:bigint,b:array<struct<c:date>>>",
    ],
)  # fmt: skip
def test_athena_types_are_known(text: str) -> None:
    assert hive.problem(text) == ""


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "give physicalType"),
        ("INTEGER", "write int"),
        ("text", "write string"),
        ("BIGINT", "in lower case"),
        ("blob", "use one of"),
        ("decimal", "decimal(6,4)"),
        ("decimal(6, 4)", "without spaces"),
        ("decimal(39,0)", "at most 38"),
        ("decimal(4,6)", "at most the precision"),
        ("varchar", "varchar(20)"),
        ("bigint(20)", "takes no arguments"),
        ("array", "inner types"),
        ("array<text>", "write string"),
        ("array<int,int>", "1 inner type"),
        ("map<string>", "2 inner types"),
        ("struct<bigint>", "name:type"),
        ("struct<a:bigint", "inner types"),
    ],
)
def test_a_wrong_type_is_refused_with_what_to_write(text: str, advice: str) -> None:
    assert advice in hive.problem(text)
