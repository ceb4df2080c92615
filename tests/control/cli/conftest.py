"""A lake of two tables for tests of `dm`."""

import shutil
import sys
from pathlib import Path

import pytest

from control.adapters.s3 import S3Objects
from control.config import Settings

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def lake(cloud: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A cloud with two tables and a key for tokens."""
    for folder in ("bronze", "rendered/bronze"):
        (cloud.contracts / folder).mkdir(parents=True)
        for path in (ROOT / "contracts" / folder).iterdir():
            if path.stem in ("brewery", "profile"):
                shutil.copy(path, cloud.contracts / folder)
    monkeypatch.setenv("DM_TOKEN_KEY", "a key for tests, as long as one has to be")
    S3Objects(cloud).ensure_bucket(cloud.bucket)
    return cloud


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder without contracts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DM_CONTRACTS", raising=False)
