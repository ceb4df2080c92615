"""Every case of `conformance/` by `dm parse`; tests/spark/test_conformance.py runs them as a Spark job."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conformance_cases import TOKEN_KEY, Became, Case, became, cases, difference

from bronze.limits import DEFAULT_LIMITS
from control.cli.parse import command

CASES = cases()
# One of each kind runs as a separate process; the others run the same command in this one.
AS_PROCESSES = ("csv/null-required", "change/glued-one-bad", "stream/truncated-in-the-trailer")


def arguments(case: Case, folder: Path) -> list[str]:
    """Return the arguments of `dm parse`, and write their files to `folder`."""
    file = folder / case.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(case.raw)
    (folder / "thing.yaml").write_text(case.contract)
    position = [] if case.position is None else ["--position", case.position]
    rest = ["--contract", str(folder / "thing.yaml"), "--out", str(folder / "out"), "--json"]
    return [str(file), *position, *rest]


def of_run(code: int, counts: str, folder: Path) -> Became:
    said = json.loads(counts)
    assert code == (0 if said["failure"] is None else 1)
    assert (folder / "out" / "bronze").exists() == (said["failure"] is None)
    return became(said, folder.glob("out/*/*"))


@pytest.mark.parametrize("way", ["exact", "quick"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dm_parse_follows_the_case(case, way, tmp_path, monkeypatch):
    monkeypatch.setenv("DM_TOKEN_KEY", TOKEN_KEY)
    if way == "quick":  # small files take it only when told to
        monkeypatch.setattr("bronze.contract.DEFAULT_LIMITS", replace(DEFAULT_LIMITS, quick_bytes=0))
    run = CliRunner().invoke(command, arguments(case, tmp_path))
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    assert difference(case, of_run(run.exit_code, run.stdout, tmp_path)) == {}, case.rule


@pytest.mark.parametrize("name", AS_PROCESSES)
def test_dm_parse_follows_the_case_as_a_process(name, tmp_path):
    case = next(case for case in CASES if case.name == name)
    run = subprocess.run(
        [sys.executable, "-m", "control.cli.main", "parse", *arguments(case, tmp_path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "DM_TOKEN_KEY": TOKEN_KEY},
    )  # fmt: skip
    assert difference(case, of_run(run.returncode, run.stdout, tmp_path)) == {}, case.rule


def test_there_are_many_cases_each_with_its_own_rule():
    assert len(CASES) >= 150
    assert len({case.rule for case in CASES}) == len(CASES)
