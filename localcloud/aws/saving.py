"""Write snapshots: when the cloud stops, at intervals, and on request."""

import logging
import os
import threading
import time
from pathlib import Path

from localcloud import snapshots
from localcloud.aws.blobs import BlobStore
from localcloud.aws.front import Front
from localcloud.processes import started
from localcloud.snapshots import Header

# A large state is saved less often, so that requests wait for snapshots at most 1/20 of the time.
PAUSE_SHARE = 20

log = logging.getLogger(__name__)


class Saver:
    """Writes the state of moto's services into `folder`."""

    def __init__(self, folder: Path, blobs: BlobStore, front: Front, beside: dict[str, bytes]) -> None:
        self.folder = folder
        self.beside = beside
        """What other parts keep in the snapshots, by name."""
        self.blobs = blobs
        self.front = front
        self.saved_changes = 0
        self.problem = ""
        """Why the last snapshot at an interval was not written; empty if it was."""
        self._writing = threading.RLock()

    def save(self, reason: str) -> Header:
        """Write a snapshot now. Requests wait while the state is copied, not while it is written to disk."""
        from localcloud.aws import state

        with self._writing:
            with self.front.turns:
                changes = self.front.changes
                content = state.take(self.front.used, self.beside)
                self.blobs.pin(content.blobs)
            self.blobs.synchronise(content.blobs)
            by = f"{os.getpid()} {started(os.getpid())}"
            header = snapshots.write(self.folder, content, saved_by=by, reason=reason)
            self.blobs.keep(content.blobs)
            self.saved_changes = changes
        self.problem = ""
        log.info("state.saved %s", header.summary)
        return header

    def keep(self, name: str, content: bytes) -> None:
        """Include `content` of another part in the next snapshots, under `name`."""
        with self.front.turns:
            self.beside[name] = content
            self.front.changes += 1

    def save_as(self, target: Path) -> Header:
        """Write a snapshot now, and copy it to `target` atomically."""
        with self._writing:
            self.save(snapshots.ON_SAVE)
            return snapshots.copy_at_once(self.folder, target)

    def save_last(self) -> Header:
        """Write the last snapshot, and refuse all later changes, which it would lack.

        If that fails, the cloud keeps running, so that a full disk loses nothing.
        """
        with self._writing, self.front.turns:
            header = self.save(snapshots.AT_DOWN)
            self.blobs.closed = True
            self.front.closed = True
        return header

    def save_at_intervals(self, seconds: float, stopped: threading.Event) -> None:
        """Write a snapshot every `seconds` if something may have changed, until `stopped`."""
        pause = 0.0
        while not stopped.wait(max(seconds, pause * PAUSE_SHARE)):
            if self.front.changes == self.saved_changes:
                continue
            begun = time.monotonic()
            try:
                self.save(snapshots.AT_INTERVAL)
            except Exception as error:
                # The last snapshot stays; the next interval tries again.
                self.problem = str(error)
                log.exception("state.not_saved")
            pause = time.monotonic() - begun
