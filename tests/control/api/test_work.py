"""The number of concurrent commands is limited, and a full disk is not reported as a dead command."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Condition, Event

import pytest

from control.api import work
from control.api.work import Problem

SAID_BY_ALL = ["--help"]


def test_a_full_disk_is_reported() -> None:
    told = work._run_to_end(work._command, (SAID_BY_ALL, "/dev/full"))
    assert isinstance(told, Problem)
    assert (told.status, told.message) == (500, work.FULL)
    assert "free disk space in / " in told.hint


def test_without_a_temporary_folder_no_command_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    told = work.answer(SAID_BY_ALL)
    assert isinstance(told, Problem)
    assert (told.status, "No such file" in told.message) == (500, True)
    assert "gone" in told.hint


def test_the_number_of_concurrent_commands_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, may_end = 0, 0, Event()
    counting = Condition()

    def run(*_: object) -> None:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
            counting.notify_all()
        may_end.wait(30)
        with counting:
            running -= 1

    monkeypatch.setattr(work, "_run_to_end", run)
    with ThreadPoolExecutor(3 * work.AT_ONCE) as pool:
        asked = [pool.submit(work.answer, ["status"]) for _ in range(3 * work.AT_ONCE)]
        with counting:
            assert counting.wait_for(lambda: running == work.AT_ONCE, 30)
        may_end.set()
    assert {one.result() for one in asked} == {work.Problem(500, work.LOST)}
    assert most == work.AT_ONCE
