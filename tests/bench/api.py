"""Measure a request to `dm serve` against the command that it stands for, in turn.

Uses the cloud that the environment points at. Usage:

    eval "$(dm env --dir .dm/demo)"; python tests/bench/api.py [--rounds 20]
"""

import argparse
import json
import os
import resource
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

DM = [sys.executable, "-m", "control.cli.main"]
COMMANDS = {
    "/status": ["status"],
    "/files/list": ["files", "list"],
    "/quarantine/list": ["quarantine", "list"],
}


@contextmanager
def served() -> Iterator[Callable[[str], object]]:
    """Start a server; yield a function that asks it."""
    token = secrets.token_hex(32)
    process = subprocess.Popen(
        [*DM, "serve", "--port", "0"], env={**os.environ, "DM_API_TOKEN": token},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = process.stdout.readline().split()[2].rstrip("/")

    def ask(path: str) -> object:
        request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    try:
        yield ask
    finally:
        process.terminate()
        process.wait()


def command(words: list[str]) -> object:
    """Return the command's answer."""
    return json.loads(subprocess.run([*DM, *words, "--json"], capture_output=True, check=True).stdout)


def seconds(work: Callable[[Any], object], about: object) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work(about)
    return time.perf_counter() - began


def main() -> None:
    """Print a line for each command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20)
    rounds = arguments.parse_args().rounds
    print("| | over HTTP, ms | in a shell, ms | of it |\n|---|---:|---:|---:|")
    with served() as ask:
        for path, words in COMMANDS.items():
            pairs = [(seconds(ask, path), seconds(command, words)) for _ in range(rounds)]
            http, shell = (median(times) * 1000 for times in zip(*pairs, strict=True))
            print(f"| `{path}` | {http:.0f} | {shell:.0f} | {http / shell:.0%} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process {peak:.0f} MB, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
