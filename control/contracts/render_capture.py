"""Render the list of tables that AWS DMS captures into the template of the change capture task."""

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
    """Return `template` with the mappings below its mark replaced by those of the contracts.

    Raises UsageError unless the mark stands once, directly before the lines of a `TableMappings: >-`.
    """
    rules = [_rule(number, one) for number, one in enumerate(captured(contracts), 1)]
    text, times = _BLOCK.subn(lambda block: _with_rules(block, rules), template)
    if times != 1:
        raise UsageError(
            f"the mark `{MARK}` stands {times} times before the lines of a `TableMappings: >-`",
            hint="write it once, directly before that; a template without the mark is left alone",
        )
    return text


def captured(contracts: Sequence[Contract]) -> list[Contract]:
    """Return the bronze tables whose raw files are DMS change records from a PostgreSQL, by name."""
    found = [
        one
        for one in contracts
        if one.layer == "bronze"
        and one.properties.get("position") == "lsn"
        and one.properties.get("records", "change") == "change"
    ]
    return sorted(found, key=lambda one: one.table)


def _rule(number: int, contract: Contract) -> list[str]:
    """Return a rule as two lines of JSON."""
    name, action = json.dumps(contract.table), '"rule-action": "include"'
    place = json.dumps({"schema-name": contract.source_schema, "table-name": contract.table})
    first = f'{{"rule-type": "selection", "rule-id": "{number}", "rule-name": {name}, {action},'
    return [first, f'"object-locator": {place}}}']


def _with_rules(block: re.Match[str], rules: Sequence[Sequence[str]]) -> str:
    listed = ",\n".join("\n".join(rule) for rule in rules)
    text = f'{{"rules": [\n{listed}]}}' if rules else '{"rules": []}'
    before = block[0].removesuffix(block["rules"])
    return before + "".join(f"{block['indent']}  {line}\n" for line in text.splitlines())
