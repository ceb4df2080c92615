"""Athena's types as OpenMetadata's."""

from dataclasses import replace
from typing import Any

import pytest
from made_catalog import NAMES, contracts

from control.catalog.columns import _typed, raw
from control.catalog.links import between_tables
from control.contracts.model import Column
from control.lineage.ask import Hop, graph

CONTRACTED = Column("", "string", "string", "Where to write to.", required=False)


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
def test_a_type_has_the_fields_that_the_server_requires(kind: str, expected: dict[str, Any]) -> None:
    assert _typed(kind) == {"dataTypeDisplay": kind, **expected}


@pytest.mark.parametrize(
    "kind", ["struct<a:int,b:array<struct<c:decimal(4,2),d:string>>>", "row(a integer, b array(varchar))"]
)
def test_a_struct_has_its_fields(kind: str) -> None:
    children = _typed(kind)["children"]
    assert [(c["name"], c["dataType"]) for c in children] == [("a", "INT"), ("b", "ARRAY")]


def test_a_raw_field_has_its_raw_name_and_the_description_of_the_contract() -> None:
    mail = replace(CONTRACTED, name="mail", raw_name="E.Mail", classification="personal")
    beer = next(c for c in contracts() if (c.layer, c.table) == ("bronze", "beer"))
    fields = ["E.Mail", "metadata.operation", "before-image.E.Mail"]
    field, before, metadata = raw(fields, replace(beer, columns=(mail,)))
    assert (field["name"], field["description"]) == ("E.Mail", "Where to write to.")
    assert [tag["tagFQN"] for tag in field["tags"]] == ["PII.Sensitive"]
    assert [c["name"] for c in before["children"]] == ["E.Mail"]
    assert [c["name"] for c in metadata["children"]] == ["operation"]


def test_an_edge_quotes_a_raw_field_with_a_dot_in_its_name() -> None:
    lineage = graph(
        [
            Hop("raw.beer.E.Mail", "bronze.beer.mail", "direct", '"E.Mail"'),
            Hop("raw.beer.before-image.E.Mail", "bronze.beer._key_before", "direct", "x"),
        ]
    )
    container = NAMES.container("beer")
    known = {f"container:{container}", f"table:{NAMES.table('bronze.beer')}"}
    [link] = between_tables(lineage, known, NAMES)
    assert [source for column in link.columns for source in column.sources] == [
        f'{container}.before-image."E.Mail"', f'{container}."E.Mail"',
    ]  # fmt: skip
