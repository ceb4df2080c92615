"""Read columns of fields by their layout: the values, and which of them are certainly good."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bronze.change_layout import Field, Value
from bronze.schema import arrow_type

# So many texts show whether a column has few distinct ones. Where it has, each is judged once.
_LOOKED_AT = 64


def certain(field: Field, column: Any) -> Any:
    """Which fields of `column` hold the constant bytes of `field`."""
    if field.value is None:
        return pc.equal(column, field.prefix)
    starts = pc.starts_with(column, field.prefix)
    return pc.and_(starts, pc.ends_with(column, field.suffix)) if field.suffix else starts


def read(field: Field, value: Value, column: Any) -> tuple[Any, Any]:
    """The values in `column`, and which of them are certainly good, None when all are. Others may be null.

    What has no type gives texts. The constant bytes are cut off, not looked at.
    """
    if pc.all(pc.equal(column, column[0])).as_py():
        values, good = _read(field, value, column.slice(0, 1))
        same = pa.repeat(pa.scalar(0, pa.int32()), len(column))
        return values.take(same), good and good.take(same)
    return _read(field, value, column)


def _read(field: Field, value: Value, column: Any) -> tuple[Any, Any]:
    texts = pc.utf8_slice_codeunits(column, len(field.prefix), -len(field.suffix) or None)
    if value.integers and (numbers := _canonical(texts, arrow_type(value.type or "bigint"))) is not None:
        return numbers, None
    few = len(texts.slice(0, _LOOKED_AT).unique()) <= _LOOKED_AT // 2
    if not few:
        return _judged(value, texts)
    distinct = texts.dictionary_encode()
    values, good = _judged(value, distinct.dictionary)
    return values.take(distinct.indices), good and good.take(distinct.indices)


def _canonical(texts: Any, kind: Any) -> Any:
    """Integers that, written back, give the same texts, as only JSON's do; None where one does not."""
    try:
        numbers = texts.cast(kind)
    except pa.ArrowInvalid:
        return None
    return numbers if numbers.cast(pa.string()).equals(texts) else None


def _judged(value: Value, texts: Any) -> tuple[Any, Any]:
    good = pc.match_substring_regex(texts, rf"\A(?:{value.patterns[0]})\z")
    for pattern in value.patterns[1:]:
        good = pc.and_(good, pc.match_substring_regex(texts, rf"\A(?:{pattern})\z"))
    if pc.all(good).as_py():
        return _cast(texts, value.type), None
    values = _cast(pc.if_else(good, texts, None), value.type)
    return values, good if value.null is None else pc.or_(good, pc.equal(texts, value.null))


def _cast(texts: Any, hive_type: str | None) -> Any:
    if hive_type is None or hive_type == "string":
        return texts
    if hive_type == "timestamp":
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    if hive_type == "float":  # as the exact rules do: by way of a double
        return texts.cast(pa.float64()).cast(pa.float32())
    return texts.cast(arrow_type(hive_type))
