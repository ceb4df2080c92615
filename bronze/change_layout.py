"""Learn how change records are laid out: which bytes are always the same, and where values stand.

A producer writes its records alike to the byte: the same keys in the same order, the same spaces. So a line
is known to be a good record when its values stand between the same bytes, and each is as it must be: no JSON
needs to be read. All this is about lines without a backslash.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bronze import kernel
from bronze.columns import OPERATIONS
from bronze.contract import BronzeContract, Column, PositionKind
from bronze.dms import COMMITTED
from bronze.json_objects import objects
from bronze.kernel import Step, Value

# A key, and its value or the brace that opens an object, in a record without a backslash.
_PAIR = re.compile(r'("([^"]*)"[ \t\r]*:[ \t\r]*)(\{|"[^"]*"|[^][ \t\r,{}"]+)')
_PLACES: dict[PositionKind, kernel.Kind] = {
    "lsn": "lsn", "binlog": "binlog", "number": "digits", "timestamp": "recent",
}  # fmt: skip
_IN_QUOTES = ("date", "timestamp", "string")


@dataclass(frozen=True, slots=True)
class Layout:
    """How lines look.

    Columns are named `data.…` and `metadata.…`. `position`, `committed` and `order` name the keys of metadata
    that say so, None where no key does.
    """

    steps: tuple[Step, ...]
    loads: bool
    position: str | None
    committed: str | None
    order: str | None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key of the object `part` and its value, `text`, which ends at `end`."""

    part: str
    key: str
    text: str
    end: int

    @property
    def name(self) -> str:
        return f"{self.part}.{self.key}"

    @property
    def is_quoted(self) -> bool:
        return self.text.startswith('"')


def learned(line: bytes, contract: BronzeContract) -> Layout | None:
    """The layout of `line`; None when it is not certainly good, or is so only by the exact rules."""
    plain = contract.records == "plain"
    pairs = _pairs(line, plain=plain)
    rules = _plain_rules(pairs, contract) if plain else _rules(pairs, contract)
    if rules is None:
        return None
    places = [rules.place(pair) for pair in pairs]
    if None in places:
        return None
    steps = tuple(_steps(line.decode().removesuffix("\r"), pairs, places))
    is_good = len(kernel.layout_reader(steps)(line + b"\n", 1, 0).rows)
    return Layout(steps, rules.loads, rules.position, rules.committed, rules.order) if is_good else None


def _steps(text: str, pairs: Sequence[_Pair], places: Sequence["_Place | None"]) -> Iterator[Step]:
    """What stands in `text`, the line of `pairs`."""
    done = count = 0
    keys: dict[str, int] = {}
    for pair, place in zip(pairs, places, strict=True):
        if place is None or place.value is None:
            continue
        twin = None
        if place.is_key:
            twin = keys.get(pair.key)
            keys[pair.key] = count
        before = text[done : pair.end - len(pair.text)].encode()
        yield Step(before, place.value, place.quoted, twin)
        done, count = pair.end, count + 1
    yield Step(text[done:].encode())


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
        _, key, text = match.groups()
        if text == "{":
            part = key
        else:
            pairs.append(_Pair(part, key, text, match.end()))
        seen.append(("", key) if text == "{" else (part, key))
    # An object or list deeper down, or a value beside the objects, shows here.
    keys = list(_keys({"data": found[0].value} if plain else dict(found[0].value)))
    return pairs if seen == keys[plain:] else []


def _keys(record: dict[str, object]) -> Iterator[tuple[str, str]]:
    for part, value in record.items():
        yield "", part
        yield from ((part, key) for key in (value if isinstance(value, dict) else ()))


@dataclass(frozen=True, slots=True)
class _Place:
    """What a value has to be, in quotes or not; None: just what it is. `is_key`: the same in all parts."""

    value: Value | None = None
    quoted: bool = False
    is_key: bool = False


_FIXED = _Place()


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the values of one record have to be."""

    columns: dict[str, Column]
    key: tuple[str, ...]
    operations: tuple[str, ...]
    kind: kernel.Kind
    position: str | None
    committed: str | None
    order: str | None

    @property
    def loads(self) -> bool:
        return self.operations == ("load",)

    def place(self, pair: _Pair) -> _Place | None:
        """What `pair` has to be; None for what the exact rules have to read."""
        column = self.columns.get(pair.key)
        if pair.part == "metadata":
            return self.metadata(pair)
        if pair.part == "data" and column is not None:
            value = kernel.value_of(pair.name, column.read_as, nullable=not column.required)
            return None if value is None else _Place(value, _is_quoted(pair, column), pair.key in self.key)
        if pair.part == "before-image" and not self.loads:
            return self.before(pair, column)
        return None

    def before(self, pair: _Pair, column: Column | None) -> _Place | None:
        """What `pair` of a before-image has to be: of a key just what the data have."""
        if column is None or pair.key not in self.key:
            return _unread(pair, nullable=column is not None and column.type in _IN_QUOTES)
        return replace(_unread(pair), is_key=True) if pair.is_quoted == _is_quoted(pair, column) else None

    def metadata(self, pair: _Pair) -> _Place:
        key = pair.key
        if key == "operation":
            words = tuple(it if it in self.operations else "" for it in OPERATIONS)
            return _Place(Value(pair.name, "choice", words=words), quoted=True)
        if key == self.position:
            return _Place(Value(pair.name, self.kind), quoted=True)
        if key == self.committed:
            return _Place(Value(pair.name, "timestamp"), quoted=True)
        if key == self.order:
            return _Place(Value(pair.name, "natural"))
        # Of others, one that is null might say in another record what now another key does.
        return _FIXED if key == "record-type" or pair.text == "null" else _unread(pair)


def _is_quoted(pair: _Pair, column: Column) -> bool:
    """Whether values of `column` stand in quotes; decimals do where `pair` does."""
    return column.type in _IN_QUOTES or (pair.is_quoted and column.type.startswith("decimal"))


def _unread(pair: _Pair, *, nullable: bool = False) -> _Place:
    quoted = nullable or pair.is_quoted
    return _Place(Value(pair.name, "text" if quoted else "scalar", nullable), quoted)


def _rules(pairs: Sequence[_Pair], contract: BronzeContract) -> _Rules | None:
    """The rules for a record like `pairs`; None when a record like it is not certainly good."""
    metadata = {pair.key: pair.text for pair in pairs if pair.part == "metadata"}
    loads = metadata.get("operation") == '"load"'
    operations = ("load",) if loads else _changes(pairs, contract)
    timed = contract.position == "timestamp"
    position = _said(metadata, "stream-position", *(COMMITTED if timed else ()))
    if metadata.get("record-type") != '"data"' or "operation" not in metadata or not (loads or position):
        return None
    if not operations or (loads and _absent(pairs, contract)):
        return None
    return _Rules(
        columns={column.name: column for column in contract.columns},
        key=contract.key,
        operations=operations,
        kind=_PLACES[contract.position],
        position=None if loads else position,
        committed=_said(metadata, *COMMITTED),
        order=None if loads else _said(metadata, "transaction-record-id"),
    )


def _plain_rules(pairs: Sequence[_Pair], contract: BronzeContract) -> _Rules | None:
    """The rules for a plain record like `pairs`, which is a load without metadata."""
    if not pairs or _absent(pairs, contract):
        return None
    columns = {column.name: column for column in contract.columns}
    kind = _PLACES[contract.position]
    return _Rules(columns, contract.key, ("load",), kind, position=None, committed=None, order=None)


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
