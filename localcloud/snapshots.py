"""Snapshots on disk: a header that can be read without moto, then the state. Writes are atomic.

A file holds a line of JSON (the header), a line of JSON (the names of large objects) and the pickled state of
moto. Contents of large objects are in files beside it, which never change (`localcloud.aws.blobs`) and are on
disk before a snapshot names them.
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
    """What a snapshot is: when, why and by which process it was saved, the moto version, and its content."""

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
    """Services that were used but whose state is not saved."""
    sha256: str
    """Checksum of the bytes after the header."""

    @property
    def summary(self) -> str:
        """One line for people."""
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"{self.saved_at} ({self.reason}: {counts})"


@dataclass(frozen=True, slots=True)
class Content:
    """What a snapshot holds: the pickled state, the names of its blobs, and the numbers for its header."""

    state: bytes
    blobs: frozenset[str]
    counts: dict[str, int]
    left_out: tuple[str, ...] = ()


def moto_version() -> str:
    """The version of the installed moto: state pickled by another version cannot be read."""
    return importlib.metadata.version("moto")


def write(folder: Path, content: Content, *, saved_by: str, reason: str) -> Header:
    """Replace the last snapshot atomically. The files of its blobs must be on disk already."""
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
    """Read the header of the last snapshot; None when there is none. Raises StateError if unusable."""
    path = folder / LAST
    if not path.exists():
        return None
    with path.open("rb") as file:
        return _checked(path, file.readline())


def read(folder: Path) -> bytes | None:
    """Read the state in the last snapshot; None when there is none. Raises StateError if unusable."""
    path = folder / LAST
    if not path.exists():
        return None
    with path.open("rb") as file:
        found = _checked(path, file.readline())
        names, state = file.readline(), file.read()
    digest = hashlib.sha256(names)
    digest.update(state)
    if digest.hexdigest() != found.sha256:
        raise StateError(f"the saved state {path} is damaged: its checksum is wrong", hint=DROP)
    return state


def copy(source: Path, target: Path) -> Header:
    """Copy the last snapshot of `source` to `target`; the blobs become hard links, which take no space.

    Safe against a kill at any point: `target` has its old snapshot or the new one. Raises StateError when
    `source` has no usable snapshot.
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


def copy_at_once(source: Path, target: Path) -> Header:
    """Copy the last snapshot of `source` to the new folder `target`, which appears only when complete.

    Raises StateError when `source` has no usable snapshot.
    """
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    try:
        header = copy(source, new)
        new.replace(target)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return header


def synchronise(path: Path) -> None:
    """Flush a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return  # blob names are never reused
    with contextlib.suppress(OSError):
        target.hardlink_to(source)
        return
    # The file system has no hard links.
    part = target.with_suffix(".part")
    try:
        shutil.copyfile(source, part)
    except FileNotFoundError as error:
        raise StateError(f"the saved state is damaged: {source} is missing", hint=DROP) from error
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
    except OSError:  # on a full disk, the partial file would keep it full
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    synchronise(folder)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


DROP = "drop the saved state and start empty: dm local reset"


def _checked(path: Path, line: bytes) -> Header:
    try:
        content = json.loads(line)
        version = content["format"]
        if version != FORMAT:
            raise StateError(f"the saved state {path} has format {version}, this is {FORMAT}", hint=DROP)
        found = Header(**content | {"left_out": tuple(content["left_out"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(f"the saved state {path} is damaged: {error}", hint=DROP) from error
    if found.moto != moto_version():
        raise StateError(
            f"the saved state {path} is of moto {found.moto}, installed is {moto_version()}",
            hint=f"install moto {found.moto} to read it, or {DROP}",
        )
    return found
