"""Every column that the fast check accepts is valid under the standard."""

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from control.contracts import fast_check, odcs, source

SWEEP = int(os.environ.get("SWEEP", "1"))
BASE = Path(__file__).parent / "gate/base"
COLUMNS = [
    column
    for path in sorted(BASE.rglob("*.yaml"))
    for column in yaml.safe_load(path.read_text())["schema"][0]["properties"]
]
RICH: dict[str, Any] = {
    "id": "x-1", "tags": ["pii"], "classification": "public", "examples": [1, None, [2]], "unique": True,
    "transformSourceObjects": ["bronze.a.b"], "criticalDataElement": False, "partitionKeyPosition": 1,
    "relationships": [{"to": "orders.yaml#/schema/orders/properties/order_id", "type": "foreignKey"}],
    "customProperties": [{"property": "token", "value": True}],
    "quality": [
        {"type": "library", "metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [1]}},
        {"type": "custom", "engine": "dbt", "implementation": {"test": "x"}, "dimension": "accuracy"},
    ],
}  # fmt: skip
OPTIONS = [{}, {"minimum": 0}, {"minimum": "2020-01-01"}, {"maxLength": 3, "pattern": "a"}, {"multipleOf": 2}]
VALUES = [
    None, "", "x", "a b", 0, -1, 1.5, 1.0, True, [], {}, [None], ["x"], [{}], {"a": 1}, "string", "integer",
    "array", "object", "time", "library", "sql", "custom", "orders.order_id", "foreignKey", {"minimum": 0},
    "2020-01-01", b"x", [{"property": "a"}], [{"type": "library"}], [{"to": "x.y", "from": "a.b"}],
]  # fmt: skip
KEYS = [
    "from",
    "to",
    "type",
    "metric",
    "mustBeBetween",
    "mustNotBe",
    "query",
    "items",
    "properties",
    "foo",
    "id",
]


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    column: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(COLUMNS)))
    for key in draw(st.sets(st.sampled_from(sorted(RICH)), max_size=4)):
        column[key] = copy.deepcopy(RICH[key])
    if draw(st.booleans()):
        column["logicalType"] = draw(
            st.sampled_from(["string", "date", "timestamp", "integer", "number", "boolean", "array", "time"])
        )
        column["logicalTypeOptions"] = dict(draw(st.sampled_from(OPTIONS)))
    for _ in range(draw(st.integers(0, 2))):
        _damage(draw, column)
    return column


def _damage(draw: st.DrawFn, owner: Any) -> None:
    """Replace, add or remove something at any depth."""
    inner = [
        v for v in (owner.values() if isinstance(owner, dict) else owner) if isinstance(v, dict | list) and v
    ]
    if inner and draw(st.booleans()):
        _damage(draw, draw(st.sampled_from(inner)))
        return
    keys = list(owner) if isinstance(owner, dict) else list(range(len(owner)))
    key = draw(st.sampled_from([*keys, *KEYS] if isinstance(owner, dict) else keys))
    if draw(st.integers(0, 3)) == 0 and key in keys:
        del owner[key]
    else:
        owner[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))


def found(column: object) -> list[tuple[str, str]]:
    data = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
            "schema": [{"name": "a", "properties": [column]}]}  # fmt: skip
    return [(f.code, f.message) for f in odcs.findings(source.Document("", "", data, {}))]


@settings(max_examples=300 * SWEEP)
@given(columns())
def test_a_column_that_the_fast_check_accepts_is_valid(column: dict[str, Any]) -> None:
    quick = found(column)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_check, "allowed", lambda column: False)
        assert quick == found(column)


def test_the_fast_check_accepts_nearly_every_column_of_the_examples() -> None:
    assert len(COLUMNS) > 15
    assert sum(fast_check.allowed(column) for column in COLUMNS) > len(COLUMNS) * 0.8


@pytest.mark.parametrize(
    "change",
    [{"nmae": "x"}, {"required": "yes"}, {"logicalType": "text"}, {"tags": "pii"},
     {"logicalTypeOptions": {"pattern": "x"}}, {"quality": [{"type": "library", "metric": "rows"}]}],
)  # fmt: skip
def test_the_fast_check_does_not_accept_what_the_standard_refuses(change: dict[str, Any]) -> None:
    column = {"name": "a", "logicalType": "integer", **change}
    assert not fast_check.allowed(column)
    assert found(column) != []
