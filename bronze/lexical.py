"""The exact rules for values, by type: nothing is coerced, rounded or guessed.

Each type has two readers: `text` for a CSV field and `json` for a JSON value. Both raise RefusedError with
the kind of refusal.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

from bronze.errors import RefusedError
from bronze.schema import MILLISECONDS, decimal_digits

_Written = TypeVar("_Written")
_Read = TypeVar("_Read")


class Number(str):
    """A JSON number as written, so that it is read exactly and never through a float."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The readers of one type."""

    text: Callable[[str], object]
    json: Callable[[object], object]


_INTEGER = re.compile(r"[ \t]*(-?[0-9]{1,19})[ \t]*")
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]+))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.([0-9]+))?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)


def _integer(bits: int) -> Reading:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def text(field: str) -> int:
        found = _INTEGER.fullmatch(field)
        if found is None:
            raise RefusedError("type")
        value = int(found[1])
        if not low <= value <= high:
            raise RefusedError("range")
        return value

    def json(value: object) -> int:
        digits, exponent, sign = _exact(_number(value))
        if digits and exponent < 0:
            raise RefusedError("type")
        if len(digits) + exponent > 19:
            raise RefusedError("range")
        number = int(sign + digits) * 10**exponent if digits else 0
        if not low <= number <= high:
            raise RefusedError("range")
        return number

    return Reading(text, json)


def _float_text(field: str) -> float:
    if not _NUMBER.fullmatch(field):
        raise RefusedError("type")
    return _finite(float(field))


def _float_json(value: object) -> float:
    text = _number(value)
    # -0 is an integer, which has no negative zero; -0.0 is a float, which has.
    return _finite(float(text) if set(text) & set(".eE") else float(text) + 0.0)


def _finite(value: float) -> float:
    if value in (float("inf"), float("-inf")):
        raise RefusedError("range")
    return value


def _single(value: float) -> float:
    """Refuse a value that overflows a 32-bit float. Rounding happens when the column is built."""
    try:
        struct.pack("<f", value)  # not "f": the native format does not check for overflow
    except OverflowError:
        raise RefusedError("range") from None
    return value


def _decimal(precision: int, scale: int) -> Reading:
    def text(field: str) -> Decimal:
        digits, exponent, sign = _exact(field)
        if digits and (len(digits) + exponent > precision - scale or exponent < -scale):
            raise RefusedError("range")
        zeros = "0" * (exponent + scale)  # padded to the column's scale, as Arrow stores it
        return Decimal(f"{sign}{digits or '0'}{zeros}E-{scale}")

    def json(value: object) -> Decimal:
        # Change capture writes decimals as numbers in loads and as texts in changes.
        return text(value if isinstance(value, str) else _number(value))

    return Reading(text, json)


def _exact(text: str) -> tuple[str, int, str]:
    """Split a decimal number: (digits without zeros at either end, power of ten of the last one, sign)."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise RefusedError("type")
    sign, whole, fraction, bare_fraction, exponent = found.groups("")
    digits = whole + fraction + bare_fraction
    kept = digits.rstrip("0")
    if not kept.lstrip("0"):
        return "", 0, ""
    # An exponent of ten digits is already out of range for every type.
    size = int(exponent.lstrip("+-0")[:10] or "0")
    power = -size if exponent.startswith("-") else size
    shift = power - len(fraction + bare_fraction) + len(digits) - len(kept)
    return kept.lstrip("0"), shift, sign.replace("+", "")


def _number(value: object) -> str:
    if not isinstance(value, Number):
        raise RefusedError("type")
    return value


def _boolean_text(field: str) -> bool:
    if field not in ("true", "false"):
        raise RefusedError("type")
    return field == "true"


def _boolean_json(value: object) -> bool:
    if not isinstance(value, bool):
        raise RefusedError("type")
    return value


def _date(field: str) -> date:
    if not _DATE.fullmatch(field):
        raise RefusedError("type")
    try:
        return date.fromisoformat(field)
    except ValueError:
        raise RefusedError("type") from None


def read_timestamp(field: str) -> datetime:
    """Read ISO 8601 with a `T`, to the minute or finer, as UTC without a zone; a missing zone means UTC.

    Refuses as `range` times finer than a microsecond or outside of the years 1 to 9999 in UTC.
    """
    found = _TIMESTAMP.fullmatch(field)
    if found is None:
        raise RefusedError("type")
    if found[1] and found[1][6:].strip("0"):
        raise RefusedError("range")
    try:
        moment = datetime.fromisoformat(field)
    except ValueError:
        raise RefusedError("type") from None
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise RefusedError("range") from None


def _milliseconds(field: str) -> datetime:
    moment = read_timestamp(field)
    if moment.microsecond % 1000:
        raise RefusedError("range")
    return moment


def _binary(field: str) -> bytes:
    """Read canonical base64 with padding, as in RFC 4648, without line ends."""
    try:
        value = base64.b64decode(field, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("type") from None
    if base64.b64encode(value).decode() != field:
        raise RefusedError("type")
    return value


def _text(field: str) -> str:
    return field


def _json_text(read: Callable[[str], object]) -> Callable[[object], object]:
    def json(value: object) -> object:
        if not isinstance(value, str) or isinstance(value, Number):
            raise RefusedError("type")
        return read(value)

    return json


_PLAIN: dict[str, Reading] = {
    "int": _integer(32),
    "bigint": _integer(64),
    "double": Reading(_float_text, _float_json),
    "float": Reading(lambda field: _single(_float_text(field)), lambda value: _single(_float_json(value))),
    "boolean": Reading(_boolean_text, _boolean_json),
    "date": Reading(_date, _json_text(_date)),
    "timestamp": Reading(read_timestamp, _json_text(read_timestamp)),
    MILLISECONDS: Reading(_milliseconds, _json_text(_milliseconds)),
    "binary": Reading(_binary, _json_text(_binary)),
    "string": Reading(_text, _json_text(_text)),
}


def reading(hive_type: str) -> Reading:
    """Return the readers of a normalised type that is not nested (`schema.normal_type`), or MILLISECONDS."""
    digits = decimal_digits(hive_type)
    return _decimal(*digits) if digits else _PLAIN[hive_type]


def named(name: str, read: Callable[[_Written], _Read], value: _Written) -> _Read:
    """Read a value; a refusal includes `name`. Raises RefusedError."""
    try:
        return read(value)
    except RefusedError as refusal:
        raise refusal.of(name) from None
