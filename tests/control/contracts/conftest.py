import shutil
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of valid contracts, as the only folder `contracts` in the working folder."""
    shutil.copytree(Path(__file__).parent / "tree", tmp_path / "contracts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DM_CONTRACTS", raising=False)
    return Path("contracts")
