"""Read certainly good lines into Arrow columns with the compiled kernel of `bronze_kernel`.

The kernel reads the same values as the exact rules, and leaves every line that it is not sure of to them. It
runs without the GIL.
"""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import pyarrow as pa

import bronze_kernel
from bronze.dialect import Dialect
from bronze.errors import KernelError
from bronze.schema import arrow_type, decimal_digits

# What a value is read as, in the order of `Kind` in columns.zig. `natural` is a bigint from 0, `utc_date` a
# date that may end in Z, `recent` a timestamp from 1970, `since_us` and `since_ms` a number of units since
# 1970; `lsn`, `binlog` and `digits` are positions, written at a fixed width, `lsn_number` a number that is
# written as an `lsn`; `choice` is one of several words; `any` is an ignored value that is not a list or an
# object.
Kind = Literal[
    "int", "bigint", "natural", "float", "double", "decimal", "boolean", "date", "utc_date", "timestamp",
    "recent", "since_us", "since_ms", "string", "lsn", "lsn_number", "binlog", "digits",
    "choice", "any",
]  # fmt: skip
_KINDS: tuple[Kind, ...] = get_args(Kind)
# Kinds that are also types in contracts.
_PLAIN: tuple[Kind, ...] = ("int", "bigint", "float", "double", "boolean", "date", "timestamp", "string")
_TYPES: dict[Kind, Any] = {
    **{kind: arrow_type(kind) for kind in _PLAIN},
    "natural": arrow_type("bigint"),
    "utc_date": arrow_type("date"),
    "recent": arrow_type("timestamp"),
    "since_us": arrow_type("timestamp"),
    "since_ms": arrow_type("timestamp"),
    "lsn": pa.binary(16),
    "lsn_number": pa.binary(16),
    "binlog": pa.binary(30),
    "digits": pa.binary(20),
    "choice": pa.int32(),
}
# Whether a value is quoted; `either` means both are allowed.
Quotes = Literal["none", "always", "either"]
_QUOTES: tuple[Quotes, ...] = get_args(Quotes)
_NOWHERE = 0xFFFFFFFF
_HINT = "build it for this machine with `make kernel`"
_Size, _Place = ctypes.c_size_t, ctypes.c_void_p


