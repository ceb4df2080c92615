"""`make demo`: raw files in, gold out, twice, on this machine, with the public commands only.

Starts a local cloud in `.dm/demo` (its own folder: it never touches another one), lands two deliveries as a
producer would, ingests and builds after each, checks that every record is accounted for, and prints a report.
The cloud stays up to be looked at.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo import report
from demo.steps import ROOT, StepFailedError, Steps

FOLDER = ".dm/demo"
FULL_ROWS = 1_586_614
DBT = ("dbt", "--no-use-colors", "build", "--profiles-dir", "profiles")


def token_key() -> str:
    """The secret of this demo's tokens: made once, kept beside its cloud, readable by its owner only."""
    path = ROOT / ".dm" / "demo-token-key"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def start_cloud(steps: Steps) -> None:
    """Start an empty local cloud and point every later step at it."""
    if (ROOT / FOLDER).exists():
        steps.run("clear the last demo", "dm", "local", "reset", "--dir", FOLDER)
    steps.run("start the local cloud", "dm", "local", "up", "--dir", FOLDER, "--port", "0")
    exports = json.loads(steps.run_quietly("dm", "env", "--dir", FOLDER, "--json"))
    steps.env = {**os.environ, **exports, "DM_TOKEN_KEY": token_key(), "DBT_TARGET_PATH": f"{FOLDER}-target"}


def deliver(steps: Steps, number: int, rows: int) -> None:
    """Land delivery `number`, ingest it and build the models."""
    nth = f"delivery {number}"
    land = ("dm", "sample", "land", "--rows", str(rows), "--delivery", str(number))
    steps.run(f"{nth}: land raw files", *land)
    steps.run(f"{nth}: ingest raw to bronze", "dm", "ingest", "run", "--until-idle")
    steps.run(f"{nth}: dbt build (silver, gold, checks)", *DBT)


def unaccounted(files: list[Mapping[str, Any]]) -> list[str]:
    """Raw files for which records = bronze rows + quarantined + control does not hold."""
    return [
        str(f["key"])
        for f in files
        if f["state"] != "published" or f["records"] != f["rows"] + f["quarantined"] + f["control"]
    ]


def main() -> int:
    """Run the demo; 0 when all of it held."""
    parser = argparse.ArgumentParser(description="Raw files in, gold out, twice, on this machine.")
    parser.add_argument("--rows", default="100000", help="reviews to generate: a number, or full (1,586,614)")
    rows_text = parser.parse_args().rows
    console = Console(stderr=False, width=None if sys.stdout.isatty() else 120)
    if rows_text != "full" and not rows_text.isdigit():
        console.print(f"error: ROWS is a number or full, not {rows_text!r}", markup=False)
        return 2
    rows = FULL_ROWS if rows_text == "full" else int(rows_text)
    console.rule(f"A lakehouse on this machine: {rows:,} reviews, two deliveries")
    steps = Steps(console)
    try:
        start_cloud(steps)
        deliver(steps, 1, rows)
        deliver(steps, 2, rows)
        files = json.loads(steps.run_quietly("dm", "files", "list", "--json"))
        missing = unaccounted(files)
        report.show(console, steps, files, missing, FOLDER)
    except StepFailedError as error:
        console.print(f"[red]failed[/] {error}", highlight=False)
        return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
