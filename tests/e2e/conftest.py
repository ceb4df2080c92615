import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "control" / "catalog"))
sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from lakehouse import ROOT, Lakehouse, temporary


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    """An empty lakehouse that ends with the test."""
    with temporary(tmp_path) as house:
        yield house


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project with the macros and profiles of this one, and no table yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("macros", "profiles", "dbt_project.yml"):
        (folder / name).symlink_to(ROOT / name)
    return folder
