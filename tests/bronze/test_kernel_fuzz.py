"""No input crashes the kernel's process, and the kernel's law holds for every line.

`make sweep` feeds ten times as many inputs. SEED=n draws others.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from kernel_bugs import planted
from kernel_fuzz import ROOM

INPUTS = 6_000 * int(os.environ.get("SWEEP", "1"))
SEED = os.environ.get("SEED", "51")


def fuzzed(tmp_path: Path, inputs: int, kernel: Path | None = None) -> str:
    """Return what went wrong and for which input, or ""."""
    shown = tmp_path / "input"
    shown.write_bytes(bytes(ROOM))
    paths = [] if kernel is None else [str(kernel)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kernel_fuzz.py")), SEED, str(inputs), str(shown)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
        capture_output=True,
        text=True,
    )
    name, text = json.loads(shown.read_bytes().partition(b"\0")[0] or '["the start", ""]')
    if done.returncode == 0:
        assert name == "done"
        return ""
    why = f"the kernel ended the process (signal {-done.returncode})" if done.returncode < 0 else done.stderr
    return f"seed {SEED}, {name}: {text.encode('latin-1')!r}\n{why}"


def test_no_input_crashes_the_process_or_breaks_the_law(tmp_path: Path) -> None:
    assert fuzzed(tmp_path, INPUTS) == ""


def test_a_crash_is_reported_with_its_input(tmp_path: Path) -> None:
    found = fuzzed(tmp_path, 900, planted("bytes past the end are read", tmp_path / "kernel"))
    assert "the kernel ended the process (signal 6)" in found
    assert found.startswith("seed ")
    assert ": b'" in found
