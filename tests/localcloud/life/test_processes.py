import os

import pytest

from localcloud import processes


@pytest.fixture
def without_proc(tmp_path, monkeypatch):
    """Behave like a machine without /proc, where `ps` answers."""
    monkeypatch.setattr(processes, "PROC", tmp_path / "absent")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def answer(text):
        program = tmp_path / "ps"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}'\n")
        program.chmod(0o755)

    return answer


def test_ps_gives_the_start_time_of_a_process(without_proc):
    without_proc("Ss   Tue Nov 24 17:12:00 2026")
    assert processes.started(1) == "Tue Nov 24 17:12:00 2026"


def test_ps_reports_a_zombie_as_gone(without_proc):
    without_proc("Z    Tue Nov 24 17:12:00 2026")
    assert processes.started(1) is None


def test_a_process_unknown_to_ps_is_gone(without_proc):
    without_proc("")
    assert processes.started(1) is None
    assert processes.memory(1) == 0


def test_ps_gives_the_memory(without_proc):
    without_proc("Ss   2048")
    assert processes.memory(1) == 2048 * 1024


def test_a_process_has_a_start_time_and_memory():
    assert processes.started(os.getpid()) == processes.started(os.getpid())
    assert processes.memory(os.getpid()) > 1_000_000
