"""The files of a commit, wherever a command runs: in a hook, with a user's git settings, as another user."""

import subprocess
from pathlib import Path

import pytest

from control.adapters import git as adapter
from control.adapters.git import commits_missing, files_at, versions_of
from control.errors import UsageError

ME = ("-c", "user.name=a", "-c", "user.email=a@x")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *ME, *arguments], check=True, capture_output=True)


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A contracts folder in a repository. The commit has one contract, and one file outside the folder."""
    folder = tmp_path / "repository" / "contracts"
    (folder / "gold").mkdir(parents=True)
    (folder / "gold" / "best.yaml").write_text("version: 1.0.0\n")
    (folder.parent / "else.yaml").write_text("version: 9.9.9\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", "-A")
    git(folder.parent, "commit", "-q", "-m", "Begin")
    return folder


def test_only_files_below_the_folder_are_read(contracts: Path) -> None:
    assert files_at("HEAD", contracts) == {"gold/best.yaml": b"version: 1.0.0\n"}


def test_a_hook_reads_the_same_files(contracts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As git sets it for hooks of a worktree; the working folder then counts as the top of the repository.
    monkeypatch.setenv("GIT_DIR", str(contracts.parent / ".git"))
    assert files_at("HEAD", contracts) == {"gold/best.yaml": b"version: 1.0.0\n"}


def test_a_hook_of_another_repository_reads_the_same_files(
    contracts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    git(other, "commit", "-q", "--allow-empty", "-m", "Nothing")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert files_at("HEAD", contracts) == {"gold/best.yaml": b"version: 1.0.0\n"}


def test_a_worktree_reads_its_own_files(contracts: Path, tmp_path: Path) -> None:
    git(contracts.parent, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    assert files_at("HEAD", tmp_path / "tree" / "contracts").keys() == {"gold/best.yaml"}


@pytest.mark.parametrize("setting", ["diff.noprefix", "diff.mnemonicPrefix", "log.showSignature"])
def test_versions_do_not_depend_on_a_users_diff_settings(contracts: Path, setting: str) -> None:
    git(contracts, "config", setting, "true")
    assert [one.version for one in versions_of(contracts)["gold/best.yaml"]] == ["1.0.0"]


def test_a_repository_that_git_does_not_trust_is_reported(
    contracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageError, match="dubious ownership") as raised:
        files_at("HEAD", contracts)
    assert "safe.directory" in raised.value.hint


def test_a_missing_repository_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository"):
        files_at("HEAD", tmp_path)


def test_a_missing_git_is_reported_and_there_is_no_history(
    contracts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        files_at("HEAD", contracts)
    assert versions_of(contracts) == {}


def test_a_git_that_hangs_times_out(contracts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stuck = tmp_path / "git"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(adapter, "_TIMEOUT_SECONDS", 0.05)
    with pytest.raises(UsageError, match=r"git rev-parse has not ended in 0\.05 seconds"):
        files_at("HEAD", contracts)
    assert versions_of(contracts) == {}


def test_commits_of_the_other_branch_count_if_they_changed_the_folder(contracts: Path) -> None:
    git(contracts, "branch", "other")
    git(contracts, "checkout", "-q", "other")
    (contracts / "gold" / "best.yaml").write_text("version: 1.1.0\n")
    git(contracts, "commit", "-q", "-a", "-m", "Raise")
    (contracts.parent / "else.yaml").write_text("version: 9.9.10\n")
    git(contracts, "commit", "-q", "-a", "-m", "Raise another")
    assert commits_missing("other", contracts) == 0
    git(contracts, "checkout", "-q", "-")
    assert commits_missing("other", contracts) == 1
    assert commits_missing("other", contracts.parent / "absent") == 0
