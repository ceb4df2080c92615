"""Measure the README's two commands as a newcomer runs them: a fresh clone, an empty HOME, no caches.

Prints one table: wall seconds, CPU seconds, peak memory of the whole process tree (sum of PSS, sampled twice
a second, the detached local cloud included), and bytes received over the network. Usage:

    python tests/bench/fresh_clone.py [--rows 100000|full] [--only demo|test]
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Figure:
    """The cost of one command; sizes in bytes."""

    command: str
    wall: float
    cpu: float
    peak: int
    received: int
    exit_code: int


def received_bytes() -> int:
    """Return the bytes received on every interface except loopback, since the machine started."""
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    fields = {name.strip(): values.split() for name, values in (line.split(":", 1) for line in lines)}
    return sum(int(values[0]) for name, values in fields.items() if name != "lo")


def tree_memory(home: str) -> int:
    """Return the PSS of all processes whose HOME is `home`: the command, its children, what stays running."""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if f"HOME={home}\0".encode() in (folder / "environ").read_bytes():
                rollup = (folder / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue  # it has ended meanwhile
    return total * 1024


class Peak(threading.Thread):
    """Samples `tree_memory` until it is stopped."""

    def __init__(self, home: str) -> None:
        super().__init__(daemon=True)
        self.home, self.value, self.stopped = home, 0, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.5):
            self.value = max(self.value, tree_memory(self.home))


def measure(command: list[str], clone: Path, home: str, log: Path) -> Figure:
    """Run `command` in `clone` with only PATH and HOME in its environment, and measure it."""
    names = ("PATH", "LANG", "PIP_CERT", "SSL_CERT_FILE", "PYENV_ROOT")
    keep = {name: os.environ[name] for name in names if name in os.environ}
    before, cpu = received_bytes(), resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = Peak(home)
    peak.start()
    started = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.run(
            command, cwd=clone, env={**keep, "HOME": home}, stdout=out, stderr=out, check=False
        )
    wall = time.monotonic() - started
    peak.stopped.set()
    peak.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    return Figure(" ".join(command), wall, used, peak.value, received_bytes() - before, process.returncode)


def main() -> int:
    """Clone, run, print; return 1 if a command failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="100000", help="size of the demo: a number of reviews, or full")
    parser.add_argument("--only", choices=["demo", "test"], help="measure one of the two commands")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fresh-"))
    clone, home, log = folder / "clone", folder / "home", folder / "log"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    demo = ["make", "demo", f"ROWS={arguments.rows}"]
    commands = {"demo": [["make", "setup-demo"], demo, demo], "test": [["make", "setup"], ["make", "test"]]}
    chosen = [c for name, group in commands.items() if arguments.only in (None, name) for c in group]
    figures = []
    for command in chosen:
        print(f"running {' '.join(command)} … (log: {log})", file=sys.stderr, flush=True)
        figures.append(measure(command, clone, str(home), log))
    subprocess.run([".venv/bin/dm", "local", "down", "--dir", ".dm/demo"], cwd=clone, check=False)
    print("| command | wall s | CPU s | peak MB | received MB | exit |\n|---|---:|---:|---:|---:|---:|")
    for f in figures:
        cells = f"{f.wall:.0f} | {f.cpu:.0f} | {f.peak / 1e6:.0f} | {f.received / 1e6:.0f} | {f.exit_code}"
        print(f"| `{f.command}` | {cells} |")
    failed = any(f.exit_code for f in figures)
    if not failed:
        shutil.rmtree(folder)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
