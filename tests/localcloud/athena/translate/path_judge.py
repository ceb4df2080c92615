"""A slow second opinion on SQL/JSON paths: walks the tree over Python's own JSON values.

Written from the standard's text, not from the translation: sequences are lists, errors are exceptions.
Integers have 32 bits, as in the documents that it is used for.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from localcloud.athena.translate.jsonpaths import nodes

Items = list[Any]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class PathFailedError(Exception):
    """The path has no result: a structural error, or a value of the wrong type."""


def evaluate(path: nodes.Path, document: Any) -> Items:
    """Return the items that a path finds. Raises PathFailedError."""
    return _Judge(path.lax, document).items(path.node)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fitting(value: int | float) -> int | float:
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise PathFailedError("out of range")
    return value


class _Judge:
    def __init__(
        self, lax: bool, document: Any, current: Items | None = None, last: Items | None = None
    ) -> None:
        self._lax, self._document, self._current, self._last = lax, document, current, last

    def items(self, node: nodes.Node) -> Items:
        match node:
            case nodes.Root():
                return [self._document]
            case nodes.Current():
                return self._known(self._current)
            case nodes.Last():
                return self._known(self._last)
            case nodes.Constant(value):
                return [value]
            case nodes.Member(base, name):
                return [found for item in self._unfolded(base) for found in self._members(item, name)]
            case nodes.Elements(base):
                return [found for item in self.items(base) for found in self._elements(item)]
            case nodes.Subscripts(base, ranges):
                return [found for item in self.items(base) for found in self._places(item, ranges)]
            case nodes.Filter(base, predicate):
                return [item for item in self._unfolded(base) if self._at(item).truth(predicate)]
            case nodes.Method(base, name):
                found = self.items(base) if name in ("type", "size") else self._unfolded(base)
                return [self._method(name, item) for item in found]
            case nodes.Signed(sign, operand):
                return [self._signed(sign, item) for item in self._unfolded(operand)]
            case nodes.Arithmetic(sign, left, right):
                return [self._calculated(sign, self._single(left), self._single(right))]
        raise NotImplementedError(type(node).__name__)

    def _known(self, found: Items | None) -> Items:
        if found is None:
            raise PathFailedError("nothing around")
        return found

    def _at(self, item: Any) -> "_Judge":
        return _Judge(self._lax, self._document, [item], self._last)

    def _unfolded(self, node: nodes.Node) -> Items:
        found = self.items(node)
        if not self._lax:
            return found
        return [part for item in found for part in (item if isinstance(item, list) else [item])]

    def _absent(self) -> Items:
        if self._lax:
            return []
        raise PathFailedError("nothing there")

    def _members(self, item: Any, name: str | None) -> Items:
        if not isinstance(item, dict):
            return self._absent()
        if name is None:
            return list(item.values())
        return [item[name]] if name in item else self._absent()

    def _elements(self, item: Any) -> Items:
        if isinstance(item, list):
            return item
        return [item] if self._lax else self._absent()

    def _places(self, item: Any, ranges: tuple[tuple[nodes.Node, nodes.Node], ...]) -> Items:
        elements = self._elements(item)
        if not elements:
            return self._absent()
        inside = _Judge(self._lax, self._document, self._current, [len(elements) - 1])
        found = []
        for ends in ranges:
            first, last = (inside._index(end) for end in ends)
            if not self._lax and not 0 <= first <= last < len(elements):
                raise PathFailedError("no such place")
            found += [elements[at] for at in range(max(first, 0), min(last, len(elements) - 1) + 1)]
        return found

    def _index(self, node: nodes.Node) -> int:
        found = self.items(node)
        if len(found) != 1 or not _is_number(found[0]):
            raise PathFailedError("no place")
        if isinstance(found[0], float):
            raise NotImplementedError("a fraction as place")
        return int(found[0])

    def _single(self, node: nodes.Node) -> Any:
        found = self._unfolded(node)
        if len(found) != 1 or not _is_number(found[0]):
            raise PathFailedError("no single number")
        return found[0]

    def _signed(self, sign: str, item: Any) -> Any:
        if not _is_number(item):
            raise PathFailedError("no number")
        return _fitting(-item) if sign == "-" else item

    def _calculated(self, sign: str, a: Any, b: Any) -> Any:
        whole = isinstance(a, int) and isinstance(b, int)
        match sign:
            case "+":
                return _fitting(a + b)
            case "-":
                return _fitting(a - b)
            case "*":
                return _fitting(a * b)
        if b == 0:
            if whole:
                raise PathFailedError("division by zero")
            return math.inf  # what is refused
        if not whole:
            return a / b if sign == "/" else math.fmod(a, b)
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return _fitting(quotient if sign == "/" else a - quotient * b)

    def _method(self, name: str, item: Any) -> Any:
        if name == "keyvalue":
            raise NotImplementedError(name)
        if name == "type":
            return _kind(item)
        if name == "size":
            return len(self._elements(item))
        if name == "double" and isinstance(item, str):
            try:
                return float(item)
            except ValueError:
                raise PathFailedError("no number") from None
        if not _is_number(item):
            raise PathFailedError("no number")
        if name == "double":
            return float(item)
        if name == "abs":
            return _fitting(abs(item))
        if isinstance(item, int):
            return item
        return float(math.ceil(item) if name == "ceiling" else math.floor(item))

    def truth(self, predicate: nodes.Predicate) -> bool | None:
        match predicate:
            case nodes.Both(left, right):
                both = (self.truth(left), self.truth(right))
                return False if False in both else None if None in both else True
            case nodes.Either(left, right):
                both = (self.truth(left), self.truth(right))
                return True if True in both else None if None in both else False
            case nodes.Negation(inner):
                found = self.truth(inner)
                return None if found is None else not found
            case nodes.IsUnknown(inner):
                return self.truth(inner) is None
        try:
            return self._asked(predicate)
        except PathFailedError:
            return None

    def _asked(self, predicate: nodes.Predicate) -> bool | None:
        match predicate:
            case nodes.Exists(node):
                return len(self.items(node)) > 0
            case nodes.StartsWith(whole, nodes.Constant(str(prefix))):
                found = self._unfolded(whole)
                return self._any(
                    [item.startswith(prefix) if isinstance(item, str) else None for item in found]
                )
            case nodes.Comparison(sign, left, right):
                pairs = [(a, b) for a in self._unfolded(left) for b in self._unfolded(right)]
                return self._compared(sign, pairs)
        raise NotImplementedError(type(predicate).__name__)

    def _compared(self, sign: str, pairs: list[tuple[Any, Any]]) -> bool | None:
        if any(
            isinstance(one, dict | list) and other is not None
            for pair in pairs
            for one, other in (pair, pair[::-1])
        ):
            return None
        nulls = [pair for pair in pairs if None in pair]
        answers = [_COMPARE[sign](*pair) if sign in ("==", "<>") else False for pair in nulls]
        return self._any(
            [
                *([True] if True in answers else []),
                *(_pair(sign, *pair) for pair in pairs if pair not in nulls),
            ]
        )

    def _any(self, answers: list[bool | None]) -> bool | None:
        """In lax mode the first answer that is not false; in strict mode unknown if any is unknown."""
        if self._lax:
            return next((answer for answer in answers if answer is not False), False)
        return None if None in answers else True in answers


def _kind(item: Any) -> str:
    names = {
        type(None): "null",
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        list: "array",
    }
    return names.get(type(item), "object")


def _pair(sign: str, a: Any, b: Any) -> bool | None:
    if (_is_number(a) and _is_number(b)) or type(a) is type(b):
        return _COMPARE[sign](a, b)
    return None
