"""Types of Athena in the catalog's words."""

from typing import Any

import pytest

from control.catalog.columns import _typed


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bigint", {"dataType": "BIGINT"}),
        ("integer", {"dataType": "INT"}),
        ("timestamp(6)", {"dataType": "TIMESTAMP"}),
        ("decimal(6,4)", {"dataType": "DECIMAL", "precision": 6, "scale": 4}),
        ("varchar(20)", {"dataType": "VARCHAR", "dataLength": 20}),
        ("varchar", {"dataType": "VARCHAR", "dataLength": 1}),
        ("binary", {"dataType": "BINARY", "dataLength": 1}),
        ("array<bigint>", {"dataType": "ARRAY", "arrayDataType": "BIGINT"}),
        ("map<string,array<int>>", {"dataType": "MAP"}),
        ("hyperloglog", {"dataType": "UNKNOWN"}),
    ],
)
def test_a_type_has_what_the_server_wants_of_it(kind: str, expected: dict[str, Any]) -> None:
    assert _typed(kind) == {"dataTypeDisplay": kind, **expected}


@pytest.mark.parametrize(
    "kind", ["struct<a:int,b:array<struct<c:decimal(4,2),d:string>>>", "row(a integer, b array(varchar))"]
)
def test_a_struct_has_its_fields(kind: str) -> None:
    children = _typed(kind)["children"]
    assert [(c["name"], c["dataType"]) for c in children] == [("a", "INT"), ("b", "ARRAY")]
