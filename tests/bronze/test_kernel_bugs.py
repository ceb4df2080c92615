"""The tests of the kernel can fail: each bug planted into its sources fails one of them.

`make sweep` plants all of them. The normal suite plants two, different ones each day;
`PLANTED="the sign is forgotten"` chooses.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kernel_bugs import BUGS, planted
from planting import chosen

import bronze_kernel

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The tests run in a separate process, because a bug may crash it. It must have loaded the planted kernel.
JUDGE = """
import sys
from pathlib import Path
import bronze_kernel
import pytest
if bronze_kernel.FOLDER.parent != Path(sys.argv[1]):
    sys.exit(99)
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""


def judged(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the kernel on the kernel in `folder`."""
    tests = [
        str(HERE / name) for name in ("test_kernel.py", "test_kernel_debezium.py", "test_kernel_lines.py")
    ]
    kept = {name: value for name, value in os.environ.items() if name not in ("SWEEP", "SEED")}
    return subprocess.run(
        [sys.executable, "-P", "-c", JUDGE, str(folder), *options, *tests],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_each_planted_bug_still_applies() -> None:
    for bug in BUGS.values():
        text = (bronze_kernel.FOLDER / bug.file).read_text()
        assert bug.on(text) != text
    assert len(set(BUGS.values())) == len(BUGS) >= 12


def test_the_unchanged_kernel_passes_the_same_way(tmp_path: Path) -> None:
    some = () if "SWEEP" in os.environ else ("-k", "usual")
    done = judged(planted(None, tmp_path), *some)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("name", chosen(BUGS))
def test_a_planted_bug_is_caught(name: str, tmp_path: Path) -> None:
    done = judged(planted(name, tmp_path))
    said = re.findall(r"^E  +(.*)", done.stdout, re.MULTILINE)
    print(f"{name} | {done.returncode} | {(said or done.stderr.splitlines() or ['NOT CAUGHT'])[0][:160]}")
    # 1: a test failed. Below 0: the kernel crashed the process, as it does when a bound is crossed.
    assert done.returncode == 1 or done.returncode < 0, f"{name}: {done.stdout[-2000:]}{done.stderr}"
