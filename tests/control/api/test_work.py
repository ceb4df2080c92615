"""A command without room for its answer is told of as such, not as one that died."""

import tempfile
from pathlib import Path

import pytest

from control.api import work
from control.api.work import Problem

SAID_BY_ALL = ["--help"]


def test_a_full_disk_is_told() -> None:
    told = work._run_to_end(work._command, (SAID_BY_ALL, "/dev/full"))
    assert isinstance(told, Problem)
    assert (told.status, told.message) == (500, work.FULL)
    assert "make room in / " in told.hint


def test_where_no_answer_can_be_kept_no_command_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    told = work.answer(SAID_BY_ALL)
    assert isinstance(told, Problem)
    assert (told.status, "No such file" in told.message) == (500, True)
    assert "gone" in told.hint
