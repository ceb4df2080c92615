import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud import processes, supervisor
from localcloud.config import Settings
from localcloud.instance import Folder

FAKE_ATHENA = (sys.executable, str(Path(__file__).with_name("fake_athena.py")))


@dataclass
class Cloud:
    """A local cloud in its own folder, with a fake Athena part."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def up(self, **settings: Any) -> supervisor.Started:
        defaults = {"folder": self.folder, "port": 0, "athena": FAKE_ATHENA}
        self.said.clear()
        return supervisor.up(Settings(**(defaults | settings)), self.said.append)

    def down(self) -> Any:
        return supervisor.down(self.folder, self.said.append)

    def pid(self, part: str) -> int:
        record = Folder(self.folder).read()
        found = record.part(part) if record else None
        assert found is not None
        return found.pid

    def client(self, service: str) -> Any:
        record = Folder(self.folder).read()
        assert record is not None
        return boto3.client(
            service,
            endpoint_url=record.endpoint,
            region_name=record.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def kill(self, part: str) -> None:
        """SIGKILL the part, and return once it counts as gone."""
        pid = self.pid(part)
        os.kill(pid, 9)
        while processes.started(pid):
            time.sleep(0.01)

    def kill_all(self) -> None:
        record = Folder(self.folder).read()
        for part in record.parts if record else ():
            processes.kill(part.pid, part.started)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Return a cloud that is not up yet."""
    cloud = Cloud(tmp_path / "cloud")
    yield cloud
    cloud.kill_all()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return a running cloud, shared by all tests that leave it up; started with settings of real AWS."""
    cloud = Cloud(tmp_path_factory.mktemp("running"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "production")
        patch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
        cloud.up()
    yield cloud
    cloud.kill_all()


@pytest.fixture(scope="session")
def saved_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a stopped cloud with one large object, `saved`, in the bucket `lake`."""
    cloud = Cloud(tmp_path_factory.mktemp("saved"))
    cloud.up()
    cloud.client("s3").put_object(Bucket="lake", Key="saved", Body=b"x" * 200_000)
    cloud.down()
    return cloud.folder


@pytest.fixture
def saved(saved_folder: Path, cloud: Cloud) -> Cloud:
    """Return the test's own stopped cloud with that state."""
    shutil.copytree(saved_folder, cloud.folder)
    return cloud


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def dm_local(tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs the command line, by default on a folder that does not exist yet."""

    def run(*arguments: str, **environment: str) -> Outcome:
        defaults = {"DM_LOCAL_DIR": str(tmp_path / "cloud"), "DM_LOCAL_PORT": "0"}
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", *arguments],
            env=os.environ | defaults | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
