"""Parse an SQL/JSON path by the grammar of Trino 476."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from localcloud.athena.translate.jsonpaths.nodes import (
    Arithmetic,
    Both,
    Comparing,
    Comparison,
    Constant,
    Current,
    Descendants,
    Either,
    Elements,
    Exists,
    Filter,
    IsUnknown,
    Last,
    Member,
    Method,
    Negation,
    Node,
    Path,
    Predicate,
    Root,
    Sign,
    Signed,
    StartsWith,
    Subscripts,
    Variable,
)

METHODS = ("type", "size", "double", "ceiling", "floor", "abs", "keyvalue")
_ABSENT = {"datetime": "datetime method", "like_regex": "like_regex predicate"}  # also missing in Trino 476
_TOKEN = re.compile(
    r"""(?P<space>[ \r\n\t]+)
    |(?P<float>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]+)
    |(?P<decimal>[0-9]+\.[0-9]*|\.[0-9]+)
    |(?P<whole>[0-9]+)
    |(?P<text>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>\.\.|==|<>|!=|<=|>=|&&|\|\||[-+*/%.,()\[\]?!<>$@])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ADDING: Final[tuple[Sign, ...]] = ("+", "-")
_MULTIPLYING: Final[tuple[Sign, ...]] = ("*", "/", "%")
_COMPARISONS: Final[Mapping[str, Comparing]] = {
    "==": "==",
    "<>": "<>",
    "!=": "<>",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
}
_Mark = TypeVar("_Mark", bound=str)
_BIGGEST = 2**63


class PathError(Exception):
    """An invalid path: what is wrong, and at which character."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class UnsupportedPathError(PathError):
    """A standard path that Trino does not support."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(written: str) -> Path:
    """Parse a path. Raises PathError for an invalid one."""
    return _Parser(written).path()


