"""Snapshots on disk: a header that can be read without moto, then the state. Always whole, or not there.

A file holds a line of JSON (the header), a line of JSON (the names of large objects) and the pickled state of
moto. Contents of large objects are not in it: they are files beside it, which are never changed
(`localcloud.aws.blobs`) and are on the disk before a snapshot names them.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from localcloud.errors import StateError

FORMAT = 2
LAST = "last.snapshot"
BLOBS = "objects"
AT_DOWN, AT_INTERVAL, ON_SAVE = "down", "interval", "save"


@dataclass(frozen=True, slots=True)
class Header:
    """What a snapshot is: when, why and by which process it was saved, with which moto, and what is in it."""

    format: int
    moto: str
    saved_at: str
    """UTC, ISO 8601, with milliseconds."""
    saved_by: str
    """Pid and start time of the process."""
    reason: str
    """AT_DOWN, AT_INTERVAL or ON_SAVE."""
    counts: dict[str, int]
    left_out: tuple[str, ...]
    """Services that were used, and whose state is not kept."""
    sha256: str
    """Of the bytes behind the header."""

    @property
    def summary(self) -> str:
        """One line for people."""
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"{self.saved_at} ({self.reason}: {counts})"


@dataclass(frozen=True, slots=True)
class Content:
    """What a snapshot holds: the pickled state, the names of its blobs, and what to tell of it."""

    state: bytes
    blobs: frozenset[str]
    counts: dict[str, int]
    left_out: tuple[str, ...] = ()


def moto_version() -> str:
    """The version of the installed moto: another one's state cannot be read."""
    return importlib.metadata.version("moto")


def write(folder: Path, content: Content, *, saved_by: str, reason: str) -> Header:
    """Put a snapshot in place of the last one, at once and whole. The files of its blobs must be on disk."""
    names = json.dumps(sorted(content.blobs)).encode() + b"\n"
    digest = hashlib.sha256(names)
    digest.update(content.state)
    found = Header(
        format=FORMAT,
        moto=moto_version(),
        saved_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        saved_by=saved_by,
        reason=reason,
        counts=content.counts,
        left_out=content.left_out,
        sha256=digest.hexdigest(),
    )
    _replace(folder, (json.dumps(dataclasses.asdict(found)).encode() + b"\n", names, content.state))
    return found


def header(folder: Path) -> Header | None:
    """The header of the last snapshot; None when there is none. Raises StateError when it cannot be used."""
    path = folder / LAST
    if not path.exists():
        return None
    with path.open("rb") as file:
        return _checked(path, file.readline())


def read(folder: Path) -> bytes | None:
    """The state in the last snapshot; None when there is none. Raises StateError when it cannot be used."""
    path = folder / LAST
    if not path.exists():
        return None
    with path.open("rb") as file:
        found = _checked(path, file.readline())
        names, state = file.readline(), file.read()
    digest = hashlib.sha256(names)
    digest.update(state)
    if digest.hexdigest() != found.sha256:
        raise StateError(f"the saved state {path} is damaged: its checksum is wrong", hint=_DROP)
    return state


def copy(source: Path, target: Path) -> Header:
    """Make the last snapshot of `source` that of `target` too; the blobs become links, which take no space.

    Safe against a kill at any point: `target` has its old snapshot or the new one. Raises StateError when
    `source` has none that can be used.
    """
    read(source)
    with source.joinpath(LAST).open("rb") as file:
        found = _checked(source / LAST, file.readline())
        names = json.loads(file.readline())
        target.joinpath(BLOBS).mkdir(parents=True, exist_ok=True)
        for name in names:
            _link(source / BLOBS / name, target / BLOBS / name)
        synchronise(target / BLOBS)
        file.seek(0)
        _replace(target, (file.read(),))
    return found


def synchronise(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return  # a blob's name is never used again
    with contextlib.suppress(OSError):
        target.hardlink_to(source)
        return
    # A file system without links.
    part = target.with_suffix(".part")
    try:
        shutil.copyfile(source, part)
    except FileNotFoundError as error:
        raise StateError(f"the saved state is damaged: {source} is missing", hint=_DROP) from error
    synchronise(part)
    part.replace(target)


def _replace(folder: Path, pieces: Iterable[bytes]) -> None:
    new = folder / f".{LAST}.new"
    try:
        with new.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            _to_disk(file)
        new.replace(folder / LAST)
    except OSError:  # a full disk, which a part of a snapshot keeps full
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    synchronise(folder)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


_DROP = "drop the saved state and start empty: dm local reset"


def _checked(path: Path, line: bytes) -> Header:
    try:
        content = json.loads(line)
        version = content["format"]
        if version != FORMAT:
            raise StateError(f"the saved state {path} has format {version}, this is {FORMAT}", hint=_DROP)
        found = Header(**content | {"left_out": tuple(content["left_out"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(f"the saved state {path} is damaged: {error}", hint=_DROP) from error
    if found.moto != moto_version():
        raise StateError(
            f"the saved state {path} is of moto {found.moto}, installed is {moto_version()}",
            hint=f"install moto {found.moto} to read it, or {_DROP}",
        )
    return found
