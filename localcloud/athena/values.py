"""Convert every value to text as Athena prints it.

Arrow converts whole columns; only where its spelling differs is a column converted value by value
(100,000 rows of four columns: 0.1 s). A column that already holds text is returned unchanged.
"""

import zlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv6Address
from itertools import pairwise
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.athena.types import Type, parse

_UTC = ("UTC", "Etc/UTC", "+00:00", "Z")
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7  # Java writes doubles outside this range with an exponent


def texts(column: pa.ChunkedArray, type_: Type) -> pa.ChunkedArray:
    """Return the column as strings, null where the value is NULL."""
    held = column.type
    if pa.types.is_string(held) or pa.types.is_large_string(held):
        return column
    if pa.types.is_null(held):
        return pc.cast(column, pa.string())
    if pa.types.is_floating(held):
        return _floats(column)
    if pa.types.is_timestamp(held):
        return _timestamps(column, _digits(type_))
    if pa.types.is_time(held):
        return _cut(pc.cast(pc.cast(column, pa.time64("us")), pa.string()), 8, _digits(type_))
    if pa.types.is_integer(held) or pa.types.is_boolean(held):
        return pc.cast(column, pa.string())
    if pa.types.is_date(held):
        return _dates(column)
    if pa.types.is_decimal(held):
        return _decimals(column)
    if pa.types.is_binary(held) or pa.types.is_large_binary(held) or pa.types.is_fixed_size_binary(held):
        spell = {"uuid": _uuid, "ipaddress": _address}.get(type_.name, _hex)
        return pa.chunked_array([_each(chunk, spell) for chunk in column.chunks], pa.string())
    if pa.types.is_duration(held) or pa.types.is_interval(held):
        spell = _months if type_.name == "interval year to month" else _interval
        return pa.chunked_array([_each(chunk, spell) for chunk in column.chunks], pa.string())
    nested = [pa.array(_nested(chunk, type_), pa.string()) for chunk in column.chunks]
    return pa.chunked_array(nested, pa.string())


def _each(chunk: pa.Array, spell: Callable[[Any], str]) -> pa.Array:
    return pa.array([None if value is None else spell(value) for value in chunk.to_pylist()], pa.string())


def _nested(array: pa.Array, type_: Type) -> list[str | None]:
    """Convert arrays, maps and rows: first each part as one column of texts, then join these per row."""
    held = array.type
    if pa.types.is_struct(held):
        spelled = _rows(array, type_)
    elif pa.types.is_map(held):
        spelled = _maps(array, type_)
    else:
        spelled = _lists(array, type_)
    present = array.is_valid().to_pylist()
    return [one if there else None for one, there in zip(spelled, present, strict=True)]


def _parts(array: pa.Array, type_: Type) -> list[str]:
    """Convert what is inside a value: null is `null`, bytes print as Java's name of their array."""
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        found = [None if value is None else _java_bytes(value) for value in array.to_pylist()]
    elif pa.types.is_nested(array.type):
        found = _nested(array, type_)
    else:
        found = texts(pa.chunked_array([array]), type_).to_pylist()
    return ["null" if one is None else one for one in found]


def _rows(array: pa.Array, type_: Type) -> list[str]:
    if array.type.num_fields == 0:
        return ["{}"] * len(array)
    parts = type_.parts or tuple((array.type.field(at).name, _UNKNOWN) for at in range(array.type.num_fields))
    spelled = [_parts(array.field(at), part) for at, (_, part) in enumerate(parts)]
    names = [f"{name}=" if name else "" for name, _ in parts]
    return [
        "{" + ", ".join(name + one for name, one in zip(names, row, strict=True)) + "}"
        for row in zip(*spelled, strict=True)
    ]


def _lists(array: pa.Array, type_: Type) -> list[str]:
    if pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.list_(array.type.value_type))
    offsets = array.offsets.to_pylist()
    inside = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    parts = _parts(inside, type_.parts[0][1] if type_.parts else _UNKNOWN)
    bounds = pairwise(at - offsets[0] for at in offsets)
    return [f"[{', '.join(parts[start:stop])}]" for start, stop in bounds]


def _maps(array: pa.Array, type_: Type) -> list[str]:
    offsets = array.offsets.to_pylist()
    first, length = offsets[0], offsets[-1] - offsets[0]
    key, element = (part for _, part in type_.parts) if type_.name == "map" else (_UNKNOWN, _UNKNOWN)
    keys = array.keys.slice(first, length)
    entries = zip(_parts(keys, key), _parts(array.items.slice(first, length), element), strict=True)
    spelled = [f"{name}={value}" for name, value in entries]
    order = _ranks(keys)
    found = []
    for start, stop in pairwise(at - first for at in offsets):
        by_key = sorted(range(start, stop), key=order.__getitem__)
        found.append("{" + ", ".join(spelled[at] for at in by_key) + "}")
    return found


def _ranks(keys: pa.Array) -> list[int]:
    """Rank the keys: Athena prints the entries of a map ordered by key."""
    if pa.types.is_nested(keys.type):
        return list(range(len(keys)))
    found: list[int] = pc.rank(keys, tiebreaker="first").to_pylist()
    return found


