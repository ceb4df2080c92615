"""`dm quarantine waive` reports a missing day and one that has passed; `held` reports an unknown table."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from control import waivers, wiring
from control.cli.quarantine import command
from control.config import Settings
from control.errors import NotFoundError, UsageError
from control.ingest import files

FILE = "4cece0a887d2"


def waive(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["waive", *arguments, "--reason", "ticket 7"])


@pytest.fixture
def waived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the days until which records were waived."""
    days: list[str] = []
    found = SimpleNamespace(table="review", key="raw/review/a.csv", file_id=FILE)
    monkeypatch.setattr(wiring, "connect", lambda _: None)
    monkeypatch.setattr(files, "find", lambda *_: found)
    monkeypatch.setattr(wiring, "connect_warehouse", lambda *_: None)
    monkeypatch.setattr(waivers, "waive", lambda *given, **_: days.append(given[-1].isoformat()))
    return days


def test_a_waiver_of_a_record_needs_a_day_and_one_of_a_file_has_none(waived: list[str]) -> None:
    for arguments, hint in (((f"{FILE}:2",), "--until 2027"), ((FILE, "--until", "2027-06-30"), "FILE:LINE")):
        error = waive(*arguments).exception
        assert isinstance(error, UsageError)
        assert hint in error.hint
    assert waived == []


def test_a_day_that_has_passed_is_a_warning(waived: list[str]) -> None:
    done = waive(f"{FILE}:2", "--until", "2999-12-31")
    assert (done.exit_code, done.stderr) == (0, "")
    done = waive(f"{FILE}:2", "--until", "2020-06-30")
    assert done.exit_code == 0
    assert done.stderr == "2020-06-30 has passed: from now on these records are taken in again.\n"
    assert waived == ["2999-12-31", "2020-06-30"]


@pytest.mark.parametrize("more", [(), ("--waived",)])
def test_an_unknown_table_is_an_error_and_not_an_empty_answer(
    cloud: Settings, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(command, ["held", "--table", "reveiw", *more])
    assert isinstance(done.exception, NotFoundError)
    assert "there is no table reveiw" in done.exception.message
