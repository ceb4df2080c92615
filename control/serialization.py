"""Values of `control.model` as JSON: items of the control store, and the documents of an attempt."""

import hashlib
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from control.errors import UpstreamError
from control.model import Item

T = TypeVar("T")
Record = dict[str, Any]
# Errors of decoding: not the expected JSON, bad UTF-8, or nested too deep.
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def to_json(value: object) -> bytes:
    """Return the canonical JSON text of `value`: equal values give equal bytes."""
    return msgspec.json.encode(value, order="deterministic")


def from_json(kind: type[T], text: bytes, where: str) -> T:
    """Decode a `kind` from JSON; unknown keys are ignored. Raises UpstreamError, which names `where`."""
    try:
        return msgspec.json.decode(text, type=kind)
    except NOT_JSON as error:
        raise UpstreamError(f"{where} is not a valid {kind.__name__}: {error}") from error


def digest(text: bytes) -> str:
    """SHA-256 in hex digits."""
    return hashlib.sha256(text).hexdigest()


def to_record(item: Item) -> Record:
    """Fields of an item as JSON values; times are ISO 8601 texts."""
    record: Record = msgspec.to_builtins(item)
    return record


def from_record(kind: type[T], record: Record) -> T:
    """Rebuild an item; numbers may be Decimal or int. Raises UpstreamError if the record is not valid."""
    try:
        return msgspec.convert(_whole(record), kind)
    except msgspec.ValidationError as error:
        raise UpstreamError(
            f"an item of the control store is not a valid {kind.__name__}: {error}",
            hint="was it written by another version of dm?",
        ) from error


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value
