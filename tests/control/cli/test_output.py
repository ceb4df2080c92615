"""Commands print one line per row, whatever names untrusted files and records have."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from control.adapters.s3 import S3Objects
from control.cli.main import dm
from control.cli.output import print_findings, print_table
from control.config import Settings
from control.model import Finding

# Clears the screen, rings the bell, reverses the text, and starts a forged line.
OBEYED = "\x1b[2J\x07\u202e\nwarning: brewery: forged"
WRITTEN = r"\x1b[2J\x07\u202e\nwarning: brewery: forged"


def told(*arguments: str) -> str:
    """Return what a command prints to a terminal; without `color=True`, click removes escape sequences."""
    return CliRunner().invoke(dm, arguments, color=True).output


def test_a_line_feed_in_a_key_does_not_start_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"key": "raw/a\nraw/forged  published", "rows": 1}], ["key", "rows"], empty="-")
    assert capsys.readouterr().out.splitlines()[1:] == [r"raw/a\nraw/forged  published     1"]


def test_the_name_of_a_control_record_is_escaped(lake: Settings) -> None:
    record = {"metadata": {"record-type": "control", "operation": OBEYED, "stream-position": "0/1"}}
    S3Objects(lake).put(
        f"s3://{lake.bucket}/raw/brewery/a.json.gz", gzip.compress(json.dumps(record).encode())
    )
    told("ingest", "run")
    shown = told("status")
    assert f"warning: brewery: 1 control record(s) {WRITTEN}" in shown
    assert "\nwarning: brewery: forged" not in shown


def test_the_name_of_a_file_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / f"{OBEYED}.csv"
    file.touch()
    contract = Path(__file__).parents[3] / "contracts/bronze/brewery.yaml"
    shown = told("parse", str(file), "--contract", str(contract), "--out", str(tmp_path / "out"))
    assert f"{WRITTEN}.csv is refused as a whole" in shown


def test_a_finding_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([Finding("code", "error", "where", OBEYED)], as_json=False)
    assert capsys.readouterr().out.splitlines() == [f"error: where: {WRITTEN} [code]", "1 errors, 0 warnings"]


def test_a_short_column_is_not_cut_for_a_long_one(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"table": "brewery", "key": "k" * 90, "state": "published", "error": "e" * 90, "batch": 12345}
    print_table([row], ["table", "key", "state", "batch", "error"], empty="")
    (_, line) = capsys.readouterr().out.splitlines()
    assert {"brewery", "published", "12,345"} <= set(line.split())
