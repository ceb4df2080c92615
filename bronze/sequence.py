"""`_seq`: fixed-width text that sorts as (epoch, log position, load before change, order) does.

The rules are spelled twice: `position` reads one stream position exactly, and `positions` normalises a whole
column of those that match `CERTAIN`, to the same text.
"""

import re
from datetime import datetime
from typing import Any

import pyarrow as pa

from bronze.contract import PositionKind
from bronze.errors import RefusedError
from bronze.lexical import CERTAIN_TIMESTAMP, read_timestamp

# A position may be followed by particulars, as change capture from PostgreSQL writes them
# (`00000002/7C007178.3.00000002/7C007178`); what leads is the record's own place in the log.
CERTAIN: dict[PositionKind, str] = {
    "lsn": r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})(?:\.[0-9A-Fa-f./]*)?",
    "binlog": r"[^:]*\.([0-9]{1,10}):([0-9]{1,20})(?::[ -~]*)?",
    "number": r"[0-9]{1,20}",
    "timestamp": CERTAIN_TIMESTAMP,
}
_EXACT = {kind: re.compile(pattern) for kind, pattern in CERTAIN.items()}
_PART_WIDTHS: dict[PositionKind, tuple[int, int]] = {"lsn": (8, 8), "binlog": (10, 20)}
_WIDTH: dict[PositionKind, int] = {"lsn": 16, "binlog": 30, "number": 20, "timestamp": 20}
_LONGEST = (1 << 31) - 1
_EPOCH = datetime(1970, 1, 1)  # UTC, without a zone, as read_timestamp has it


def lowest(kind: PositionKind) -> str:
    """The position before all others of its kind."""
    return "0" * _WIDTH[kind]


def snapshot(kind: PositionKind, written: str | None) -> str:
    """The normalised position of the snapshot that loads are read from, the lowest where nothing says it.

    Raises RefusedError of `position`.
    """
    if written is None:
        return lowest(kind)
    try:
        return position(kind, written)
    except RefusedError as refusal:
        raise refusal.of("position") from None


def position(kind: PositionKind, written: str) -> str:
    """Normalise one stream position. Raises RefusedError: `type` when it is not of `kind`, or `range`."""
    if kind == "timestamp":
        microseconds = (read_timestamp(written) - _EPOCH) // datetime.resolution
        if microseconds < 0:
            raise RefusedError("range")
        return f"{microseconds:020d}"
    found = _EXACT[kind].fullmatch(written)
    if found is None:
        raise RefusedError("type")
    if kind == "number":
        return written.zfill(20)
    high, low = _PART_WIDTHS[kind]
    return found[1].upper().zfill(high) + found[2].upper().zfill(low)


def positions(kind: PositionKind, written: Any) -> Any:
    """Normalise a string array of positions that all match `CERTAIN[kind]`."""
    import pyarrow.compute as pc  # 25 ms that a small file does not need

    if kind == "timestamp":
        moments = written.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        return pc.ascii_lpad(moments.cast(pa.string()), 20, "0")
    if kind == "number":
        return pc.ascii_lpad(written, 20, "0")
    if kind == "lsn" and (widths := _lsn_widths(written)) is not None:
        high, low = widths
        closed = pc.binary_replace_slice(pc.ascii_upper(written), high, high + 1, "0" * (8 - low))
        return pc.binary_replace_slice(closed, 0, 0, "0" * (8 - high))
    # Splitting costs 0.2 µs a value, capture groups 0.5, and reading one by one 1.2.
    if kind == "lsn":
        parts = pc.split_pattern(pc.ascii_upper(written), "/")
        high = pc.list_element(parts, 0)
        low = pc.list_element(pc.split_pattern(pc.list_element(parts, 1), ".", max_splits=1), 0)
    else:
        parts = pc.split_pattern(written, ":")
        high = pc.list_element(
            pc.split_pattern(pc.list_element(parts, 0), ".", max_splits=1, reverse=True), 1
        )
        low = pc.list_element(parts, 1)
    widths = _PART_WIDTHS[kind]
    return pc.binary_join_element_wise(
        pc.ascii_lpad(high, widths[0], "0"), pc.ascii_lpad(low, widths[1], "0"), ""
    )


def _lsn_widths(written: Any) -> tuple[int, int] | None:
    """How many digits stand before and after the slash, where it is as many in all and nothing follows."""
    import pyarrow.compute as pc

    slashes = pc.min_max(pc.find_substring(written, "/"))
    lengths = pc.min_max(pc.binary_length(written))
    at, length = slashes["min"].as_py(), lengths["min"].as_py()
    if at is None or at != slashes["max"].as_py() or length != lengths["max"].as_py():
        return None
    if pc.max(pc.find_substring(written, ".")).as_py() >= 0:  # a quarter of what match_substring takes
        return None
    return at, length - at - 1


def load(epoch: int, place: str, extract: int) -> str:
    """`_seq` of a row that was loaded from a snapshot at the normalised position `place`.

    It comes before every change from there on, and after the same row of an earlier extract.
    """
    return f"{epoch:010d}.{place}.0.{extract:020d}"


def change(epoch: int, place: str, order: int) -> str:
    """`_seq` of a change at the normalised position `place`; `order` is its place in the transaction."""
    return f"{epoch:010d}.{place}.1.{order:020d}"


def changes(epoch: int, places: Any, orders: Any) -> Any:
    """`_seq` of many changes, from string array of positions and an int64 array of orders."""
    import pyarrow.compute as pc

    known = pc.min_max(orders)
    if known["min"].as_py() is not None and known["min"] == known["max"]:  # half the time
        tail = f".1.{known['min'].as_py():020d}"
        begun = pc.binary_replace_slice(places, 0, 0, f"{epoch:010d}.")
        return pc.binary_replace_slice(begun, _LONGEST, _LONGEST, tail)
    tail = pc.ascii_lpad(orders.cast(pa.string()), 20, "0")
    return pc.binary_join_element_wise(f"{epoch:010d}", places, "1", tail, ".")
