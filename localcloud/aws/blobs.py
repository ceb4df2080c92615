"""Keep large object contents in files, so that they use no memory and snapshots do not write them again.

A blob is written once and never changed. Its file is deleted when nothing refers to it any more, not even
the last snapshot, which must stay complete until the next is written.
"""

import mmap
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from localcloud.snapshots import synchronise

# Smaller contents are kept in memory and in the snapshot: most Iceberg metadata is smaller.
INLINE_BYTES: Final = 64 << 10
CHUNK_BYTES: Final = 1 << 20


class Blob:
    """One immutable content in the folder of a store."""

    __slots__ = ("name", "size", "store")

    def __init__(self, store: "BlobStore", name: str, size: int) -> None:
        self.store = store
        self.name = name
        self.size = size

    def __deepcopy__(self, memo: object) -> Self:
        return self  # immutable; a second object for one file would remove it too early

    def __del__(self) -> None:
        self.store.forget(self)

    def content(self) -> "Content":
        """Return the bytes, mapped from the file."""
        with self.store.path(self.name).open("rb") as file:
            content = Content(file.fileno(), self.size, access=mmap.ACCESS_READ)
        content.blob = self
        return content


class Content(mmap.mmap):
    """The bytes of a blob: a slice does not read the rest, and iteration yields chunks for a response."""

    blob: Blob

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]  # chunks, not numbers
        for start in range(0, len(self), CHUNK_BYTES):
            yield self[start : start + CHUNK_BYTES]


class BlobStore:
    """The blobs of one instance, as files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kept: frozenset[str] = frozenset()
        """Names that the last snapshot refers to, and those of a snapshot that is being written."""
        self.closed = False
        self._on_disk: set[str] = set()
        self._outlived: set[str] = set()

    def path(self, name: str) -> Path:
        """Return the file of the blob called `name`."""
        return self.folder / name

    def put(self, pieces: Iterable[bytes | memoryview | mmap.mmap]) -> Blob:
        """Write a new blob from `pieces`, in order."""
        name = uuid.uuid4().hex
        try:
            with self.path(name).open("wb", buffering=0) as file:
                for piece in pieces:
                    view = memoryview(piece)
                    while view:
                        view = view[file.write(view) :]
                return Blob(self, name, file.tell())
        except OSError:  # a full disk: the partial file would keep it full
            self.path(name).unlink(missing_ok=True)
            raise

    def forget(self, blob: Blob) -> None:
        """Delete the file of an unreferenced blob, unless a snapshot refers to it."""
        if self.closed:
            return
        if blob.name in self.kept:
            self._outlived.add(blob.name)
        else:
            self.path(blob.name).unlink(missing_ok=True)

    def pin(self, names: frozenset[str]) -> None:
        """Keep the files of a snapshot that is about to be written, in addition to those of the last one."""
        self.kept |= names

    def synchronise(self, names: frozenset[str]) -> None:
        """Flush these blobs to the disk (fsync)."""
        absent = names - self._on_disk
        for name in absent:
            synchronise(self.path(name))
        if absent:
            synchronise(self.folder)
        self._on_disk = set(names)

    def keep(self, names: frozenset[str]) -> None:
        """Record the blobs of the last snapshot; delete those that only the snapshot before it needed."""
        self.kept = names
        gone = self._outlived - names
        self._outlived -= gone
        for name in gone:
            self.path(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete every file that the last snapshot does not refer to. Call it before the first `put`."""
        for file in self.folder.iterdir():
            if file.name not in self.kept:
                file.unlink()
