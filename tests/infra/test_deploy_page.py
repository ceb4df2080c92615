"""docs/deploy.md agrees with the templates and the plan."""

import re

from rendered import ENVIRONMENTS, INFRA, templates

from control.deploy import order, parameters, prices

PAGE = (INFRA.parent / "docs" / "deploy.md").read_text()
VALUES = {name: parameters.of_environment(INFRA, name) for name in ENVIRONMENTS}


def _table(heading: str) -> list[list[str]]:
    """Return the cells of the first table whose header row begins with `heading`."""
    lines = PAGE[PAGE.index(heading) :].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def test_the_table_lists_exactly_the_differences_between_environments() -> None:
    stated = {row[0]: tuple(row[1:4]) for row in _table("| parameter | dev")}
    found = {
        key: tuple(VALUES[name][key] for name in ENVIRONMENTS)
        for key in VALUES["dev"]
        if len({VALUES[name][key] for name in ENVIRONMENTS}) > 1
    }
    assert stated == found
    assert all(row[4] for row in _table("| parameter | dev"))


def test_the_stacks_and_their_order_are_those_of_the_templates() -> None:
    stated = {row[0]: set(filter(None, re.split(r",\s*", row[2]))) for row in _table("| stack | what")}
    assert stated == {name: set(needed) for name, needed in order.needs(templates()).items()}


def test_the_costs_are_those_of_the_plan() -> None:
    table = prices.read(INFRA / "prices.yaml")
    whole = prices.estimate(templates().values(), VALUES["dev"], table)
    assert f"{prices.total(whole):.2f} dollars" in PAGE
    small = [one for one in whole if one.stack not in ("source", "network", "stream")]
    assert f"Without `source`, `network` and `stream`: {prices.total(small):.2f}." in PAGE
