import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from local_account import Account, new_account

from localcloud import config as local_config
from localcloud import processes, supervisor


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[supervisor.Record]:
    folder = tmp_path_factory.mktemp("cloud")
    record = supervisor.up(local_config.Settings(folder=folder, port=0), lambda _: None).record
    yield record
    for part in record.parts:
        processes.kill(part.pid, part.started)


@pytest.fixture
def account(cloud: supervisor.Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    for name, value in {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}.items():
        monkeypatch.setenv(name, value)
    return new_account(cloud.endpoint, tmp_path)
