"""Learn how change records are laid out: which bytes are always the same, and where values stand.

A producer writes its records alike to the byte: the same keys in the same order, the same spaces. Cut at
every delimiter, each line of such a layout falls into as many fields, and a field holds at most one value
between bytes that never change. So a line is known to be a good record when each of its fields is as it must
be: no JSON needs to be read. All this is about lines of UTF-8 without a backslash.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bronze.change_records import COMMITTED
from bronze.contract import BronzeContract, Column
from bronze.json_objects import objects
from bronze.lexical import CERTAIN_TIMESTAMP, reading
from bronze.schema import decimal_digits
from bronze.sequence import CERTAIN

# Stands for null where a text may be: in quotes like one, and in no JSON text as it is.
NULL_TEXT = "\0"
_QUOTED = ("string", "date", "timestamp")
# Numbers as JSON has them. No -0: it is 0.0 for a double, while -0.0 is not.
_FRACTION = r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,17}"
_WHOLE = "(?:0|-?[1-9][0-9]{0,14})"
_EXPONENT = "(?:[eE][+-]?[0-9]{1,2})?"
_BARE: dict[str, str] = {
    "int": "-?(?:0|[1-9][0-9]{0,8})",
    "bigint": "-?(?:0|[1-9][0-9]{0,17})",
    "float": f"{_FRACTION}|{_WHOLE}",
    "double": f"{_FRACTION}{_EXPONENT}|{_WHOLE}{_EXPONENT}",
    "boolean": "true|false",
}
_ORDER = "0|[1-9][0-9]{0,17}"
_ANY_BARE = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
ANY_TEXT = r'[^"\\\x00-\x1f]*'
_PARTS = ("data", "metadata", "before-image")
# A key, and its value or the brace that opens an object, in a record without a backslash.
_PAIR = re.compile(r'("([^"]*)"[ \t\r]*:[ \t\r]*)(\{|"[^"]*"|[^][ \t\r,{}"]+)')


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at one place: of which object, `part`, and under which key.

    What matches all of `patterns`, which are for Python and for Arrow, is certainly good there. `type` is
    what it is read as, None when no rule looks at it; `null` is how null is written, None when it is not
    allowed; `integers`, whether every integer of the type is good.
    """

    part: str
    key: str
    quoted: bool
    patterns: tuple[str, ...]
    type: str | None = None
    null: str | None = None
    integers: bool = False

    def allows(self, text: str) -> bool:
        """Whether `text`, without its quotes, is certainly good."""
        return text == self.null or all(re.fullmatch(pattern, text) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Field:
    """What stands between two delimiters: bytes that never change, or a value between such."""

    prefix: str
    value: Value | None = None
    suffix: str = ""

    @property
    def null(self) -> str | None:
        """The whole field when its value is null; None when it must not be."""
        null = self.value and self.value.null
        return None if null is None else f"{self.prefix}{null}{self.suffix}"

    def allows(self, text: str) -> bool:
        """Whether `text`, the whole field, is certainly good."""
        if self.value is None:
            return text == self.prefix
        inner = text[len(self.prefix) : len(text) - len(self.suffix)]
        return text == f"{self.prefix}{inner}{self.suffix}" and self.value.allows(inner)


@dataclass(frozen=True, slots=True)
class Layout:
    """How lines look, cut at `delimiter`.

    Before they are cut, a `null` after each of `nulls` becomes NULL_TEXT in quotes. `position`, `committed`
    and `order` name the keys of metadata that say so, None where no key does.
    """

    delimiter: str
    fields: tuple[Field, ...]
    nulls: tuple[bytes, ...]
    loads: bool
    position: str | None
    committed: str | None
    order: str | None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key of the object `part` and its value, `text`, which ends at `end`; `lead` is what leads to it."""

    part: str
    key: str
    lead: str
    text: str
    end: int


def learned(line: bytes, contract: BronzeContract) -> Layout | None:
    """The layout of `line`; None when it is not certainly good, or is so only by the exact rules."""
    plain = contract.records == "plain"
    pairs = _pairs(line, plain=plain)
    rules = _plain_rules(pairs, contract) if plain else _rules(pairs, contract)
    if rules is None:
        return None
    values: list[Value] = []
    for pair in pairs:
        value = rules.value(pair)
        if value is None or not value.allows(_bare(pair, value)):
            return None
        values.append(value)
    delimiter = '"' if any(v.type == "string" and v.part == "data" for v in values) else ","
    return Layout(
        delimiter=delimiter,
        fields=tuple(_fields(_pieces(line.decode(), pairs, values), delimiter)),
        nulls=tuple(p.lead.encode() for p, v in zip(pairs, values, strict=True) if v.null == NULL_TEXT),
        loads=rules.loads,
        position=rules.position,
        committed=rules.committed,
        order=rules.order,
    )


def _pairs(line: bytes, *, plain: bool) -> list[_Pair]:
    """The keys and values of the objects that make the record of `line`; none where it is anything else.

    A plain record is taken for the object `data`.
    """
    found = [] if b"\\" in line else list(objects(line))
    if len(found) != 1 or not isinstance(found[0].value, dict):
        return []
    part = "data" if plain else ""
    pairs: list[_Pair] = []
    seen: list[tuple[str, str]] = []
    for match in _PAIR.finditer(line.decode()):
        lead, key, text = match.groups()
        if text == "{":
            part = key
        else:
            pairs.append(_Pair(part, key, lead, text, match.end()))
        seen.append(("", key) if text == "{" else (part, key))
    # An object or list deeper down, or a value beside the objects, shows here.
    keys = list(_keys({"data": found[0].value} if plain else dict(found[0].value)))
    return pairs if seen == keys[plain:] else []


def _keys(record: dict[str, object]) -> Iterator[tuple[str, str]]:
    for part, value in record.items():
        yield "", part
        yield from ((part, key) for key in (value if isinstance(value, dict) else ()))


def _bare(pair: _Pair, value: Value) -> str:
    """The text of `pair` inside the quotes of `value`; what is never good where quotes differ."""
    if value.quoted and pair.text == "null":
        return NULL_TEXT
    if value.quoted != pair.text.startswith('"'):
        return '"'
    return pair.text[1:-1] if value.quoted else pair.text


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the values of one record have to be."""

    columns: dict[str, Column]
    key: tuple[str, ...]
    operations: tuple[str, ...]
    place: tuple[str, ...]
    position: str | None
    committed: str | None
    order: str | None

    @property
    def loads(self) -> bool:
        return self.operations == ("load",)

    def value(self, pair: _Pair) -> Value | None:
        """What `pair` has to be; None for what the exact rules have to read."""
        column = self.columns.get(pair.key)
        if pair.part == "metadata":
            return self.metadata(pair)
        if pair.part == "data":
            return None if column is None else _column(pair, column, nullable=not column.required)
        if pair.part == "before-image" and not self.loads:
            if pair.key in self.key and column:
                return _column(pair, column, nullable=False)
            return _unread(pair, nullable=column is not None and column.type in _QUOTED)
        return None

    def metadata(self, pair: _Pair) -> Value:
        key = pair.key
        if key == "record-type":
            return Value("metadata", key, True, ("data",))
        if key == "operation":
            return Value("metadata", key, True, ("|".join(self.operations),), "string")
        if key == self.position:
            return Value("metadata", key, True, self.place, "string")
        if key == self.committed:
            return Value("metadata", key, True, (CERTAIN_TIMESTAMP,), "timestamp")
        if key == self.order:
            return Value("metadata", key, False, (_ORDER,), "bigint")
        if pair.text == "null":  # or another key would say what this one does not
            return Value("metadata", key, False, ("null",))
        return _unread(pair)


def _rules(pairs: Sequence[_Pair], contract: BronzeContract) -> _Rules | None:
    """The rules for a record like `pairs`; None when a record like it is not certainly good."""
    metadata = {pair.key: pair.text for pair in pairs if pair.part == "metadata"}
    loads = metadata.get("operation") == '"load"'
    operations = ("load",) if loads else _changes(pairs, contract)
    timed = contract.position == "timestamp"
    position = _said(metadata, "stream-position", *(COMMITTED if timed else ()))
    if not {"record-type", "operation"} <= metadata.keys() or not (loads or position):
        return None
    if not operations or (loads and _absent(pairs, contract)):
        return None
    place = CERTAIN[contract.position]
    return _Rules(
        columns={column.name: column for column in contract.columns},
        key=contract.key,
        operations=operations,
        place=(place,) if contract.position != "binlog" else (place, ANY_TEXT),
        position=None if loads else position,
        committed=_said(metadata, *COMMITTED),
        order=None if loads else _said(metadata, "transaction-record-id"),
    )


def _plain_rules(pairs: Sequence[_Pair], contract: BronzeContract) -> _Rules | None:
    """The rules for a plain record like `pairs`, which is a load without metadata."""
    if not pairs or _absent(pairs, contract):
        return None
    columns = {column.name: column for column in contract.columns}
    return _Rules(columns, contract.key, ("load",), place=(), position=None, committed=None, order=None)


def _changes(pairs: Sequence[_Pair], contract: BronzeContract) -> tuple[str, ...]:
    """The operations, but loads, of which a record with these keys can be."""
    if absent := _absent(pairs, contract):
        return () if absent.intersection(contract.key) else ("delete",)
    if contract.before_image == "optional" or any(pair.part == "before-image" for pair in pairs):
        return ("insert", "update", "delete")
    return ("insert", "delete")


def _absent(pairs: Sequence[_Pair], contract: BronzeContract) -> set[str]:
    """The columns without which a row is refused, and that are not there."""
    wanted = {c.name for c in contract.columns if c.required or contract.absent == "quarantine"}
    return wanted - {pair.key for pair in pairs if pair.part == "data"}


def _said(metadata: dict[str, str], *keys: str) -> str | None:
    return next((key for key in keys if metadata.get(key, "null") != "null"), None)


def _column(pair: _Pair, column: Column, *, nullable: bool) -> Value | None:
    digits = decimal_digits(column.type)
    quoted = column.type in _QUOTED or (digits is not None and pair.text.startswith('"'))
    if column.type == "string":
        pattern = ANY_TEXT
    elif quoted:
        pattern = reading(column.type).certain
    elif digits:
        pattern = _bare_decimal(*digits)
    elif column.type in _BARE:
        pattern = _BARE[column.type]
    else:
        return None
    null = (NULL_TEXT if quoted else "null") if nullable else None
    integers = column.type in ("int", "bigint")
    return Value(pair.part, pair.key, quoted, (pattern,), column.type, null, integers)


def _unread(pair: _Pair, *, nullable: bool = False) -> Value:
    quoted = nullable or pair.text.startswith('"')
    pattern = ANY_TEXT if quoted else _ANY_BARE
    null = NULL_TEXT if nullable else None
    return Value(pair.part, pair.key, quoted, (pattern,), None, null, integers=not quoted)


def _bare_decimal(precision: int, scale: int) -> str:
    whole = f"(?:0|[1-9][0-9]{{0,{precision - scale - 1}}})" if precision > scale else "0"
    return f"-?{whole}" + (rf"(?:\.[0-9]{{1,{scale}}})?" if scale else "")


def _pieces(text: str, pairs: Sequence[_Pair], values: Sequence[Value]) -> Iterator[tuple[str, Value | None]]:
    """The bytes before each value and the value; last the bytes behind all. Quotes belong to the bytes."""
    done, quote = 0, ""
    for pair, value in zip(pairs, values, strict=True):
        before = text[done : pair.end - len(pair.text)]
        opening = '"' if value.quoted else ""
        yield quote + before + opening, value
        done, quote = pair.end, opening
    yield quote + text[done:], None


def _fields(pieces: Iterator[tuple[str, Value | None]], delimiter: str) -> Iterator[Field]:
    """What `pieces` make, cut at `delimiter`. There is one between any two values, as JSON is written."""
    prefix, held, suffix = "", None, ""
    for constant, value in pieces:
        first, *others = constant.split(delimiter)
        if held is None:
            prefix += first
        else:
            suffix += first
        for other in others:
            yield Field(prefix, held, suffix)
            prefix, held, suffix = other, None, ""
        held = value or held
    yield Field(prefix, held, suffix)
