"""Files of a commit, read with `git archive`: the work tree and the index are never touched."""

import io
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from control.errors import UsageError

_TIMEOUT_SECONDS = 120


def files_at(ref: str, folder: Path) -> dict[str, bytes]:
    """The files that the commit `ref` has where `folder` is in its repository, by their path below it.

    None are there when the commit has no such folder. `folder` need not exist now, but must be in a
    repository. Raises UsageError when it is in none, or when `ref` is no commit.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    found = _git(existing, "rev-parse", "--show-toplevel")
    if found is None:
        raise UsageError(
            f"{folder} is in no git repository", hint="give a folder as --base instead of a commit"
        )
    top = Path(found.decode().strip())
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


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None when it fails. Raises UsageError without git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="install it, or give a folder as --base") from None
    return done.stdout if done.returncode == 0 else None
