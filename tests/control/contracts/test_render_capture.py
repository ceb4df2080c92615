"""The tables that AWS DMS captures are derived from the bronze contracts."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from control.contracts.lint import lint
from control.contracts.model import Contract
from control.contracts.render_capture import render
from control.contracts.sync import apply, plan
from control.errors import UsageError

TEMPLATE = """\
Resources:
  Task:
    Type: AWS::DMS::ReplicationTask
    Properties:
      # Rendered by `dm contract sync` from contracts/bronze: the tables.
      TableMappings: >-
        {"rules": [
        {"old": 1}]}
      MigrationType: cdc
"""


@pytest.fixture
def item(tree: Path) -> Contract:
    """A table whose raw files are DMS change records from PostgreSQL."""
    [found] = [one for one in lint([tree]).contracts if one.layer == "bronze"]
    return found


def captured(contracts: Sequence[Contract]) -> list[tuple[str, str]]:
    """Return schema and table of each rule, as CloudFormation would read the template."""
    properties = yaml.safe_load(render(contracts, TEMPLATE))["Resources"]["Task"]["Properties"]
    assert properties["MigrationType"] == "cdc"
    rules = json.loads(properties["TableMappings"])["rules"]
    assert [rule["rule-id"] for rule in rules] == [str(number) for number in range(1, len(rules) + 1)]
    places = [rule["object-locator"] for rule in rules]
    return [(place["schema-name"], place["table-name"]) for place in places]


def test_each_table_captured_by_dms_has_a_rule(item: Contract) -> None:
    assert captured([replace(item, table="b"), replace(item, table="a")]) == [
        ("public", "a"),
        ("public", "b"),
    ]


@pytest.mark.parametrize(
    "said", [{"records": "debezium"}, {"records": "plain"}, {"position": "timestamp"}, {"position": "binlog"}]
)
def test_a_table_from_elsewhere_has_no_rule(item: Contract, said: dict[str, str]) -> None:
    other = replace(item, table="other", properties={**item.properties, **said})
    assert captured([other, item]) == [("public", "item")]
    assert captured([replace(item, layer="silver")]) == []


def test_a_contract_may_state_another_schema(item: Contract) -> None:
    there = replace(item, properties={**item.properties, "sourceSchema": "stock"})
    assert captured([there]) == [("stock", "item")]


def test_a_second_rendering_changes_nothing(item: Contract) -> None:
    for contracts in ([], [item], [item, replace(item, table="z")]):
        once = render(contracts, TEMPLATE)
        assert render(contracts, once) == once


@pytest.mark.parametrize(
    "text",
    [
        TEMPLATE.replace("TableMappings: >-", "TableMappings: |"),
        TEMPLATE.replace("      TableMappings", "\n      TableMappings"),
        TEMPLATE + TEMPLATE.removeprefix("Resources:\n"),
    ],
)
def test_a_template_without_valid_markers_is_refused(item: Contract, text: str) -> None:
    with pytest.raises(UsageError, match="the mark"):
        render([item], text)


def test_sync_renders_the_templates_next_to_the_contracts_and_finds_differences(tree: Path) -> None:
    template = Path("infra/templates/source.yaml")
    template.parent.mkdir(parents=True)
    template.write_text(TEMPLATE)
    template.with_name("other.yaml").write_bytes(b"Resources: {}\n# \xff\n")

    def differing() -> list[str]:
        changes = plan(lint([tree]).contracts, contracts_dir=tree, models_dir=Path("models"))
        apply(changes)
        return [change.file for change in changes if change.file.startswith("infra")]

    assert differing() == [template.as_posix()]
    assert '"table-name": "item"' in template.read_text()
    assert differing() == []
    template.write_text(template.read_text().replace('"table-name": "item"', '"table-name": "items"'))
    assert differing() == [template.as_posix()]
