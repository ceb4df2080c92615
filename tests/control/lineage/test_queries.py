"""The lineage of hard queries is what a careful reader would write."""

from typing import Any

import pytest
from hard_queries import CASES, RELATIONS, TARGET, TRACED, named, split, traced

from control.lineage.origins import UntraceableError
from control.lineage.query import edges


@pytest.mark.parametrize("case", TRACED, ids=named)
def test_lineage_is_what_a_careful_reader_would_write(case: dict[str, Any]) -> None:
    found = traced(case["sql"])
    direct = {name: split(origins) for name, origins in case["columns"].items()}
    assert found["direct"] == {name: origins for name, origins in direct.items() if origins}
    rows, own = split(case.get("rows", "")), case.get("indirect", {})
    indirect = {name: rows | split(own.get(name, "")) for name in direct}
    assert found["indirect"] == {name: origins for name, origins in indirect.items() if origins}


@pytest.mark.parametrize("case", [case for case in CASES if "fails" in case], ids=named)
def test_an_untraceable_query_is_refused_with_the_reason(case: dict[str, Any]) -> None:
    with pytest.raises(UntraceableError, match=case["fails"]):
        traced(case["sql"])


def test_an_edge_has_the_expression_if_it_does_more_than_cast() -> None:
    sql = "with t as (select id, round(x / y) as r from s.a where y > 0) select cast(r as bigint) as r from t"
    found = edges(sql, TARGET, RELATIONS)
    texts = {(str(e.source), e.kind): e.expression for e in found}
    assert texts == {
        ("s.a.x", "direct"): "ROUND(a.x / a.y)",
        ("s.a.y", "direct"): "ROUND(a.x / a.y)",
        ("s.a.y", "indirect"): "where a.y > 0",
    }


def test_the_previous_content_of_the_table_is_no_source() -> None:
    sql = "select b.id, coalesce(b.z, h.z) as z from s.b left join s.held as h on b.id = h.id"
    assert traced(sql)["direct"] == {"id": {"s.b.id"}, "z": {"s.b.z"}}
