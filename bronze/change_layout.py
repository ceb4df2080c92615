"""Learn the layout of change records: which bytes are constant, and where the values are.

A producer writes records of the same kind with the same keys, order and spaces. So a line whose values are
valid and stand between the same constant bytes is a good record, and no JSON needs to be parsed.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bronze import kernel
from bronze.change_shape import Pair, Path, Place, Shape, shape_of
from bronze.contract import BronzeContract
from bronze.json_objects import objects
from bronze.kernel import Step

# A key with its colon, a bracket, or a value.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")([ \t\r]*:)?|[][{}]|[^][ \t\r\n,:{}"]+')
# A list inside a JSON text, as Debezium writes `sequence`: the quotes of its items are constant.
_LISTED = re.compile(r'"\[(?:null|\\"([0-9]+)\\"), ?\\"([0-9]+)\\"\]"')


@dataclass(frozen=True, slots=True)
class Layout:
    """The steps of a line, and the columns of the envelope's values; data columns are named `data.…`."""

    steps: tuple[Step, ...]
    loads: bool
    operation: str | None
    position: str | None
    order: str | None
    committed: str | None


def learned(line: bytes, contract: BronzeContract) -> Layout | None:
    """Return the layout of `line`; None unless the kernel can read it as a good record."""
    if b"\\u" in line:
        return None  # the kernel does not read these escapes, and checking for them here is cheap
    found = list(objects(line))
    if len(found) != 1 or not isinstance(found[0].value, dict):
        return None
    text = line.decode().removesuffix("\r")
    pairs = list(_pairs(text))
    shape = shape_of(pairs, contract)
    places = [] if shape is None else [shape.place(pair) for pair in pairs]
    if shape is None or None in places:
        return None
    steps = tuple(_steps(text, pairs, places))
    is_good = len(kernel.layout_reader(steps)(line + b"\n", 1, 0).rows)
    return _layout(steps, shape) if is_good else None


def _layout(steps: tuple[Step, ...], shape: Shape) -> Layout:
    said = (shape.operation, shape.position, shape.order, shape.committed)
    return Layout(steps, shape.loads, *(None if it is None else it.name for it in said))


def _steps(text: str, pairs: Sequence[Pair], places: Sequence[Place | None]) -> Iterator[Step]:
    """Yield the steps of `text`, the line of `pairs`: constant bytes, each followed by a value."""
    done = count = 0
    keys: dict[str, int] = {}
    for pair, place in zip(pairs, places, strict=True):
        if place is None or place.value is None:
            continue
        twin = None
        if place.is_key:
            twin = keys.get(pair.path[-1])
            keys[pair.path[-1]] = count
        before = text[done : pair.end - len(pair.text)].encode()
        yield Step(before, place.value, place.quotes, twin)
        done, count = pair.end, count + 1
    yield Step(text[done:].encode())


def _pairs(text: str) -> Iterator[Pair]:
    """Yield the keys and values of the JSON object `text`, at every depth."""
    path: Path = ()
    opened: list[Path] = []
    for token in _TOKEN.finditer(text):
        quoted, colon = token.groups()
        if colon:
            path = (*opened[-1], json.loads(quoted))
        elif token[0] in ("}", "]"):
            path = opened.pop()
        else:
            if path:
                yield from _values(Pair(path, token[0], token.end()))
            if token[0] in ("{", "["):
                opened.append(path)


def _values(pair: Pair) -> Iterator[Pair]:
    """Yield `pair`, or for a list inside a text its items, except nulls."""
    found = _LISTED.fullmatch(pair.text)
    if found is None:
        yield pair
        return
    start = pair.end - len(pair.text)
    for index, item in enumerate(found.groups()):
        if item is not None:
            yield Pair((*pair.path, str(index)), item, start + found.end(index + 1))
