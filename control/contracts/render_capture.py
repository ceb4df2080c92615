"""The tables that AWS DMS captures, for the task of the template that makes change capture."""

import json
import re
from collections.abc import Sequence

from control.contracts.model import Contract
from control.errors import UsageError

MARK = "# Rendered by `dm contract sync` from contracts/bronze"
_BLOCK = re.compile(
    rf"^(?P<indent> *){re.escape(MARK)}.*\n(?P=indent)TableMappings: >-\n(?P<rules>(?:(?P=indent)  .*\n)*)",
    re.MULTILINE,
)


def render(contracts: Sequence[Contract], template: str) -> str:
    """The text of `template` with the mappings that follow from the contracts below its mark.

    Raises UsageError when what stands below the mark is nothing that could be replaced.
    """
    rules = [_rule(number, one) for number, one in enumerate(captured(contracts), 1)]
    text, times = _BLOCK.subn(lambda block: _with_rules(block, rules), template)
    if times != 1:
        raise UsageError(
            f"{times} times the mark `{MARK}` stands before the lines of a `TableMappings: >-`",
            hint="let it stand once, directly before it; a template without the mark is left alone",
        )
    return text


def captured(contracts: Sequence[Contract]) -> list[Contract]:
    """The bronze tables whose raw files are change records of DMS from a PostgreSQL, by name."""
    found = [
        one
        for one in contracts
        if one.layer == "bronze"
        and one.properties.get("position") == "lsn"
        and one.properties.get("records", "change") == "change"
    ]
    return sorted(found, key=lambda one: one.table)


def _rule(number: int, contract: Contract) -> list[str]:
    """A rule as two lines of JSON."""
    name, action = json.dumps(contract.table), '"rule-action": "include"'
    place = json.dumps({"schema-name": contract.source_schema, "table-name": contract.table})
    first = f'{{"rule-type": "selection", "rule-id": "{number}", "rule-name": {name}, {action},'
    return [first, f'"object-locator": {place}}}']


def _with_rules(block: re.Match[str], rules: Sequence[Sequence[str]]) -> str:
    listed = ",\n".join("\n".join(rule) for rule in rules)
    text = f'{{"rules": [\n{listed}]}}' if rules else '{"rules": []}'
    before = block[0].removesuffix(block["rules"])
    return before + "".join(f"{block['indent']}  {line}\n" for line in text.splitlines())
