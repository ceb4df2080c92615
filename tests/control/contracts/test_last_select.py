"""The columns that a model's last select names, compared with the contracts of this repository's models."""

from pathlib import Path

import pytest

from control.contracts import last_select, load
from control.contracts.model import Contract
from control.errors import DataError

ROOT = Path(__file__).parents[3]
STATED = [c for c in load.folder(ROOT / "contracts") if c.layer != "bronze" and "bronze" not in c.properties]


@pytest.mark.parametrize("contract", STATED, ids=lambda contract: contract.table)
def test_the_last_select_of_every_model_has_the_columns_of_its_contract(contract: Contract) -> None:
    sql = (ROOT / f"models/{contract.layer}/{contract.table}.sql").read_text()
    assert last_select.columns(sql, contract.table) == [(c.name, c.type) for c in contract.columns]


@pytest.mark.parametrize(
    ("written", "stated"),
    [
        ("varchar", "string"), ("INTEGER", "int"), ("timestamp(6)", "timestamp"), ("varbinary", "binary"),
        ("decimal(12, 2)", "decimal(12,2)"), ("array(real)", "array<float>"),
        ("map(varchar, array(bigint))", "map<string,array<bigint>>"),
        ('row("from" varchar, to row(at timestamp(6)))', "struct<from:string,to:struct<at:timestamp>>"),
    ],
)  # fmt: skip
def test_types_in_queries_are_converted_to_those_of_contracts(written: str, stated: str) -> None:
    sql = f"select\n    cast(x as {written}) as x\nfrom t\n"
    assert last_select.columns(sql, "m") == [("x", stated)]


@pytest.mark.parametrize(
    "item",
    [
        "cast({{ month_slot('a, b from c') }} as integer) as a",
        "cast(case when b = 'it''s, from' then 1 end as integer) as a",
        "cast(extract(year from b) as integer) as a",
        "cast(length(replace(b, '--', '/*')) as integer) as a  -- it's a dash, from here",
        "cast(b /* cast(c as date) as c, from */ as integer) as a {# it's #}",
        "cast(max_by(b, c) filter (where c > 0) as integer) as a -- and, a word from me",
        "cast(\n        b\n        + c as integer\n    ) as a",
        "CAST(b AS INTEGER) AS a",
    ],
)
def test_commas_and_from_inside_an_item_do_not_end_it(item: str) -> None:
    sql = f"with t as (\n    select 1\n)\n\nselect\n    {item}\n    , cast(d as date) as d\nfrom t\n"
    assert last_select.columns(sql, "m") == [("a", "int"), ("d", "date")]


@pytest.mark.parametrize(
    "item", ["b", "{{ ts6('b') }} as a", "cast(b as integer)", "cast(b as bytes) as a", "*"]
)
def test_an_item_without_name_or_type_is_refused_with_a_hint(item: str) -> None:
    with pytest.raises(DataError, match="states no name and type") as refused:
        last_select.columns(f"select\n    {item}\nfrom t\n", "m")
    assert "as name" in refused.value.hint
