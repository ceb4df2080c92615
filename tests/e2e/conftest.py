import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import loaded_dbt
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "control" / "catalog"))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from lakehouse import ROOT, Lakehouse, Run, temporary


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    """An empty lakehouse that ends with the test."""
    with temporary(tmp_path) as house:
        yield replace(house, dbt=loaded_dbt.run)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Create a dbt project with the macros and profiles of this one, and no table yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("macros", "profiles", "dbt_project.yml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def run(lakehouse: Lakehouse, project: Path) -> Run:
    """Return a function that runs a command in the project: its stdout, plus stderr if it must fail."""

    def do(*command: str, expect: int = 0) -> str:
        done = lakehouse.execute(command, project, lakehouse.env | {"DM_CONTRACTS": "contracts"})
        assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout if expect == 0 else done.stdout + done.stderr

    return do
