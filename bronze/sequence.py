"""`_seq`: fixed-width text that sorts by (epoch, log position, loads before changes, order).

The rules of positions are implemented twice: exactly by `position`, and by the kernel, which writes the same
text for the positions that it is sure of.
"""

import re
from datetime import datetime
from typing import Any

from bronze.contract import PositionKind
from bronze.errors import RefusedError
from bronze.lexical import read_timestamp

# A position may be followed by details, as in change capture from PostgreSQL
# (`00000002/7C007178.3.00000002/7C007178`); the first part is the record's own position in the log.
_PATTERNS: dict[PositionKind, re.Pattern[str]] = {
    "lsn": re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})(?:\.[0-9A-Fa-f./]*)?"),
    "binlog": re.compile(r"[^:]*\.([0-9]{1,10}):([0-9]{1,20})(?::[ -~]*)?"),
    "number": re.compile(r"[0-9]{1,20}"),
}
_PART_WIDTHS: dict[PositionKind, tuple[int, int]] = {"lsn": (8, 8), "binlog": (10, 20)}
_WIDTH: dict[PositionKind, int] = {"lsn": 16, "binlog": 30, "number": 20, "timestamp": 20}
_EPOCH = datetime(1970, 1, 1)  # UTC, without a zone, as read_timestamp has it


def lowest(kind: PositionKind) -> str:
    """Return the lowest position of a kind."""
    return "0" * _WIDTH[kind]


def snapshot(kind: PositionKind, written: str | None) -> str:
    """Return the normalised snapshot position of loads; the lowest if none is given.

    Raises RefusedError with the name `position`.
    """
    if written is None:
        return lowest(kind)
    try:
        return position(kind, written)
    except RefusedError as refusal:
        raise refusal.of("position") from None


def position(kind: PositionKind, written: str) -> str:
    """Normalise one stream position. Raises RefusedError: `type` if it is not of `kind`, or `range`."""
    if kind == "timestamp":
        microseconds = (read_timestamp(written) - _EPOCH) // datetime.resolution
        if microseconds < 0:
            raise RefusedError("range")
        return f"{microseconds:020d}"
    found = _PATTERNS[kind].fullmatch(written)
    if found is None:
        raise RefusedError("type")
    if kind == "number":
        return written.zfill(20)
    high, low = _PART_WIDTHS[kind]
    return found[1].upper().zfill(high) + found[2].upper().zfill(low)


def lsn(value: int) -> str:
    """Normalise a PostgreSQL log position that is given as a number."""
    return f"{value:016X}"


def load(epoch: int, place: str, extract: int) -> str:
    """Return the `_seq` of a row that was loaded from a snapshot at the normalised position `place`.

    It sorts before all changes from that position on, and after the same row of an earlier extract.
    """
    return f"{epoch:010d}.{place}.0.{extract:020d}"


def not_before(load: str, place: str) -> str:
    """Raise the position of the `_seq` `load` to the normalised position `place`, if that is higher."""
    epoch, held, kind, order = load.split(".")
    return ".".join((epoch, max(held, place), kind, order))


def change(epoch: int, place: str, order: int) -> str:
    """Return the `_seq` of a change at the normalised position `place`; `order` is its number there."""
    return f"{epoch:010d}.{place}.1.{order:020d}"


def changes(epoch: int, places: Any, orders: Any) -> Any:
    """`_seq` of many changes, from what the kernel reads of positions and orders; None: each is 0."""
    from bronze import kernel  # which a small file does not need

    return kernel.sequences(f"{epoch:010d}.", places, ".1.", 0 if orders is None else orders)


def loads(load: str, places: Any) -> Any:
    """`not_before` of many places that the kernel has read."""
    from bronze import kernel

    epoch, held, kind, order = load.split(".")
    return kernel.sequences(f"{epoch}.", places, f".{kind}.", int(order), least=held)
