"""The markers of a reload, `_BEGIN` and `_COMPLETE`: JSON objects under `reload=<n>/`.

`_BEGIN` has the snapshot's position in the source's log (`{"position": "0/16B3748"}`), and `_COMPLETE` lists
the objects of the reload (`{"files": [{"key": …, "version_id": …, "records": …}, …]}`).
"""

from typing import Annotated, TypeVar

import msgspec

from bronze.errors import FileRefusedError

# Enough for a `_COMPLETE` that lists half a million objects; a marker is held in memory.
MOST_BYTES = 64 << 20


class Begin(msgspec.Struct, frozen=True):
    """The content of `_BEGIN`; a numeric position may be a JSON number."""

    position: Annotated[str, msgspec.Meta(min_length=1)] | Annotated[int, msgspec.Meta(ge=0)]


class ListedFile(msgspec.Struct, frozen=True):
    """One object of a reload. `version_id` is `null` in a bucket without versions."""

    key: str
    records: Annotated[int, msgspec.Meta(ge=0)]
    version_id: str = "null"


class Complete(msgspec.Struct, frozen=True):
    """The content of `_COMPLETE`."""

    files: tuple[ListedFile, ...]


_Said = TypeVar("_Said", Begin, Complete)


def begin(text: bytes) -> str:
    """Return the snapshot's position, as written in `_BEGIN`. Raises FileRefusedError."""
    return str(_read(Begin, text).position)


def complete(text: bytes) -> tuple[ListedFile, ...]:
    """Return the objects that `_COMPLETE` lists. Raises FileRefusedError."""
    return _read(Complete, text).files


def _read(kind: type[_Said], text: bytes) -> _Said:
    try:
        text.decode()  # the whole marker is kept as text, including keys that are ignored here
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FileRefusedError("marker", f"it is not what a marker of a reload holds: {error}") from error
