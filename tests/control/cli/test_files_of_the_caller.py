"""A path that cannot be read or written is reported in one line, not as a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[3])


@pytest.mark.parametrize(
    "arguments",
    [
        ("docs", "build", "--offline", "--output", "file/site"),
        ("cost", "show", "--target", "file"),
        ("doctor", "--offline", "--target", "file"),
    ],
)
def test_a_file_in_place_of_a_folder_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "contracts").mkdir()
    call = [sys.executable, "-m", "control.cli.main", *arguments]
    done = subprocess.run(call, cwd=tmp_path, env={"PYTHONPATH": ROOT}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Not a directory\n  try: another path" in done.stderr
    assert done.stderr.startswith("error: ")
    assert "file" in done.stderr


def test_a_site_without_tables_is_not_written(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "control.cli.main", "docs", "build", "--offline"]
    done = subprocess.run(call, cwd=tmp_path, env={"PYTHONPATH": ROOT}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there are no contracts in contracts\n  try: dm contract new bronze")
    assert not (tmp_path / "site").exists()
