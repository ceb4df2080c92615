"""Cut inflated content into blocks of whole records with their positions, never holding a whole file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

# How much of an overlong record is kept for inspection; the raw file has the rest.
KEPT_BYTES = 64 << 10
# If a block is read line by line, it is read in slices of this size: a list of short lines takes twenty times
# their bytes.
_SLICE_BYTES = 256 << 10
# From this size, the kernel reads blocks anyway, so it is loaded; it counts in a sixth of `bytes.count`'s
# time.
_MUCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records. `line` is the 1-based number of the first line, `offset` its byte in the content.

    `lines` counts the lines; the file's last one may lack its newline.
    """

    data: bytes
    line: int
    offset: int
    lines: int


@dataclass(frozen=True, slots=True)
class LongRecord:
    """A record above the limit. `head` is its start, `length` its size in bytes, `lines` its newlines + 1."""

    head: bytes
    length: int
    lines: int
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    long: bool


def cut(
    pieces: Iterable[bytes], *, size: int, longest: int, quote: bytes | None
) -> Iterator[Block | LongRecord]:
    """Cut `pieces` into blocks of about `size` bytes.

    A record is a line; if `quote` is given, a newline after an odd number of quotes does not end it. A record
    of more than `longest` bytes, not counting its newline, becomes a LongRecord, which ends at the first
    newline after these bytes. Records do not depend on where blocks are cut.
    """
    held = head = b""
    line, offset = 1, 0
    dropped = dropped_lines = 0  # of a long record whose end is still to come
    for piece, last in _gathered(pieces, size):
        held += piece
        done = 0
        for span in _spans(held, longest, quote=quote, last=last, inside_long=dropped > 0):
            data = held[span.start : span.end]
            if span.long:
                whole = LongRecord(
                    head=(head + data.removesuffix(b"\n"))[:KEPT_BYTES],
                    length=dropped + len(data.removesuffix(b"\n")),
                    lines=dropped_lines + _lines(data),
                    line=line,
                    offset=offset,
                )
                yield whole
                line, offset = line + whole.lines, offset + dropped + len(data)
                head, dropped, dropped_lines = b"", 0, 0
            else:
                block = block_of(data, line, offset)
                yield block
                line, offset = line + block.lines, offset + len(data)
            done = span.end
        held = held[done:]
        if dropped or len(held) > longest:
            head = (head + held)[:KEPT_BYTES]
            dropped, dropped_lines = dropped + len(held), dropped_lines + held.count(b"\n")
            held = b""


def with_newline(data: bytes) -> bytes:
    """Return `data` with a newline at its end, which the file's last line may lack."""
    return data if data.endswith(b"\n") else data + b"\n"


def block_of(data: bytes, line: int, offset: int) -> Block:
    """Return the block of `data`, with its lines counted."""
    return Block(data, line, offset, _lines(data))


def _lines(data: bytes) -> int:
    return _newlines(data) + (not data.endswith(b"\n"))


def _newlines(data: bytes) -> int:
    if len(data) < _MUCH_BYTES:
        return data.count(b"\n")
    from bronze import kernel

    return kernel.newlines(data)


def slices(block: Block) -> Iterator[Block]:
    """Split `block` into smaller blocks of whole lines."""
    line, start, data = block.line, 0, block.data
    while start < len(data):
        end = data.find(b"\n", min(start + _SLICE_BYTES, len(data) - 1)) + 1 or len(data)
        part = block_of(data[start:end], line, block.offset + start)
        yield part
        line, start = line + part.lines, end


def records(block: Block, quote: bytes | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Yield the records of `block`: number of the first line, byte offset, bytes without the last newline.

    A record is a line or, if `quote` is given, all lines up to its closing quote.
    """
    number, offset = block.line, block.offset
    held: list[bytes] = []
    inside = False
    for line in BytesIO(block.data):  # without copying the data or holding all lines at once
        held.append(line)
        inside ^= quote is not None and line.count(quote) % 2 == 1
        if not inside:
            record = b"".join(held)
            yield number, offset, record.removesuffix(b"\n")
            number, offset, held = number + len(held), offset + len(record), []
    if held:
        yield number, offset, b"".join(held).removesuffix(b"\n")


def _gathered(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Join pieces to parts of about `size`, cut after a newline if there is one; the last is marked.

    So a part is usually a block as it is, without another copy: writing to new memory takes as long as
    inflating.
    """
    parts: list[bytes] = []
    count = 0
    for piece in pieces:
        parts.append(piece)
        count += len(piece)
        if count >= size:
            end = piece.rfind(b"\n") + 1 or len(piece)
            parts[-1] = piece[:end]
            yield b"".join(parts), False
            parts, count = [piece[end:]], len(piece) - end
    yield b"".join(parts), True


def _spans(
    data: bytes, longest: int, *, quote: bytes | None, last: bool, inside_long: bool
) -> Iterator[_Span]:
    """Yield the complete records of `data`: runs of normal ones, and long ones. `last`: nothing follows."""
    start = 0
    if inside_long:
        start = data.find(b"\n") + 1 or (len(data) if last else 0)
        if not start and not last:
            return
        yield _Span(0, start, long=True)
    if quote is not None and quote in data:
        yield from _quoted_spans(data, start, longest, quote, last=last)
    else:
        yield from _line_spans(data, start, longest, last=last)


def _line_spans(data: bytes, start: int, longest: int, *, last: bool) -> Iterator[_Span]:
    stop = len(data) if last else data.rfind(b"\n") + 1
    run = start
    while stop - start > longest:
        # Skip as many lines as fit the limit at once, which costs nothing for short lines.
        newline = data.rfind(b"\n", start, start + longest + 1)
        if newline >= 0:
            start = newline + 1
            continue
        if run < start:
            yield _Span(run, start, long=False)
        run = data.find(b"\n", start) + 1 or stop
        yield _Span(start, run, long=True)
        start = run
    if run < stop:
        yield _Span(run, stop, long=False)


def _quoted_spans(data: bytes, start: int, longest: int, quote: bytes, *, last: bool) -> Iterator[_Span]:
    run = start
    while start < len(data):
        end = _record_end(data, start, longest, quote)
        if end:
            start = end
        elif len(data) - start > longest:
            end = data.find(b"\n", start + longest) + 1 or (len(data) if last else 0)
            if not end:
                break
            if run < start:
                yield _Span(run, start, long=False)
            yield _Span(start, end, long=True)
            run = start = end
        elif last:
            start = len(data)
        else:
            break
    if run < start:
        yield _Span(run, start, long=False)


def _record_end(data: bytes, start: int, longest: int, quote: bytes) -> int:
    """Return the end of the record at `start`, including its newline; 0 if it is longer than `longest`."""
    position, quotes = start, 0
    while (newline := data.find(b"\n", position, start + longest + 1)) >= 0:
        quotes += data.count(quote, position, newline)
        if quotes % 2 == 0:
            return newline + 1
        position = newline + 1
    return 0
