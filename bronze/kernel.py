"""Read lines that are certainly good into Arrow columns, by the compiled kernel of `bronze_kernel`.

A value that it reads is the one that the exact rules give. A line with anything that it is not sure of is left
to them. It holds no lock of Python's while it reads.
"""

import ctypes
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Literal, get_args

import pyarrow as pa

import bronze_kernel
from bronze.dialect import Dialect
from bronze.errors import KernelError
from bronze.schema import decimal_digits

# What a value is read as; each is its own place in `Kind` of columns.zig. `natural` is a bigint from 0 on and
# `recent` a timestamp from 1970 on; `lsn`, `binlog` and `digits` are positions, written at one width;
# `choice` is one of some words; `text` and `scalar` are any text and any other value of JSON, which nobody wants.
Kind = Literal[
    "int", "bigint", "natural", "float", "double", "decimal", "boolean", "date", "timestamp", "recent", "string",
    "lsn", "binlog", "digits", "choice", "text", "scalar",
]  # fmt: skip
_KINDS: tuple[Kind, ...] = get_args(Kind)
_TYPES: dict[Kind, Any] = {
    "int": pa.int32(), "bigint": pa.int64(), "natural": pa.int64(), "float": pa.float32(), "double": pa.float64(),
    "date": pa.date32(), "timestamp": pa.timestamp("us"), "recent": pa.timestamp("us"),
    "choice": pa.int32(),
}  # fmt: skip
_WIDTHS: dict[Kind, int] = {"lsn": 16, "binlog": 30, "digits": 20}
_UNWANTED = ("text", "scalar")
_NOWHERE = 0xFFFFFFFF
_HINT = "build it for this machine with `make kernel`"


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at one place of each line, and the name of the column that it goes to.

    `digits` are precision and scale of a decimal; `words` what a choice is made from.
    """

    name: str
    kind: Kind
    nullable: bool = False
    digits: tuple[int, int] = (0, 0)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes that never change, and the value behind them, if there is one, in quotes or not.

    `twin` is the index of the step whose value must be written alike, byte by byte.
    """

    before: bytes
    value: Value | None = None
    quoted: bool = False
    twin: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The certain rows: their columns by name, and the number of the line of each.

    And what is left: the first byte of each record, its bytes without the last newline, the number of its first
    line.
    """

    columns: dict[str, Any]
    rows: Any
    starts: Sequence[int]
    sizes: Sequence[int]
    lines: Sequence[int]


class _Column(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_uint8),
        ("whole", ctypes.c_uint8),
        ("scale", ctypes.c_uint8),
        ("values", ctypes.c_void_p),
        ("values_size", ctypes.c_size_t),
        ("validity", ctypes.c_void_p),
        ("validity_size", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("data_size", ctypes.c_size_t),
    )


class _Step(ctypes.Structure):
    _fields_ = (
        ("before", ctypes.c_char_p),
        ("before_size", ctypes.c_size_t),
        ("column", ctypes.c_uint32),
        ("twin", ctypes.c_uint32),
        ("quoted", ctypes.c_bool),
        ("nullable", ctypes.c_bool),
    )


class _Dialect(ctypes.Structure):
    _fields_ = (
        ("delimiter", ctypes.c_uint8),
        ("quote", ctypes.c_uint8),
        ("escape", ctypes.c_uint8),
        ("multiline", ctypes.c_bool),
    )


class _Job(ctypes.Structure):
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("text_size", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
        ("first_line", ctypes.c_size_t),
        ("columns", ctypes.POINTER(_Column)),
        ("columns_size", ctypes.c_size_t),
        ("rows", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("lines", ctypes.c_void_p),
        ("rows_size", ctypes.c_size_t),
        ("lines_size", ctypes.c_size_t),
    )


@dataclass(frozen=True, slots=True)
class LayoutReader:
    """Reads lines of values between bytes that never change."""

    steps: tuple[Step, ...]

    def read(self, text: bytes, lines: int, first: int = 0) -> Found:
        """What is certain of `text`, so many lines, each with its newline; `first` is the number of the first."""
        values = [step.value for step in self.steps if step.value is not None]
        places = {id(value): place for place, value in enumerate(values)}
        steps = (_Step * len(self.steps))(
            *(
                _Step(
                    step.before,
                    len(step.before),
                    _NOWHERE if step.value is None else places[id(step.value)],
                    _NOWHERE if step.twin is None else step.twin,
                    step.quoted,
                    step.value is not None and step.value.nullable,
                )
                for step in self.steps
            )
        )
        spans = ctypes.create_string_buffer(2 * ctypes.sizeof(ctypes.c_size_t) * len(steps))
        job = _Reading(text, lines, first, values)
        _library().read_layout(ctypes.byref(job.job), steps, ctypes.c_size_t(len(steps)), spans)
        return job.found()


@dataclass(frozen=True, slots=True)
class CsvReader:
    """Reads lines of CSV, whose fields are `values`."""

    values: tuple[Value, ...]
    dialect: Dialect

    def read(self, text: bytes, lines: int, first: int = 0) -> Found:
        """What is certain of `text`, so many lines, each with its newline; `first` is the number of the first."""
        nullable = (ctypes.c_bool * len(self.values))(*(value.nullable for value in self.values))
        delimiter, quote, escape = (
            ord(it or "\n") for it in (self.dialect.delimiter, self.dialect.quote, self.dialect.escape)
        )
        dialect = _Dialect(delimiter, quote, escape, self.dialect.multiline)
        job = _Reading(text, lines, first, self.values)
        _library().read_csv(ctypes.byref(job.job), nullable, ctypes.byref(dialect))
        return job.found()


def value(name: str, hive_type: str, *, nullable: bool) -> Value | None:
    """What a column's values are read as; None where that is for the exact rules alone."""
    digits = decimal_digits(hive_type)
    if digits is not None:
        return Value(name, "decimal", nullable, digits)
    kind = next((kind for kind in (*_TYPES, "boolean", "string") if kind == hive_type), None)
    return None if kind is None else Value(name, kind, nullable)


