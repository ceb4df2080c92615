"""Bad usage gets a clear error: what happened, to what, and what to try."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from control.cli.main import dm
from localcloud.cli import local as local_cloud

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command with none of the caller's settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DM_", "DBT_"))}
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("dm", "local", "up", "--dir", str(tmp_path / "cloud"), "--port", port)
    assert_refused(done, 2, port, "--port")


def test_an_unknown_table_is_refused_with_a_list_of_known_ones() -> None:
    assert_refused(run("dm", "ingest", "run", "--table", "wine"), 2, "wine", "review")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "gone.csv.gz")
    contract = "contracts/bronze/review.yaml"
    assert_refused(run("dm", "parse", missing, "--contract", contract, "--out", str(tmp_path)), 2, missing)


def test_a_broken_contract_file_is_named_with_its_line(tmp_path: Path) -> None:
    contract = tmp_path / "review.yaml"
    contract.write_text("apiVersion: v3.1.0\nkind: [DataContract\n")
    raw = tmp_path / "review.csv.gz"
    raw.touch()
    done = run("dm", "parse", str(raw), "--contract", str(contract), "--out", str(tmp_path / "out"))
    assert_refused(done, 2, str(contract), ":3")


@pytest.mark.parametrize(
    "command", [("ingest", "run"), ("files", "list"), ("status",), ("quarantine", "list"), ("sample", "land")]
)
def test_a_cloud_that_does_not_run_is_reported(command: tuple[str, ...]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "DM_TOKEN_KEY": "k"}
    assert_refused(run("dm", *command, AWS_ENDPOINT_URL=endpoint, **keys), 3, endpoint, "dm local up")


def test_env_without_a_cloud_says_how_to_start_one(tmp_path: Path) -> None:
    assert_refused(run("dm", "env", "--dir", str(tmp_path / "none")), 2, "dm local up")


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from leaves(child, f"{path} {name}")


def test_every_command_has_help_with_an_example() -> None:
    handed_over = ("dm local", "dm env")
    commands = [*leaves(dm, "dm"), *leaves(local_cloud, "dm local")]
    assert len(commands) > 12
    for path, command in commands:
        if path in handed_over:
            continue
        assert command.help, path
        assert "Example" in (command.epilog or ""), path
        assert path.removeprefix("dm ") in (command.epilog or ""), path


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    raw = tmp_path / "beer.csv"
    names = "beer_id,brewery_id,beer_name,beer_style,beer_abv"
    raw.write_text(
        names + "\n" + "".join(f"{n},1,{n * 7919 % 1_000_003},style {n},5\n" for n in range(200_000))
    )
    command = [str(Path(sys.executable).parent / "dm"), "parse", str(raw), "--contract"]
    command += ["contracts/bronze/beer.yaml", "--out", str(tmp_path / "out")]
    most = resource.RLIMIT_FSIZE
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(most, (100_000, 100_000)),
    )  # fmt: skip
    assert_refused(done, 2, "File too large", "free space on its disk")