def _floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    shortest = pc.cast(column, pa.string())
    size = pc.abs(column)
    plain = pc.or_(pc.equal(size, 0), pc.and_(pc.greater_equal(size, _PLAIN_FROM), pc.less(size, _PLAIN_TO)))
    whole = pc.invert(pc.match_substring(shortest, "."))
    shown = pc.if_else(pc.and_(plain, whole), pc.binary_join_element_wise(shortest, ".0", ""), shortest)
    if pc.all(plain).as_py() is not False:
        return shown
    # NaN compares false with everything, so it is among the values converted here.
    pairs = zip(shown.to_pylist(), plain.to_pylist(), strict=True)
    spelled = [value if value is None or is_plain else java_float(value) for value, is_plain in pairs]
    return pa.chunked_array([pa.array(spelled, pa.string())])


@lru_cache(maxsize=4096)
def java_float(shortest: str) -> str:
    """Java's spelling of a float or double, from its shortest digits: `1e+20` is `1.0E20`, `nan` is `NaN`."""
    sign, digits = ("-", shortest[1:]) if shortest.startswith("-") else ("", shortest)
    if digits == "nan":
        return "NaN"
    if digits == "inf":
        return sign + "Infinity"
    number = Decimal(digits)
    if number == 0:
        return sign + "0.0"
    exponent = number.adjusted()
    if -3 <= exponent < 7:
        plain = f"{number.normalize():f}"
        return sign + (plain if "." in plain else plain + ".0")
    significant = "".join(map(str, number.normalize().as_tuple().digits))
    return f"{sign}{significant[0]}.{significant[1:] or '0'}E{exponent}"


def _decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    shown = pc.cast(column, pa.string())
    if not pc.any(pc.match_substring(shown, "E")).as_py():
        return shown
    spelled = [None if value is None else f"{Decimal(value):f}" for value in shown.to_pylist()]
    return pa.chunked_array([pa.array(spelled, pa.string())])


def _digits(type_: Type) -> int:
    return type_.numbers[0] if type_.numbers else 3


def _timestamps(column: pa.ChunkedArray, digits: int) -> pa.ChunkedArray:
    zone = column.type.tz
    if zone is not None:
        naive = column if zone in _UTC else pc.local_timestamp(column)
        column = pc.cast(naive, pa.timestamp(column.type.unit))
    unit = "us" if digits <= 6 else "ns"
    shown = _cut(pc.cast(pc.cast(column, pa.timestamp(unit), safe=False), pa.string()), 19, digits)
    if zone is None:
        return shown
    return pc.binary_join_element_wise(shown, "UTC" if zone in _UTC else zone, " ")


def _cut(shown: pa.ChunkedArray, whole: int, digits: int) -> pa.ChunkedArray:
    """Keep `whole` characters and `digits` of the fraction after them."""
    kept = whole + 1 + digits if digits else whole
    cut = pc.utf8_slice_codeunits(shown, 0, kept)
    far = pc.greater(pc.utf8_length(shown), whole + len(".000000" if digits <= 6 else ".000000000"))
    if not pc.any(far).as_py():
        return cut
    return pc.if_else(far, _signed(pc.utf8_slice_codeunits(shown, 0, kept + 1)), cut)


def _dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    shown = pc.cast(column, pa.string())
    far = pc.greater(pc.utf8_length(shown), len("2024-01-01"))
    return pc.if_else(far, _signed(shown), shown) if pc.any(far).as_py() else shown


def _signed(shown: pa.ChunkedArray) -> pa.ChunkedArray:
    """Add a plus sign to dates and timestamps whose year has five digits, as Java does."""
    return pc.replace_substring_regex(shown, r"^(\d)", r"+\1")


def _hex(value: bytes) -> str:
    return value.hex(" ")


def _address(value: bytes) -> str:
    address = IPv6Address(value)
    return str(address.ipv4_mapped or address)


def _uuid(value: bytes | UUID) -> str:
    return str(value if isinstance(value, UUID) else UUID(bytes=value))


def _java_bytes(value: bytes) -> str:
    # Inside other values Athena shows Java's name of the array: `[B@` and a meaningless number.
    return f"[B@{zlib.crc32(value):x}"


def _months(value: Any) -> str:
    """`years-months`."""
    months = value[0]
    return f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"


def _interval(value: Any) -> str:
    """`days hours:minutes:seconds.milliseconds`."""
    if isinstance(value, tuple):
        _, days, nanoseconds = value
        value = timedelta(days=days, microseconds=nanoseconds // 1000)
    milliseconds = round(value.total_seconds() * 1000)
    sign, left = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    left, fraction = divmod(left, 1000)
    left, seconds = divmod(left, 60)
    left, minutes = divmod(left, 60)
    days, hours = divmod(left, 24)
    return f"{sign}{days} {hours:02}:{minutes:02}:{seconds:02}.{fraction:03}"


_UNKNOWN = parse("varchar")
