"""docs/raw-files.md matches the code: the same reasons and settings, and its examples are cases."""

import ast
import re
from pathlib import Path

import pytest
from conformance_cases import cases, filled

from bronze.contract import loads
from bronze.schema import TYPES
from control.contracts.rules_bronze import PROPERTIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "raw-files.md").read_text(encoding="utf-8")
CASES = {case.name: case for case in cases()}


def table(title):
    """Return the rows of the first table under a heading, each a list of cells."""
    section = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def raised():
    """Return the reasons that the code raises or writes, up to a colon, by class."""
    found = {"RefusedError": set(), "FileRefusedError": set()}
    for path in (ROOT / "bronze").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                kind = {"refuse": "RefusedError"}.get(name, name)
                texts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                found.get(kind, set()).update(
                    text.partition(":")[0] for text in texts if isinstance(text, str)
                )
    return {kind: reasons - {"", "Truncated"} for kind, reasons in found.items()}


def code(cell):
    return cell.strip("`").partition(":")[0]


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Reasons of refused records", "RefusedError"), ("Reasons of refused files", "FileRefusedError")],
)
def test_the_page_has_the_reasons_of_the_code(title, kind):
    on_page = [code(row[0]) for row in table(title)]
    assert len(on_page) == len(set(on_page))
    assert set(on_page) == raised()[kind]


@pytest.mark.parametrize("row", table("Reasons of refused records"), ids=lambda row: code(row[0]))
def test_an_example_of_a_refused_record_is_one_of_its_case(row):
    reason, _, example, link = row
    case = CASES[re.match(r"\[(.+?)\]\(\.\./tests/bronze/conformance/\1\.yaml\)", link)[1]]
    refused = {entry[1].decode(): entry[0] for entry in case.wanted["quarantine"].values()}
    assert code(refused[filled(example.strip("`"))]) == code(reason)
    assert (":" in reason) == (":" in refused[filled(example.strip("`"))])


@pytest.mark.parametrize("row", table("Reasons of refused files")[:-1], ids=lambda row: code(row[0]))
def test_a_refused_file_has_its_case(row):
    case = CASES[re.match(r"\[(.+?)\]\(\.\./tests/bronze/conformance/\1\.yaml\)", row[2])[1]]
    assert case.wanted["failure"] == code(row[0])


def test_the_page_has_the_settings_and_types_of_the_code():
    settings = [name for row in table("What a contract can set") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(settings) == sorted(PROPERTIES)
    types = {name for row in table("Values") for name in re.findall(r"`(.+?)`", row[0])}
    assert {name.partition("<")[0] for name in types} == {name.partition("<")[0] for name in TYPES}


def test_the_page_has_the_defaults_of_the_code():
    said = {row[0].strip("`"): row[2].strip("`") for row in table("What a contract can set")}
    rules = loads(CASES["csv/integer-plain"].contract, "thing.yaml")
    assert (int(said["maxLineBytes"]), int(said["maxInflatedBytes"]), int(said["maxInflationRatio"])) == (
        rules.limits.line_bytes, rules.limits.inflated_bytes, rules.limits.ratio,
    )  # fmt: skip
    names = ("records", "unknownKeys", "absent", "beforeImage", "delimiter", "quote")
    wanted = [rules.records, rules.unknown_keys, rules.absent, rules.before_image]
    assert [said[name] for name in names] == [*wanted, rules.csv.delimiter, rules.csv.quote]
