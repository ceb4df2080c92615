"""Files of a commit, read with `git archive`, without touching the work tree or the index."""

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from control.errors import UsageError

_TIMEOUT_SECONDS = 120
# Variables that git sets for its hooks. With them, git would take any folder for the top of that repository.
_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}


def files_at(ref: str, folder: Path) -> dict[str, bytes]:
    """Return the files that `folder` had in the commit `ref`, by their path below it.

    Empty if the commit has no such folder. `folder` need not exist now, but must be inside a repository.
    Raises UsageError if it is not, or if `ref` is not a commit.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    top = _top(existing)
    commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit is None:
        raise UsageError(
            f"{ref} is neither a folder nor a commit of {top}",
            hint="fetch the branch first (git fetch origin main), or name a folder",
        )
    below = folder.resolve().relative_to(top.resolve()).as_posix()
    tree = commit.decode().strip() if below == "." else f"{commit.decode().strip()}:{below}"
    if _git(top, "cat-file", "-e", tree) is None:
        return {}
    archive = _git(top, "archive", "--format=tar", tree)
    if archive is None:
        raise UsageError(f"git cannot read {below} of {ref}", hint="fetch its objects: git fetch --unshallow")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        return {
            PurePosixPath(member.name).as_posix(): content.read()
            for member in packed
            if member.isfile() and (content := packed.extractfile(member)) is not None
        }


def commits_missing(ref: str, folder: Path) -> int:
    """Count the commits of `ref` that changed `folder` and that the checked-out branch does not have."""
    listed = _git(folder, "rev-list", "--count", "--end-of-options", f"HEAD..{ref}", "--", ".")
    return int(listed or 0)


def _top(folder: Path) -> Path:
    """Return the top of the repository that `folder` is in. Raises UsageError if it is in none."""
    found = _run(folder, "rev-parse", "--show-toplevel")
    if found.returncode == 0:
        return Path(found.stdout.decode().strip())
    why, _, way = found.stderr.decode(errors="replace").strip().removeprefix("fatal: ").partition("\n")
    if "not a git repository" in why:
        raise UsageError(
            f"{folder} is not in a git repository", hint="give a folder as --base instead of a commit"
        )
    raise UsageError(f"git cannot read the repository of {folder}: {why}", hint=" ".join(way.split()))


@dataclass(frozen=True, slots=True)
class VersionCommit:
    """A version of a contract: when it was first committed, and the subject of that commit."""

    version: str
    committed: datetime
    subject: str


def versions_of(folder: Path) -> dict[str, tuple[VersionCommit, ...]]:
    """Return the versions of each YAML file below `folder`, newest first, by its path below it.

    Empty outside of a repository or without git: the history is optional.
    """
    if not folder.is_dir():
        return {}
    try:
        shown = ("--relative", "--no-color", "--format=%x00%cI%x00%s%x00", "-p", "-U0")
        # These override a user's own settings for diffs.
        plain = (
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
        )
        log = _git(folder, "log", *shown, *plain, "--", "*.yaml")
    except UsageError:
        return {}
    found: dict[str, dict[str, VersionCommit]] = {}
    parts = (log or b"").decode(errors="replace").split("\0")[1:]
    for committed, subject, diff in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        file = ""
        for line in diff.splitlines():
            if line.startswith("+++ b/"):
                file = line.removeprefix("+++ b/")
            elif line.startswith("+version: "):
                version = line.removeprefix("+version: ").strip("\"' ")
                commit = VersionCommit(version, datetime.fromisoformat(committed), subject)
                # Commits come newest first, so for a version that was written twice the first commit wins.
                found.setdefault(file, {})[version] = commit
    return {file: tuple(versions.values()) for file, versions in found.items()}


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints; None if it fails. Raises as `_run` does."""
    done = _run(folder, *arguments)
    return done.stdout if done.returncode == 0 else None


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder`. Raises UsageError if git is not installed or takes too long."""
    env = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK} | {"LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env=env,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="install it, or give a folder as --base") from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"git {arguments[0]} has not ended in {_TIMEOUT_SECONDS} seconds in {folder}",
            hint="find out what it waits for, or give a folder as --base",
        ) from None