def newlines(text: bytes) -> int:
    """How many newlines `text` has."""
    count: int = _library().count_newlines(text, ctypes.c_size_t(len(text)))
    return count


def rises(numbers: Any) -> bool:
    """Whether the numbers of an array, which has no nulls, never fall."""
    return bool(_library().rises(*_numbers(numbers)))


def differ(numbers: Any, most: int) -> bool:
    """Whether an array without nulls has more than `most` different numbers."""
    slots = 1 << (2 * most).bit_length()
    table = (ctypes.c_uint64 * slots)()
    return bool(_library().differ(*_numbers(numbers), ctypes.c_size_t(most), table, ctypes.c_size_t(slots)))


def _numbers(array: Any) -> tuple[ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]:
    width = array.type.bit_width // 8
    first = array.buffers()[1].address + array.offset * width
    return ctypes.c_void_p(first), ctypes.c_size_t(width), ctypes.c_size_t(len(array))


class _Reading:
    """One call of the kernel: what it is given, which has to live as long, and what it has written to."""

    def __init__(self, text: bytes, lines: int, first: int, values: Sequence[Value]) -> None:
        self.values = values
        self.buffers = [_Buffers(value, lines, len(text)) for value in values]
        self.columns = (_Column * len(values))(*(buffers.column() for buffers in self.buffers))
        self.rows = pa.allocate_buffer(8 * lines)
        self.left = [pa.allocate_buffer(8 * lines) for _ in range(3)]
        self.job = _Job(
            text, len(text), lines, first, self.columns, len(values), self.rows.address,
            *(part.address for part in self.left), 0, 0,
        )  # fmt: skip

    def found(self) -> Found:
        count = self.job.rows_size
        columns = {
            buffers.value.name: buffers.array(count)
            for buffers in self.buffers
            if buffers.value.kind not in _UNWANTED
        }
        rows = pa.Array.from_buffers(pa.int64(), count, [None, self.rows])
        left = (memoryview(part).cast("q")[: self.job.lines_size].tolist() for part in self.left)
        return Found(columns, rows, *left)


class _Buffers:
    """Room for the values of one column."""

    def __init__(self, value: Value, rows: int, bytes_of_text: int) -> None:
        self.value = value
        self.validity = self.values = self.data = None
        if value.kind in _UNWANTED:
            return
        if value.nullable:
            self.validity = pa.allocate_buffer((rows + 7) // 8)
        self.values = pa.allocate_buffer(_bytes_of(value.kind, rows))
        if value.kind == "string":
            ctypes.memset(self.values.address, 0, 4)
            self.data = pa.allocate_buffer(bytes_of_text, resizable=True)
        elif value.kind == "choice":
            self.data = pa.py_buffer("\0".join(value.words).encode())

    def column(self) -> _Column:
        precision, scale = self.value.digits
        places = [
            part
            for buffer in (self.values, self.validity, self.data)
            for part in ((None, 0) if buffer is None else (buffer.address, buffer.size))
        ]
        return _Column(_KINDS.index(self.value.kind), precision - scale, scale, *places)

    def array(self, rows: int) -> Any:
        """The values of the first `rows`."""
        kind = self.value.kind
        if kind == "string":
            texts = pa.Array.from_buffers(pa.int32(), rows + 1, [None, self.values])
            self.data.resize(texts[rows].as_py(), shrink_to_fit=True)
            return pa.Array.from_buffers(pa.string(), rows, [self.validity, self.values, self.data])
        if kind in _WIDTHS:
            offsets = pa.arange(0, (rows + 1) * _WIDTHS[kind], _WIDTHS[kind]).cast(pa.int32()).buffers()[1]
            return pa.Array.from_buffers(pa.string(), rows, [None, offsets, self.values])
        if kind == "boolean":
            return pa.Array.from_buffers(pa.bool_(), rows, [self.validity, self.values])
        if kind == "decimal":
            return pa.Array.from_buffers(
                pa.decimal128(*self.value.digits), rows, [self.validity, self.values]
            )
        numbers = pa.Array.from_buffers(_TYPES[kind], rows, [self.validity, self.values])
        if kind == "choice":
            return pa.DictionaryArray.from_arrays(numbers, pa.array(self.value.words))
        return numbers


def _bytes_of(kind: Kind, rows: int) -> int:
    if kind == "string":
        return 4 * (rows + 1)
    if kind == "boolean":
        return (rows + 7) // 8
    if kind == "decimal":
        return 16 * rows
    return rows * (_WIDTHS[kind] if kind in _WIDTHS else _TYPES[kind].bit_width // 8)


@cache
def _library() -> ctypes.CDLL:
    """The kernel, also out of an archive, as a cluster gets it. Raises KernelError."""
    if bronze_kernel.is_stale():
        raise KernelError("the parser's kernel was not built from these sources", hint=_HINT)
    with ExitStack() as stack:
        try:
            path = stack.enter_context(as_file(files("bronze_kernel").joinpath("kernel.so")))
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise KernelError(f"the parser's kernel cannot be loaded: {error}", hint=_HINT) from error
    library.count_newlines.restype = ctypes.c_size_t
    library.rises.restype = library.differ.restype = ctypes.c_bool
    return library
