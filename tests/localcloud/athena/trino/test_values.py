import base64
from typing import Any

import pytest

from localcloud.athena.engines.trino.values import table
from localcloud.athena.types import parse
from localcloud.athena.values import texts

BYTES = base64.b64encode(b"\n\xff").decode()

CASES: list[tuple[str, Any, str | None]] = [
    ("integer", 1, "1"),
    ("bigint", None, None),
    ("boolean", True, "true"),
    ("double", 10000000, "1.0E7"),
    ("double", "NaN", "NaN"),
    ("double", "-Infinity", "-Infinity"),
    ("real", 1.1, "1.1"),
    ("decimal(10,2)", "1.50", "1.50"),
    ("decimal(38,0)", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("varchar(3)", "a\nb", "a\nb"),
    ("varbinary", BYTES, "0a ff"),
    ("date", "2020-02-29", "2020-02-29"),
    ("timestamp(6)", "2020-02-29 01:02:03.000001", "2020-02-29 01:02:03.000001"),
    (
        "timestamp(3) with time zone",
        "2020-02-29 01:02:03.000 Europe/Berlin",
        "2020-02-29 01:02:03.000 Europe/Berlin",
    ),
    ("interval day to second", "1 00:00:00.000", "1 00:00:00.000"),
    ("unknown", None, None),
    ("json", '{"a":1}', '{"a":1}'),
    ("array(integer)", [1, None], "[1, null]"),
    ("map(varchar, double)", {"b": 1, "a": "NaN"}, "{a=NaN, b=1.0}"),
    ("map(integer, varchar)", {"10": "x", "9": "y"}, "{9=y, 10=x}"),
    ("row(a integer, b array(decimal(3,1)))", [1, ["2.5"]], "{a=1, b=[2.5]}"),
    ("row(a integer, a integer)", [1, 2], "{a=1, a=2}"),
    ("row(integer, varchar)", [1, None], "{1, null}"),
]


@pytest.mark.parametrize(("type_", "value", "text"), CASES, ids=lambda part: str(part)[:40])
def test_a_value_of_trino_has_athenas_text(type_: str, value: Any, text: str | None) -> None:
    parsed = parse(type_)
    found = table(["c"], [parsed], [[[value]], [[None]]])
    assert texts(found.column(0), parsed).to_pylist() == [text, None]


def test_columns_may_share_a_name_and_there_may_be_no_rows() -> None:
    types = [parse("integer"), parse("varchar")]
    assert table(["a", "a"], types, []).num_rows == 0
    assert table(["a", "a"], types, [[[1, "x"]]]).num_columns == 2
