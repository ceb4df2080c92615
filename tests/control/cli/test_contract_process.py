import subprocess
import sys
from pathlib import Path


def test_an_unreadable_path_exits_2_and_says_what_to_do(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "control.cli.main", "contract", "lint", "nowhere.yaml"]
    root = str(Path(__file__).parents[3])
    done = subprocess.run(call, cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: no such file or folder: nowhere.yaml\n  try: name contract files or folders of them\n"
    )
