"""A folder for what one process works on, which outlives it by no more than the next one to start."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Between the making of a folder and its lock, another process could take it for one of the dead.
YOUNG_SECONDS = 60


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A new folder under the system's place for such, whose name begins with `prefix`; gone at the end.

    A process that was killed (out of memory, say) cannot clear up, and leaves rows that may be personal and
    fill the disk. The kernel drops its lock, by which the next one knows the folder for abandoned.
    """
    _sweep(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as made:
        lock = os.open(made, os.O_RDONLY)
        try:
            with suppress(OSError):  # where no lock can be had, nothing is swept either
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield Path(made)
        finally:
            os.close(lock)


def _sweep(prefix: str) -> None:
    """Remove the folders of `prefix` whose processes are gone. What is another user's, or gone, is left."""
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
        except OSError:  # its process is alive, or this file system knows no locks
            continue
        finally:
            os.close(lock)