@dataclass(frozen=True, slots=True)
class Value:
    """A value in each line, and the name of the column that it goes to.

    `digits` are precision and scale of a decimal. `words` are the options of a `choice`, whose column has the
    index; an empty word matches nothing.
    """

    name: str
    kind: Kind
    nullable: bool = False
    digits: tuple[int, int] = (0, 0)
    words: tuple[str, ...] = ()

    @property
    def type(self) -> Any:
        """The Arrow type of its column."""
        return pa.decimal128(*self.digits) if self.kind == "decimal" else _TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Step:
    """Constant bytes, and the value after them, if any.

    `twin` is the index of an earlier step whose value must be the same, byte by byte.
    """

    before: bytes
    value: Value | None = None
    quotes: Quotes = "none"
    twin: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The certain rows: their columns by name, and their line numbers (`rows`).

    `starts`, `sizes` and `lines` describe the records that are left: byte offset, size without the last
    newline, and number of the first line.
    """

    columns: dict[str, Any]
    rows: Any
    starts: Sequence[int]
    sizes: Sequence[int]
    lines: Sequence[int]


# Reads lines, each with its newline. Arguments: their bytes, their count, and the number of the first.
Reader = Callable[[bytes, int, int], Found]


class _Column(ctypes.Structure):
    _fields_ = (
        *(("kind", ctypes.c_uint8), ("whole", ctypes.c_uint8), ("scale", ctypes.c_uint8)),
        *(("values", _Place), ("values_size", _Size)),
        *(("validity", _Place), ("validity_size", _Size)),
        *(("data", _Place), ("data_size", _Size)),
    )


class _Step(ctypes.Structure):
    _fields_ = (
        *(("before", ctypes.c_char_p), ("before_size", _Size)),
        *(("column", ctypes.c_uint32), ("twin", ctypes.c_uint32)),
        *(("quotes", ctypes.c_uint8), ("nullable", ctypes.c_bool)),
    )


class _Dialect(ctypes.Structure):
    _fields_ = (
        *(("delimiter", ctypes.c_uint8), ("quote", ctypes.c_uint8), ("escape", ctypes.c_uint8)),
        ("multiline", ctypes.c_bool),
    )


class _Job(ctypes.Structure):
    _fields_ = (
        *(("text", ctypes.c_char_p), ("text_size", _Size)),
        *(("capacity", _Size), ("first_line", _Size)),
        *(("columns", ctypes.POINTER(_Column)), ("columns_size", _Size)),
        *(("rows", _Place), ("starts", _Place), ("sizes", _Place), ("lines", _Place)),
        *(("rows_size", _Size), ("lines_size", _Size)),
    )


class _Sequences(ctypes.Structure):
    _fields_ = (
        *(("begin", ctypes.c_char_p), ("begin_size", _Size)),
        *(("least", ctypes.c_char_p), ("middle", ctypes.c_char_p), ("middle_size", _Size)),
        *(("positions", _Place), ("width", _Size), ("moments", _Place)),
        *(("orders", _Place), ("order", ctypes.c_int64)),
        *(("count", _Size), ("out", _Place), ("out_size", _Size), ("offsets", _Place)),
    )


def value_of(name: str, hive_type: str, *, nullable: bool) -> Value | None:
    """Return how values of a column are read; None if only the exact rules can read them."""
    if digits := decimal_digits(hive_type):
        return Value(name, "decimal", nullable, digits)
    kind = next((kind for kind in _PLAIN if kind == hive_type), None)
    return None if kind is None else Value(name, kind, nullable)


def layout_reader(steps: Sequence[Step]) -> Reader:
    """Return a reader of lines with values between constant bytes."""
    values = [step.value for step in steps if step.value is not None]
    columns = iter(range(len(values)))
    compiled = (_Step * len(steps))(
        *(
            _Step(
                *(step.before, len(step.before)),
                _NOWHERE if step.value is None else next(columns),
                _NOWHERE if step.twin is None else step.twin,
                *(_QUOTES.index(step.quotes), step.value is not None and step.value.nullable),
            )
            for step in steps
        )
    )

    def read(text: bytes, lines: int, first: int) -> Found:
        reading = _Reading(text, lines, first, values)
        spans = ctypes.create_string_buffer(2 * ctypes.sizeof(_Size) * len(compiled))
        _library().read_layout(ctypes.byref(reading.job), compiled, _Size(len(compiled)), spans)
        return reading.found()

    return read


def csv_reader(values: Sequence[Value], dialect: Dialect) -> Reader:
    """Return a reader of CSV lines whose fields are `values`."""
    nullable = (ctypes.c_bool * len(values))(*(value.nullable for value in values))
    characters = (ord(it or "\n") for it in (dialect.delimiter, dialect.quote, dialect.escape))
    compiled = _Dialect(*characters, dialect.multiline)

    def read(text: bytes, lines: int, first: int) -> Found:
        reading = _Reading(text, lines, first, values)
        _library().read_csv(ctypes.byref(reading.job), nullable, ctypes.byref(compiled))
        return reading.found()

    return read


class _Reading:
    """One call of the kernel: its inputs, which must stay alive during the call, and its output buffers."""

    def __init__(self, text: bytes, lines: int, first: int, values: Sequence[Value]) -> None:
        self.rooms = [_Room(value, lines, len(text)) for value in values]
        self.columns = (_Column * len(values))(*(room.column for room in self.rooms))
        self.rows, *self.left = (pa.allocate_buffer(8 * lines) for _ in range(4))
        self.job = _Job(
            *(text, len(text), lines, first, self.columns, len(values)),
            *(buffer.address for buffer in (self.rows, *self.left)),
        )

    def found(self) -> Found:
        rows, lines = self.job.rows_size, self.job.lines_size
        columns = {room.value.name: room.array(rows) for room in self.rooms if room.value.kind != "any"}
        left = (memoryview(buffer).cast("q")[:lines].tolist() for buffer in self.left)
        return Found(columns, pa.Array.from_buffers(pa.int64(), rows, [None, self.rows]), *left)


class _Room:
    """The output buffers of one column."""

    def __init__(self, value: Value, rows: int, bytes_of_text: int) -> None:
        self.value = value
        bits = (rows + 7) // 8
        self.values: Any = None
        self.validity: Any = None
        self.data: Any = None
        if value.kind != "any":
            self.values = pa.allocate_buffer(
                {"string": 4 * (rows + 1), "boolean": bits}.get(value.kind) or rows * value.type.byte_width
            )
            self.validity = pa.allocate_buffer(bits) if value.nullable else None
        if value.kind == "string":
            ctypes.memset(self.values.address, 0, 4)
            self.data = pa.allocate_buffer(bytes_of_text, resizable=True)
        elif value.kind == "choice":
            self.data = pa.py_buffer("\0".join(value.words).encode())

    @property
    def column(self) -> _Column:
        precision, scale = self.value.digits
        buffers = (self.values, self.validity, self.data)
        places = (part for it in buffers for part in ((it.address, it.size) if it else (None, 0)))
        return _Column(_KINDS.index(self.value.kind), precision - scale, scale, *places)

    def array(self, rows: int) -> Any:
        """Return the values of the first `rows`."""
        buffers = [self.validity, self.values]
        if self.value.kind == "string":
            self.data.resize(memoryview(self.values).cast("i")[rows], shrink_to_fit=True)
            buffers.append(self.data)
        return pa.Array.from_buffers(self.value.type, rows, buffers)


def sequences(begin: str, positions: Any, middle: str, orders: Any, *, least: str | None = None) -> Any:
    """Concatenate `begin`, position, `middle` and order of each record, as texts of a fixed width.

    `positions` are an array of fixed-size bytes, or of timestamps from 1970; a position below `least` is
    replaced by it. `orders` are an array of integers from 0, or one integer for all.
    """
    count = len(positions)
    are_moments = pa.types.is_timestamp(positions.type)
    width = 20 if are_moments else positions.type.byte_width
    start, between = begin.encode(), middle.encode()
    out = pa.allocate_buffer(count * (len(start) + width + len(between) + 20))
    offsets = pa.allocate_buffer(4 * (count + 1))
    place = _values_of(positions)
    given = _Sequences(
        *(start, len(start), None if least is None else least.encode(), between, len(between)),
        *((None, width, place) if are_moments else (place, width, None)),
        *((None, orders) if isinstance(orders, int) else (_values_of(orders), 0)),
        *(count, out.address, out.size, offsets.address),
    )
    _library().write_sequences(ctypes.byref(given))
    return pa.Array.from_buffers(pa.string(), count, [None, offsets, out])


def newlines(text: bytes) -> int:
    """Count the newlines in `text`."""
    count: int = _library().count_newlines(text, _Size(len(text)))
    return count


def rises(numbers: Any) -> bool:
    """Whether the integers of an array without nulls never decrease."""
    return bool(_library().rises(*_numbers(numbers)))


def differ(numbers: Any, most: int) -> bool:
    """Whether an array without nulls has more than `most` distinct integers."""
    slots = 1 << (2 * most).bit_length()
    table = (ctypes.c_uint64 * slots)()
    return bool(_library().differ(*_numbers(numbers), _Size(most), table, _Size(slots)))


def _numbers(array: Any) -> tuple[ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]:
    return _Place(_values_of(array)), _Size(array.type.byte_width), _Size(len(array))


def _values_of(array: Any) -> int:
    """Return the address of the values of a fixed-width array."""
    address: int = array.buffers()[1].address
    return address + int(array.offset) * int(array.type.byte_width)


@cache
def _library() -> ctypes.CDLL:
    """Load the kernel. Raises KernelError."""
    if bronze_kernel.is_stale():
        raise KernelError("the parser's kernel was not built from the present sources", hint=_HINT)
    try:
        with bronze_kernel.unpacked() as path:
            library = ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelError(f"the parser's kernel cannot be loaded: {error}", hint=_HINT) from error
    library.count_newlines.restype = _Size
    library.rises.restype = library.differ.restype = ctypes.c_bool
    return library
