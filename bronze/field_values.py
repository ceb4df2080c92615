"""Read columns of fields by their layout: the values, and which of them are certainly good.

Where all texts of a column have one shape, that is differ in digits alone, what holds of one of them holds of
all, and no regular expression has to look at each, which takes five times as long.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bronze.change_layout import ANY_TEXT, Field, Value
from bronze.lexical import CERTAIN_TIMESTAMP
from bronze.schema import arrow_type
from bronze.sequence import CERTAIN

# So many texts show whether a column has few distinct ones. Where it has, each is judged once.
_LOOKED_AT = 32
_FEW = 256
_LONGEST = (1 << 31) - 1
# As many words as are remembered of one field.
_REMEMBERED = 4096
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_HEX_DIGITS = bytes.maketrans(b"123456789abcdefABCDEF", b"0" * 21)
# Patterns that match a text whatever digits it has, and what makes its digits one.
_SHAPED = {ANY_TEXT: _DIGITS, CERTAIN["number"]: _DIGITS, CERTAIN["lsn"]: _HEX_DIGITS}


@dataclass(frozen=True, slots=True)
class _Word:
    """A whole field that was judged, and its value; None when it is not good, null, or not looked at."""

    good: bool
    value: object


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the columns of one field, block after block."""

    spec: Field
    judged: dict[str, _Word] = field(default_factory=dict)

    def read(self, column: Any) -> tuple[Any, Any]:
        """The values in `column`, and which are certainly good, None when all are. Others may be null.

        What no rule looks at gives no values.
        """
        first = column[0]
        if first.equals(column[-1]) and pc.all(pc.equal(column, first)).as_py():
            return self._few(column.slice(0, 1), pa.repeat(pa.scalar(0, pa.int32()), len(column)))
        if self.spec.value is None:
            return None, pc.equal(column, self.spec.prefix)
        if len(set(column.slice(0, _LOOKED_AT).to_pylist())) <= _LOOKED_AT // 2:
            distinct = column.dictionary_encode()
            if len(distinct.dictionary) <= _FEW:
                return self._few(distinct.dictionary, distinct.indices)
        return self._many(self.spec.value, column)

    def _few(self, texts: Any, indices: Any) -> tuple[Any, Any]:
        words = [self._word(text) for text in texts.to_pylist()]
        kind = self.spec.value and self.spec.value.type
        values = pa.array([word.value for word in words], arrow_type(kind)).take(indices) if kind else None
        verdicts = [word.good for word in words]
        return values, None if all(verdicts) else pa.array(verdicts).take(indices)

    def _word(self, text: str) -> _Word:
        word = self.judged.get(text)
        if word is None:
            good = self.spec.allows(text)
            word = _Word(good, self._value(text) if good else None)
            if len(self.judged) < _REMEMBERED:
                self.judged[text] = word
        return word

    def _value(self, text: str) -> object:
        spec = self.spec
        if spec.value is None or spec.value.type is None or text == spec.null:
            return None
        inner = text[len(spec.prefix) : len(text) - len(spec.suffix)]
        return _cast(pa.array([inner]), spec.value.type)[0].as_py()

    def _cut(self, column: Any) -> Any:
        """The texts without the constant bytes around them; what lacks those may become no text at all."""
        # 11 ns a value; by characters it takes 35, and Arrow 26's binary_slice fails on short texts.
        cut = column.view(pa.binary())
        if self.spec.prefix:
            cut = pc.binary_replace_slice(cut, 0, len(self.spec.prefix.encode()), b"")
        if self.spec.suffix:
            cut = pc.binary_replace_slice(cut, -len(self.spec.suffix.encode()), _LONGEST, b"")
        return cut.view(pa.string())

    def _many(self, value: Value, column: Any) -> tuple[Any, Any]:
        good = pc.starts_with(column, self.spec.prefix)
        if self.spec.suffix:
            good = pc.and_(good, pc.ends_with(column, self.spec.suffix))
        texts = self._cut(column)
        if value.integers and (numbers := _canonical(texts, arrow_type(value.type or "bigint"))) is not None:
            return numbers, good
        if value.type == "timestamp" and (moments := _moments(texts)) is not None:
            return moments, good
        good = pc.and_(good, _matches(value, texts))
        if value.type is None:
            return None, good if value.null is None else pc.or_(good, pc.equal(texts, value.null))
        values = _cast(texts if pc.all(good).as_py() else pc.if_else(good, texts, None), value.type)
        return values, good if value.null is None else pc.or_(good, pc.equal(column, self.spec.null))


def _canonical(texts: Any, kind: Any) -> Any:
    """Integers that, written back, give the same texts, as only JSON's do; None where one does not."""
    try:
        numbers = texts.cast(kind)
    except pa.ArrowInvalid:
        return None
    # What else Arrow takes, 007, -0 and 0x1F, begins with a zero, which is found in a third of the time.
    if any(pc.any(pc.starts_with(texts, zero)).as_py() for zero in ("0", "-0")):
        return numbers if numbers.cast(pa.string()).equals(texts) else None
    return numbers


def _moments(texts: Any) -> Any:
    """The moments that `texts`, all of the shape of a certain one, say; None where not all are certain."""
    first = _alike(texts, _DIGITS)
    if first is None or not re.fullmatch(CERTAIN_TIMESTAMP, first):
        return None
    try:
        moments = _cast(texts, "timestamp")  # which holds the numbers against clock and calendar
    except pa.ArrowInvalid:
        return None
    return moments if pc.min(moments).cast(pa.int64()).as_py() >= 0 else None


def _alike(texts: Any, digits: bytes) -> str | None:
    """The first of `texts` when all others are like it, but for the bytes that `digits` makes the same."""
    lengths = pc.min_max(pc.binary_length(texts))
    size = lengths["min"].as_py()
    if size != lengths["max"].as_py() or not size or texts.null_count:
        return None
    _, offsets, data = texts.buffers()
    start = int.from_bytes(offsets[4 * texts.offset : 4 * texts.offset + 4].to_pybytes(), "little")
    shapes = data[start : start + size * len(texts)].to_pybytes().translate(digits)
    first = (
        data[start : start + size].to_pybytes().decode(errors="replace")
    )  # cut at any byte, where no text is
    return first if shapes == shapes[:size] * len(texts) else None


def _matches(value: Value, texts: Any) -> Any:
    digits = _SHAPED.get(value.patterns[0]) if len(value.patterns) == 1 else None
    if digits and (first := _alike(texts, digits)) is not None and re.fullmatch(value.patterns[0], first):
        return pa.repeat(pa.scalar(True), len(texts))
    if value.patterns == (ANY_TEXT,):
        # A third of what the pattern costs; what this leaves out may still be good.
        odd = pc.or_(pc.match_substring(texts, '"'), pc.match_substring(texts, "\\"))
        plain = pc.and_not(pc.ascii_is_printable(texts), odd)
        if pc.all(plain).as_py():
            return plain
    good = pc.match_substring_regex(texts, rf"\A(?:{value.patterns[0]})\z")
    for pattern in value.patterns[1:]:
        good = pc.and_(good, pc.match_substring_regex(texts, rf"\A(?:{pattern})\z"))
    return good


def _cast(texts: Any, hive_type: str) -> Any:
    if hive_type == "string":
        return texts
    if hive_type == "timestamp":
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    if hive_type == "float":  # as the exact rules do: by way of a double
        return texts.cast(pa.float64()).cast(pa.float32())
    return texts.cast(arrow_type(hive_type))
