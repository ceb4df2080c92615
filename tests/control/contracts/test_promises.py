import re
from datetime import timedelta
from pathlib import Path

import pytest

from control.contracts import promises
from control.errors import ContractError


@pytest.mark.parametrize(("unit", "hours"), [("h", 24), ("d", 24 * 24), ("y", 24 * 8760)])
def test_freshness_is_in_hours_whatever_its_unit(tree: Path, unit: str, hours: float) -> None:
    path = tree / "bronze/item.yaml"
    path.write_text(path.read_text().replace("unit: h", f"unit: {unit}", 1))
    assert promises.of(tree / "bronze") == {"item": (hours, None)}


@pytest.mark.parametrize(("value", "unit"), [("99.5", "percent"), ("0.995", "ratio")])
def test_completeness_is_in_percent(tree: Path, value: str, unit: str) -> None:
    path = tree / "bronze/item.yaml"
    level = f"slaProperties:\n  - property: completeness\n    value: {value}\n    unit: {unit}\n"
    path.write_text(path.read_text().replace("slaProperties:\n", level, 1))
    assert promises.of(tree / "bronze") == {"item": (24, 99.5)}


def test_an_unreadable_contract_promises_nothing(tree: Path) -> None:
    (tree / "bronze/item.yaml").write_text("[")
    assert promises.of(tree / "bronze") == {}


def test_nonstandard_keys_elsewhere_do_not_void_the_promises(tree: Path) -> None:
    path = tree / "bronze/item.yaml"
    path.write_text(f"colour: red\n{path.read_text()}")
    assert promises.of(tree / "bronze") == {"item": (24, None)}


@pytest.mark.parametrize(
    ("value", "unit", "days"), [(48, "h", 2), (60, "d", 60), (2, "y", 730), (10**12, "y", 365_000)]
)
def test_retention_must_be_a_time_span_that_dates_can_be_shifted_by(
    tree: Path, value: int, unit: str, days: float
) -> None:
    path = tree / "bronze/item.yaml"
    text, count = re.subn(
        r"(- property: retention\n +value: ).*(\n +unit: ).*",
        rf"\g<1>{value}\g<2>{unit}",
        path.read_text(),
    )
    assert count == 1
    path.write_text(text)
    assert promises.kept(tree / "bronze") == {"item": timedelta(days=days)}


def test_an_unreadable_contract_releases_nothing(tree: Path) -> None:
    (tree / "bronze/item.yaml").write_text("[")
    with pytest.raises(ContractError):
        promises.kept(tree / "bronze")
