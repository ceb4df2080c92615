import json
import os
import subprocess
import sys
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
    """A local cloud in a folder of its own, with a fake in the place of its Athena part."""

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

    def kill_all(self) -> None:
        record = Folder(self.folder).read()
        for part in record.parts if record else ():
            processes.kill(part.pid, part.started)


@pytest.fixture
def new_cloud(tmp_path: Path) -> Iterator[Callable[[str], Cloud]]:
    made: list[Cloud] = []

    def make(name: str) -> Cloud:
        made.append(Cloud(tmp_path / name))
        return made[-1]

    yield make
    for cloud in made:
        cloud.kill_all()


@pytest.fixture
def cloud(new_cloud: Callable[[str], Cloud]) -> Cloud:
    return new_cloud("cloud")


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def dm_local(cloud: Cloud) -> Callable[..., Outcome]:
    """Runs the command line on the folder of `cloud`."""

    def run(*arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", *arguments],
            env=os.environ | {"DM_LOCAL_DIR": str(cloud.folder), "DM_LOCAL_PORT": "0"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
