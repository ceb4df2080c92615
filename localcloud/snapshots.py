"""Snapshots on disk: a header that can be read without moto, then the state. Always whole, or not there.

A file holds a line of JSON (the header) and the pickled state of moto. Large contents of objects are not in
it: they are files beside it, which are never changed (`localcloud.aws.blobs`).
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from localcloud.errors import StateError

FORMAT = 1
LAST = "last.snapshot"
BLOBS = "objects"


@dataclass(frozen=True, slots=True)
class Header:
    """What a snapshot is: when and by which process it was saved, with which moto, and what is in it."""

    format: int
    moto: str
    saved_at: str
    """UTC, ISO 8601."""
    saved_by: str
    """Pid and start time of the process."""
    counts: dict[str, int]
    left_out: tuple[str, ...]
    """Services that were used, and whose state is not kept."""
    sha256: str
    """Of the bytes behind the header."""

    @property
    def summary(self) -> str:
        """One line for people."""
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"{self.saved_at} ({counts})"


def moto_version() -> str:
    """The version of the installed moto: another one's state cannot be read."""
    return importlib.metadata.version("moto")


def write(
    folder: Path, content: bytes, counts: dict[str, int], left_out: tuple[str, ...], saved_by: str
) -> Header:
    """Put a snapshot in place of the last one, at once and whole."""
    header = Header(
        format=FORMAT,
        moto=moto_version(),
        saved_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        saved_by=saved_by,
        counts=counts,
        left_out=left_out,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    new = folder / f".{LAST}.new"
    with new.open("wb") as file:
        file.write(json.dumps(dataclasses.asdict(header)).encode() + b"\n")
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / LAST)
    return header


def header(folder: Path) -> Header | None:
    """The header of the last snapshot; None when there is none. Raises StateError when it cannot be used."""
    try:
        with folder.joinpath(LAST).open("rb") as file:
            return _checked(folder / LAST, file.readline())
    except FileNotFoundError:
        return None


def read(folder: Path) -> bytes | None:
    """The state in the last snapshot; None when there is none. Raises StateError when it cannot be used."""
    path = folder / LAST
    if not path.exists():
        return None
    with path.open("rb") as file:
        found = _checked(path, file.readline())
        content = file.read()
    if hashlib.sha256(content).hexdigest() != found.sha256:
        raise StateError(f"the saved state {path} is damaged: its checksum is wrong", hint=_DROP)
    return content


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
