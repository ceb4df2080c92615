"""`make demo`: from raw files to gold, twice, on this machine, with public commands only.

Starts a local cloud in a folder of its own (it never touches another one), lands two deliveries as a
producer would, ingests and builds after each, checks that every record is accounted for, and prints a report.
The cloud is left running.
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

from demo import report, roles
from demo.steps import ROOT, StepFailedError, Steps

FOLDER = ".dm/demo"
FULL_ROWS = 1_586_614
DBT = ("dbt", "--no-use-colors", "build", "--profiles-dir", "profiles")


def token_key(folder: str) -> str:
    """Return this demo's token key: generated once, kept beside its cloud, readable by its owner only."""
    path = ROOT / f"{folder}-token-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def start_cloud(steps: Steps, folder: str, iam: str | None) -> None:
    """Start an empty local cloud in `folder` and point every later step at it."""
    if (ROOT / folder).exists():
        steps.run("clear the last demo", "dm", "local", "reset", "--dir", folder)
    judging = ("--iam", iam) if iam else ()
    steps.run("start the local cloud", "dm", "local", "up", "--dir", folder, "--port", "0", *judging)
    exports = json.loads(steps.run_quietly("dm", "env", "--dir", folder, "--json"))
    own = {"DM_TOKEN_KEY": token_key(folder), "DBT_TARGET_PATH": f"{folder}-target"}
    steps.env = {**os.environ, **exports, **own}
    if iam:
        roles.deploy(steps, folder)


def deliver(steps: Steps, number: int, rows: int, seed: int) -> None:
    """Land delivery `number`, ingest it and build the models."""
    nth = f"delivery {number}"
    land = ("dm", "sample", "land", "--rows", str(rows), "--seed", str(seed))
    steps.run(f"{nth}: land raw files", *land, "--delivery", str(number), role="engineer")
    ingest = ("dm", "ingest", "run", "--until-idle")
    steps.run(f"{nth}: ingest raw to bronze", *ingest, role="ingest")
    target = ("--target", "dev") if steps.roles else ()
    steps.run(f"{nth}: dbt build (silver, gold, checks)", *DBT, *target, role="dbt")


def unaccounted(files: list[Mapping[str, Any]]) -> list[str]:
    """Return the raw files for which records = bronze rows + quarantined + control does not hold."""
    return [
        str(f["key"])
        for f in files
        if f["state"] != "published" or f["records"] != f["rows"] + f["quarantined"] + f["control"]
    ]


def row_count(text: str) -> int:
    """Parse the number of reviews on the command line."""
    if text == "full":
        return FULL_ROWS
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"ROWS must be a number or full, not {text!r}")
    return int(text)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Raw files in, gold out, twice, on this machine.")
    rows = "reviews to generate: a number, or full (1,586,614)"
    parser.add_argument("--rows", type=row_count, default=100_000, help=rows)
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated reviews")
    iam = (
        "deploy the stacks of dev, run steps as their roles, and refuse (or only record) what a role may not"
    )
    parser.add_argument("--iam", choices=("enforce", "record"), nargs="?", const="enforce", help=iam)
    parser.add_argument("--dir", default=FOLDER, help="folder of the demo's local cloud, cleared first")
    return parser.parse_args()


def main() -> int:
    """Run the demo; return 0 if everything is accounted for."""
    said = arguments()
    rows, folder = said.rows, said.dir
    console = Console(stderr=False, width=None if sys.stdout.isatty() else 120)
    console.rule(f"A lakehouse on this machine: {rows:,} reviews, two deliveries")
    steps = Steps(console)
    try:
        start_cloud(steps, folder, said.iam)
        deliver(steps, 1, rows, said.seed)
        deliver(steps, 2, rows, said.seed)
        files = json.loads(steps.run_quietly("dm", "files", "list", "--json", role="engineer"))
        missing = unaccounted(files)
        report.show(console, steps, files, missing, folder)
        if steps.roles:
            roles.show(console, steps, folder)
    except StepFailedError as error:
        console.print(f"[red]failed[/] {error}", highlight=False)
        return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
