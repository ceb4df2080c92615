"""The markers of a reload, `_BEGIN` and `_COMPLETE`: JSON objects under `reload=<n>/`.

`_BEGIN` says from which position of the source's log the snapshot is (`{"position": "0/16B3748"}`), and
`_COMPLETE` of which objects it is made (`{"files": [{"key": …, "version_id": …, "records": …}, …]}`).
"""

from typing import Annotated, TypeVar

import msgspec

from bronze.errors import FileRefusedError

# A `_COMPLETE` that lists half a million objects. Nobody needs it, and a marker is held in memory.
MOST_BYTES = 64 << 20


class Begin(msgspec.Struct, frozen=True):
    """What `_BEGIN` says; a position that is a number may stand as one."""

    position: Annotated[str, msgspec.Meta(min_length=1)] | Annotated[int, msgspec.Meta(ge=0)]


class ListedFile(msgspec.Struct, frozen=True):
    """One object of a reload. `version_id` is `null` in a bucket without versions."""

    key: str
    records: Annotated[int, msgspec.Meta(ge=0)]
    version_id: str = "null"


class Complete(msgspec.Struct, frozen=True):
    """What `_COMPLETE` says."""

    files: tuple[ListedFile, ...]


_Said = TypeVar("_Said", Begin, Complete)


def begin(text: bytes) -> str:
    """The snapshot's position as `_BEGIN` writes it. Raises FileRefusedError."""
    return str(_read(Begin, text).position)


def complete(text: bytes) -> tuple[ListedFile, ...]:
    """The objects that `_COMPLETE` lists. Raises FileRefusedError."""
    return _read(Complete, text).files


def _read(kind: type[_Said], text: bytes) -> _Said:
    try:
        text.decode()  # all of it is kept as text, also keys that are passed over here
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FileRefusedError("marker", f"it is not what a marker of a reload holds: {error}") from error
