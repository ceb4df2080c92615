"""The target `local` never reaches a real account."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from bronze_lake import ROOT, clean_environment, dbt

NOT_HERE = "https://glue.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, 'not ""'),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1.example.org"}, 'not "http://127.0.0.1.example.org"'),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:4666", "AWS_ENDPOINT_URL_GLUE": NOT_HERE},
            f'not "{NOT_HERE}"',
        ),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:4666", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        ),
    ],
)
def test_without_an_address_on_this_machine_local_refuses_before_any_connection(
    tmp_path: Path, env: dict[str, str], named: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        through_proxy = {"HTTPS_PROXY": address, "HTTP_PROXY": address, "AWS_REGION": "eu-central-1"}
        done = dbt(tmp_path, "build", env=clean_environment() | through_proxy | env)
        assert done.returncode == 2
        assert named in done.stdout
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_other_targets_name_the_variable_that_is_missing(tmp_path: Path, target: str) -> None:
    done = dbt(tmp_path, "parse", "--target", target, env=clean_environment())
    assert done.returncode == 2
    assert "AWS_REGION" in done.stdout


def test_dbt_needs_no_options_in_the_project_folder(tmp_path: Path) -> None:
    env = clean_environment() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:4666", "HOME": str(tmp_path)}
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "ls", "--quiet"]
    paths = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)]
    done = subprocess.run(
        [*command, "--select", "beers", *paths], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lakehouse.silver.beers" in done.stdout
