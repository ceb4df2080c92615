"""Shapes: where records of one kind have the values of a row, and what may surround them.

A shape describes the envelopes of `dms` and `debezium` as data. It may cover less than the exact rules: a
record with a value that has no place in the shape is left to them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bronze import kernel
from bronze.columns import OPERATIONS
from bronze.contract import BronzeContract, Column, PositionKind, Records
from bronze.debezium import OPERATION_OF
from bronze.dms import COMMITTED
from bronze.kernel import Quotes, Value

# The keys that lead to a value; items of a list inside a text have their index as key.
Path = tuple[str, ...]

_POSITIONS: dict[PositionKind, kernel.Kind] = {
    "lsn": "lsn", "binlog": "binlog", "number": "digits", "timestamp": "recent",
}  # fmt: skip
_IN_QUOTES = ("date", "timestamp", "string")


@dataclass(frozen=True, slots=True)
class Pair:
    """A key, given by its path, and its value as written, which ends at `end`.

    For an object or a list, `text` is the opening bracket.
    """

    path: Path
    text: str
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """What a value must be. Without `value`, it is constant. `is_key`: equal wherever this key occurs."""

    value: Value | None = None
    quotes: Quotes = "none"
    is_key: bool = False


_FIXED = Place()
_ANY = Place(Value("", "any"))


@dataclass(frozen=True, slots=True)
class Said:
    """A value of the envelope that a row uses: its path and format."""

    path: Path
    kind: kernel.Kind
    quotes: Quotes = "none"
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column that it goes to."""
        return ".".join(self.path)

    @property
    def place(self) -> Place:
        """What the value must be."""
        return Place(Value(self.name, self.kind, words=self.words), self.quotes)


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of records of one kind, each with one of `operations`.

    `data` is the object that becomes the row, `before` the one that must have the same key. Other keys of the
    objects `around` may have any scalar value; `fixed` keys have a constant value. What is outside of `root`
    has no meaning.
    """

    contract: BronzeContract
    operations: tuple[str, ...]
    data: Path
    before: Path | None = None
    root: Path = ()
    around: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()
    operation: Said | None = None
    position: Said | None = None
    order: Said | None = None
    committed: Said | None = None
    date: kernel.Kind = "date"

    @property
    def loads(self) -> bool:
        """Whether the records are loads."""
        return self.operations == ("load",)

    def place(self, pair: Pair) -> Place | None:
        """Return what the value of `pair` must be; None if only the exact rules can read it."""
        path = pair.path
        if path in self.fixed or path[: len(self.root)] != self.root:
            return _FIXED
        for said in (self.operation, self.position, self.order, self.committed):
            if said is not None and said.path == path:
                return said.place
        if path in (self.data, self.before, *self.around):
            return _FIXED if pair.text in ("{", "null") else None
        return None if pair.text in ("{", "[") else self._plain(path[:-1], path[-1], pair.text)

    def _plain(self, part: Path, key: str, text: str) -> Place | None:
        if part == self.data:
            column = next((it for it in self.contract.columns if it.name == key), None)
            return None if column is None else self._value(column)
        if part == self.before:
            return replace(_ANY, is_key=key in self.contract.key)
        # A null must stay null: with a value, this key could take precedence over another one.
        return None if part not in self.around else _FIXED if text == "null" else _ANY

    def _value(self, column: Column) -> Place | None:
        is_key = column.name in self.contract.key
        nullable = not column.required or (self.operations == ("delete",) and not is_key)
        value = kernel.value_of(f"data.{column.name}", column.type, nullable=nullable)
        if value is None:
            return None
        if value.kind == "decimal":
            return Place(value, "either", is_key)
        value = replace(value, kind=self.date) if value.kind == "date" else value
        return Place(value, "always" if column.type in _IN_QUOTES else "none", is_key)


def shape_of(pairs: Iterable[Pair], contract: BronzeContract) -> Shape | None:
    """Return the shape of the record that consists of `pairs`; None if the kernel cannot read such ones."""
    texts = {pair.path: pair.text for pair in pairs}
    shape = _SHAPES[contract.records](texts, contract)
    if shape is None:
        return None
    operations = tuple(it for it in shape.operations if _is_whole(it, shape, texts))
    if not operations:
        return None
    said = shape.operation
    if said is not None:
        # Words are in the order of OPERATIONS, empty for operations that these records cannot have.
        words = dict(zip(OPERATIONS, said.words, strict=True))
        said = replace(said, words=tuple(words[it] if it in operations else "" for it in OPERATIONS))
    return replace(shape, operations=operations, operation=said)


def _is_whole(operation: str, shape: Shape, texts: Mapping[Path, str]) -> bool:
    """Whether a record with these keys is complete for `operation`."""
    contract = shape.contract
    there = {path[-1] for path in texts if path[:-1] == shape.data}
    wanted = {it.name for it in contract.columns if it.required or contract.absent == "quarantine"}
    if operation == "update" and contract.before_image == "required" and texts.get(shape.before or ()) != "{":
        return False
    return there.issuperset(contract.key if operation == "delete" else wanted)


def _plain(_: Mapping[Path, str], contract: BronzeContract) -> Shape:
    return Shape(contract, ("load",), data=())


def _dms(texts: Mapping[Path, str], contract: BronzeContract) -> Shape | None:
    operation, kind = ("metadata", "operation"), ("metadata", "record-type")
    position, order = ("metadata", "stream-position"), ("metadata", "transaction-record-id")
    times = [("metadata", key) for key in COMMITTED]
    loads = texts.get(operation) == '"load"'
    placed = () if loads else (position, *(times if contract.position == "timestamp" else ()))
    at = _said(texts, placed, _POSITIONS[contract.position], "always")
    if texts.get(kind) != '"data"' or operation not in texts or not (loads or at):
        return None
    return Shape(
        contract,
        ("load",) if loads else ("insert", "update", "delete"),
        data=("data",),
        before=None if loads else ("before-image",),
        around=(("metadata",),),
        fixed=(kind,),
        operation=Said(operation, "choice", "always", OPERATIONS),
        position=at,
        order=_said(texts, () if loads else (order,), "natural"),
        committed=_said(texts, times, "timestamp", "always"),
    )


def _debezium(texts: Mapping[Path, str], contract: BronzeContract) -> Shape | None:
    root: Path = ("payload",) if ("payload",) in texts else ()
    before, source = (*root, "before"), (*root, "source")
    operation = OPERATION_OF.get(texts.get((*root, "op"), "").strip('"'))
    order = _said(texts, [(*source, "sequence", "1")], "natural")
    if operation is None or order is None:
        return None
    return Shape(
        contract,
        ("insert", "update") if operation in ("insert", "update") else (operation,),
        data=before if operation == "delete" else (*root, "after"),
        before=before if operation in ("insert", "update") else None,
        root=root,
        around=(root, source, (*root, "transaction")),
        operation=Said((*root, "op"), "choice", "always", tuple(OPERATION_OF)),
        position=_said(texts, [(*source, "sequence", "0")], "lsn_number"),
        order=order,
        committed=_said(texts, [(*source, "ts_us")], "since_us")
        or _said(texts, [(*source, "ts_ms")], "since_ms"),
        date="utc_date",
    )


def _said(
    texts: Mapping[Path, str], paths: Iterable[Path], kind: kernel.Kind, quotes: Quotes = "none"
) -> Said | None:
    """Return the first of `paths` that exists and is not null, as a value in the format `kind`."""
    path = next((path for path in paths if texts.get(path, "null") != "null"), None)
    return None if path is None else Said(path, kind, quotes)


_SHAPES: Mapping[Records, Callable[[Mapping[Path, str], BronzeContract], Shape | None]] = {
    "plain": _plain, "change": _dms, "debezium": _debezium,
}  # fmt: skip
