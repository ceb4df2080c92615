"""Temporary folders; if a process is killed, the next one to start removes its folder."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Younger folders are left alone: their process may not have taken the lock yet.
YOUNG_SECONDS = 60


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """Create a temporary folder whose name begins with `prefix`, and remove it at the end.

    A process that was killed (out of memory, say) leaves its folder behind, whose rows may be personal and
    fill the disk. The kernel releases its lock, so the next process can tell that the folder is abandoned.
    """
    _sweep(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as made:
        lock = os.open(made, os.O_RDONLY)
        try:
            with suppress(OSError):  # if the file system has no locks, nothing is swept either
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield Path(made)
        finally:
            os.close(lock)


def _sweep(prefix: str) -> None:
    """Remove the folders of `prefix` whose processes are gone, except those of other users."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            status = os.fstat(lock)
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > YOUNG_SECONDS:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:  # its process is alive, or the file system has no locks
            continue
        finally:
            os.close(lock)
