"""However a contract is damaged, the lint reports findings and never a traceback."""

import copy
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control.contracts import render_bronze, render_dbt
from control.contracts.lint import lint

# Ten times as many examples in `make sweep`.
SWEEP = int(os.environ.get("SWEEP", "1"))

TREE = Path(__file__).parent / "tree"
FILES = sorted(str(path.relative_to(TREE)) for path in TREE.rglob("*.yaml"))
VALUES = [
    None, [], {}, "x", "", 0, -1, 1.5, True, [None], {"a": 1}, [{}], ["x"], "items.item_id", [[]], "decimal(",
    "struct<a:", [{"property": "token", "value": True}], [{"metric": "duplicateValues"}],
    [{"metric": "invalidValues", "mustBe": 0}],
]  # fmt: skip


def places(data: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in (
        data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    ):
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def damages(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a file of the tree, and its text with one or two values replaced, removed or added."""
    file = draw(st.sampled_from(FILES))
    data = yaml.safe_load((TREE / file).read_text())
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(data))))
        owner = data
        for key in path[:-1]:
            owner = owner[key]
        kind = draw(st.sampled_from(["replace", "remove", "add"]))
        if kind == "remove":
            del owner[path[-1]]
        elif kind == "add" and isinstance(owner, dict):
            key = draw(st.sampled_from(["name", "quality", "type", "unique", "customProperties", "foo"]))
            owner[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        else:
            owner[path[-1]] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        if not list(places(data)):
            break
    return file, yaml.safe_dump(data, sort_keys=False)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(TREE, tmp_path_factory.mktemp("robust") / "contracts"))


@settings(max_examples=100 * SWEEP, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages())
def test_a_damaged_contract_has_findings_or_can_be_rendered(workplace: Path, damage: tuple[str, str]) -> None:
    file, text = damage
    path = workplace / file
    path.write_text(text)
    try:
        report = lint([workplace])
        if report.ok:
            render_dbt.render(report.contracts)
            render_bronze.render(report.contracts)
        assert all(f.message and f.line >= 1 and f.file for f in report.findings)
    finally:
        shutil.copy(TREE / file, path)
