"""Learn how change records are laid out: which bytes are always the same, and where values stand.

A producer writes its records alike to the byte: the same keys in the same order, the same spaces. So a line
is known to be a good record when its values stand between the same bytes, and each is as it must be: no JSON
needs to be read.
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
# A list that is a text, as Debezium writes a sequence of positions: the quotes of its items never change.
_LISTED = re.compile(r'"\[(?:null|\\"([0-9]+)\\"), ?\\"([0-9]+)\\"\]"')


@dataclass(frozen=True, slots=True)
class Layout:
    """How lines look, and in which columns an envelope says what; of data columns are named `data.…`."""

    steps: tuple[Step, ...]
    loads: bool
    operation: str | None
    position: str | None
    order: str | None
    committed: str | None


def learned(line: bytes, contract: BronzeContract) -> Layout | None:
    """The layout of `line`; None when it is not certainly good, or is so only by the exact rules."""
    if b"\\u" in line:
        return None  # no kernel reads that, and to find it out here costs nothing
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
    """What stands in `text`, the line of `pairs`."""
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
    """The keys and values of `text`, which is a JSON object, at every depth."""
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
    """`pair`, or the items of a list that is a text; a null is none."""
    found = _LISTED.fullmatch(pair.text)
    if found is None:
        yield pair
        return
    start = pair.end - len(pair.text)
    for index, item in enumerate(found.groups()):
        if item is not None:
            yield Pair((*pair.path, str(index)), item, start + found.end(index + 1))