class _Parser:
    def __init__(self, written: str) -> None:
        found = (_Token(str(match.lastgroup), match[0], match.start()) for match in _TOKEN.finditer(written))
        self._tokens = [token for token in found if token.kind != "space"]
        self._tokens.append(_Token("end", "<EOF>", len(written)))
        self._next = 0

    def path(self) -> Path:
        mode = self._word("lax", "strict")
        if mode is None:
            raise self._unexpected("{'lax', 'strict'}")
        node = self._sum()
        if self._token.kind != "end":
            raise self._unexpected("<EOF>")
        return Path(mode == "lax", node)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        found = self._token
        self._next += found.kind != "end"
        return found

    def _mark(self, *marks: _Mark) -> _Mark | None:
        """Consume and return the next token if it is one of these symbols."""
        token = self._token
        found = next((mark for mark in marks if token.kind == "mark" and token.text == mark), None)
        if found is not None:
            self._take()
        return found

    def _word(self, *words: str) -> str | None:
        return self._take().text if self._token.kind == "word" and self._token.text in words else None

    def _expect(self, *texts: str) -> None:
        for text in texts:
            if self._mark(text) is None and self._word(text) is None:
                raise self._unexpected(f"'{text}'")

    def _unexpected(self, expected: str) -> PathError:
        return PathError(f"mismatched input '{self._token.text}' expecting {expected}", self._token.at)

    def _sum(self) -> Node:
        found = self._product()
        while sign := self._mark(*_ADDING):
            found = Arithmetic(sign, found, self._product())
        return found

    def _product(self) -> Node:
        found = self._signed()
        while sign := self._mark(*_MULTIPLYING):
            found = Arithmetic(sign, found, self._signed())
        return found

    def _signed(self) -> Node:
        number = self._tokens[min(self._next + 1, len(self._tokens) - 1)].kind in (
            "whole",
            "float",
            "decimal",
        )
        if not (self._token.text == "-" and number) and (sign := self._mark(*_ADDING)):
            return Signed(sign, self._signed())
        return self._accessors(self._primary())

    def _accessors(self, found: Node) -> Node:
        while self._token.kind == "mark" and self._token.text in (".", "..", "[", "?"):
            match self._take().text:
                case ".":
                    found = self._member(found)
                case "..":
                    found = Descendants(found, self._name())
                case "[":
                    found = self._subscripts(found)
                case _:
                    self._expect("(")
                    found = Filter(found, self._predicate())
                    self._expect(")")
        return found

    def _member(self, base: Node) -> Node:
        if self._mark("*"):
            return Member(base, None)
        at, quoted, name = self._token.at, self._token.kind == "text", self._name()
        if quoted or not self._mark("("):
            return Member(base, name)
        if name in _ABSENT:
            raise UnsupportedPathError(f"{_ABSENT[name]} in JSON path is not yet supported", at)
        if name not in METHODS:
            raise PathError(f"mismatched input '(' expecting <EOF> after {name}", at)
        self._expect(")")
        return Method(base, name)

    def _name(self) -> str:
        if self._token.kind not in ("word", "text"):
            raise self._unexpected("{IDENTIFIER, STRING}")
        token = self._take()
        return token.text if token.kind == "word" else _unquoted(token.text)

    def _subscripts(self, base: Node) -> Node:
        if self._mark("*"):
            self._expect("]")
            return Elements(base)
        ranges = [self._range()]
        while self._mark(","):
            ranges.append(self._range())
        self._expect("]")
        return Subscripts(base, tuple(ranges))

    def _range(self) -> tuple[Node, Node]:
        first = self._sum()
        return first, self._sum() if self._word("to") else first

    def _primary(self) -> Node:
        minus = "-" if self._mark("-") else ""
        token = self._take()
        match token.kind:
            case "whole":
                return _whole(minus + token.text, token.at)
            case "decimal" | "float":
                return Constant(float(minus + token.text), minus + token.text)
            case "text":
                return Constant(_unquoted(token.text))
            case "variable":
                return Variable(token.text[1:])
        match token.text:
            case "$":
                return Root()
            case "@":
                return Current()
            case "last":
                return Last()
            case "true" | "false" | "null":
                return Constant({"true": True, "false": False, "null": None}[token.text])
            case "(":
                found = self._sum()
                self._expect(")")
                return found
        raise PathError(f"no viable alternative at input '{token.text}'", token.at)

    def _predicate(self) -> Predicate:
        found = self._conjunction()
        while self._mark("||"):
            found = Either(found, self._conjunction())
        return found

    def _conjunction(self) -> Predicate:
        found = self._condition()
        while self._mark("&&"):
            found = Both(found, self._condition())
        return found

    def _condition(self) -> Predicate:
        if self._mark("!"):
            found = self._delimited()
            if found is None:
                raise self._unexpected("{'(', 'exists'}")
            return Negation(found)
        start = self._next
        try:
            found = self._delimited()
        except UnsupportedPathError:
            raise
        except PathError:
            found = None
        if found is not None and not self._goes_on():
            bracketed = self._tokens[start].text == "("
            return IsUnknown(found) if bracketed and self._is_unknown() else found
        self._next = start  # the parentheses contain a path, not a predicate
        return self._comparison()

    def _delimited(self) -> Predicate | None:
        """Parse `exists(…)` or a predicate in parentheses; None if neither comes next."""
        if self._word("exists"):
            self._expect("(")
            found: Predicate = Exists(self._sum())
        elif self._mark("("):
            found = self._predicate()
        else:
            return None
        self._expect(")")
        return found

    def _goes_on(self) -> bool:
        return self._token.kind == "mark" and self._token.text not in ("&&", "||", ")")

    def _is_unknown(self) -> bool:
        if not self._word("is"):
            return False
        self._expect("unknown")
        return True

    def _comparison(self) -> Predicate:
        left = self._sum()
        if self._word("starts"):
            self._expect("with")
            if self._token.kind not in ("text", "variable"):
                raise self._unexpected("{NAMED_VARIABLE, STRING}")
            return StartsWith(left, self._primary())
        if self._token.text == "like_regex":
            raise UnsupportedPathError(f"{_ABSENT['like_regex']} in JSON path is not yet supported", 0)
        operator = self._mark(*_COMPARISONS)
        if operator is None:
            raise self._unexpected("{'==', '<>', '!=', '<', '>', '<=', '>='}")
        return Comparison(_COMPARISONS[operator], left, self._sum())


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"')


def _whole(written: str, at: int) -> Constant:
    value = int(written)
    if not -_BIGGEST <= value < _BIGGEST:
        raise PathError(f"Invalid numeric literal: {written}", at)
    return Constant(value)
