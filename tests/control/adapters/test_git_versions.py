"""The versions of a contract, from the history of its file."""

import subprocess
from pathlib import Path

import pytest

from control.adapters.git import versions_of


def commit(folder: Path, day: int, subject: str) -> None:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@x",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@x",
    }
    when = f"2026-01-{day:02}T12:00:00+00:00"
    env = {
        **who,
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_DATE": when,
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }
    for arguments in (["add", "-A"], ["commit", "-q", "-m", subject]):
        subprocess.run(["git", *arguments], cwd=folder, env=env, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "contracts" / "gold").mkdir(parents=True)
    return tmp_path


def test_each_version_has_the_date_of_its_first_commit(repository: Path) -> None:
    file = repository / "contracts" / "gold" / "best.yaml"
    steps = [
        ("1.0.0", "a", "Begin"),
        ("1.0.0", "b", "Word it"),
        ('"1.1.0"', "b", "Add\ta column"),
        ("1.1.0", "c", "No"),
    ]
    for day, (version, words, subject) in enumerate(steps, 1):
        file.write_text(f"name: x\nversion: {version}\nwords: {words}\n")
        commit(repository, day, subject)
    (repository / "version: 9.9.9.txt").write_text("version: 9.9.9\n")
    commit(repository, 9, "Something else")
    (versions,) = versions_of(repository / "contracts").values()
    found = [(v.version, v.committed.day, v.subject) for v in versions]
    assert found == [("1.1.0", 3, "Add\ta column"), ("1.0.0", 1, "Begin")]
    assert list(versions_of(repository / "contracts")) == ["gold/best.yaml"]


def test_outside_a_repository_there_is_no_history(tmp_path: Path) -> None:
    assert versions_of(tmp_path) == {}
    assert versions_of(tmp_path / "nowhere") == {}
