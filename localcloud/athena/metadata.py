"""The `.metadata` file beside a result file: the columns as a protobuf message, which JDBC drivers read.

There is no public schema. Field numbers are those that public readers use. Which fields a type has was
observed in Athena's own files: complex types have no precision, booleans and dates only some fields.
"""

from localcloud.athena.model import Answer
from localcloud.athena.results import ColumnInfo, column_infos, update_count

_CATALOG, _NAME, _LABEL, _TYPE, _PRECISION, _SCALE, _NULLABLE, _CASE_SENSITIVE = 1, 4, 5, 6, 7, 8, 9, 10
_UNKNOWN_NULLABLE = 3
_NO_NUMBERS = frozenset({"array", "map", "row", "json", "uuid", "ipaddress", "string", "unknown"})
_NO_PRECISION = frozenset({"boolean", "date", "interval day to second", "interval year to month"})
_UPDATES = {"CREATE_TABLE_AS_SELECT": "CREATE TABLE"}


def encode(answer: Answer, query_id: str) -> bytes:
    """Return the file's bytes: the query id, for writes kind and row count, then a message per column."""
    found = _text(1, query_id)
    writes = answer.substatement_type in ("INSERT", "UPDATE", "DELETE", "MERGE", "CREATE_TABLE_AS_SELECT")
    if writes:
        found += _text(2, _UPDATES.get(answer.substatement_type, answer.substatement_type))
        found += _number(3, update_count(answer) or 0)
    return found + b"".join(_bytes(4, _column(info)) for info in column_infos(answer))


def _column(info: ColumnInfo) -> bytes:
    found = _text(_CATALOG, "hive") + _text(_NAME, info.name) + _text(_LABEL, info.name)
    found += _text(_TYPE, info.type)
    numbers = info.type not in _NO_NUMBERS
    if numbers and info.type not in _NO_PRECISION:
        found += _number(_PRECISION, info.precision)
    if numbers and (info.type not in _NO_PRECISION or info.type == "date"):
        found += _number(_SCALE, info.scale)
    found += _number(_NULLABLE, _UNKNOWN_NULLABLE)
    return found + _number(_CASE_SENSITIVE, int(info.case_sensitive)) if numbers else found


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, content: str) -> bytes:
    return _bytes(field, content.encode())
