"""Parse a statement token by token: keywords, names, columns, lists of properties."""

from collections.abc import Callable
from typing import TypeVar

from localcloud.athena.catalog import TableColumn
from localcloud.athena.errors import AthenaError, InvalidRequestError
from localcloud.athena.statements.nodes import Name, Pairs
from localcloud.athena.statements.tokens import Token, place, tokenize, unexpected
from localcloud.athena.types import parse_hive

T = TypeVar("T")

_CATALOG = "awsdatacatalog"


class Cursor:
    """The tokens of one statement, and the position of the next one.

    Every parsing method raises AthenaError SYNTAX_ERROR, with line and column, if something else comes next.
    """

    def __init__(self, text: str, *, hive: bool = True) -> None:
        self.text = text
        self.tokens = list(tokenize(text, hive=hive))
        self.at = 0

    @property
    def next(self) -> Token | None:
        """The next token, None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def fail(self, expecting: str = "") -> AthenaError:
        """Return the syntax error for the next token."""
        token = self.next
        if token is None:
            return unexpected(self.text, len(self.text), "<EOF>", expecting)
        return unexpected(self.text, token.start, token.raw, expecting)

    def follows(self, *words: str) -> bool:
        """Whether these keywords or symbols come next."""
        tokens = self.tokens[self.at : self.at + len(words)]
        return [token.keyword for token in tokens] == list(words)

    def accept(self, *words: str) -> bool:
        """Consume these keywords or symbols if they come next; returns whether they did."""
        if not self.follows(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Consume these keywords or symbols."""
        for word in words:
            if not self.accept(word):
                raise self.fail(f"'{word}'")

    def inside(self) -> str:
        """Consume a pair of parentheses; returns the text between them as written."""
        self.expect("(")
        start, depth = self.tokens[self.at - 1].stop, 1
        while depth:
            token = self.next
            if token is None:
                raise self.fail("')'")
            depth += (token.keyword == "(") - (token.keyword == ")")
            self.at += 1
        return self.text[start : self.tokens[self.at - 1].start].strip()

    def one_of(self, *words: str) -> str:
        """Consume one of these keywords and return it."""
        token = self.next
        if token is None or token.keyword not in words:
            raise self.fail(", ".join(f"'{word}'" for word in words))
        self.at += 1
        return token.keyword

    def end(self) -> None:
        """Check that no tokens are left."""
        if self.next is not None:
            raise self.fail("<EOF>")

    def _take(self, *sorts: str, expecting: str) -> Token:
        token = self.next
        if token is None or token.sort not in sorts:
            raise self.fail(expecting)
        self.at += 1
        return token

    def identifier(self, *, quoted: bool = False) -> str:
        """Parse one part of a name, in lower case: bare or in backticks; in double quotes only if `quoted`.

        DDL is parsed by Hive, for which double-quoted text is a string; queries are parsed by Trino.
        """
        sorts = ("word", "ticked", "quoted") if quoted else ("word", "ticked")
        return self._take(*sorts, expecting="<identifier>").value.lower()

    def name(self, *, quoted: bool = False) -> Name:
        """`[awsdatacatalog.][database.]table`. Raises InvalidRequestError for another catalog."""
        parts = [self.identifier(quoted=quoted)]
        while self.accept("."):
            parts.append(self.identifier(quoted=quoted))
        if len(parts) > 3:
            raise AthenaError("SYNTAX_ERROR", f"Invalid table name {'.'.join(parts)}")
        if len(parts) == 3 and parts[0] != _CATALOG:
            raise InvalidRequestError(f"Catalog '{parts[0]}' does not exist", code="DATACATALOG_NOT_FOUND")
        return Name(parts[-1], parts[-2] if len(parts) > 1 else "")

    def string(self) -> str:
        """Parse a quoted text."""
        return self._take("string", "quoted", expecting="<string>").value

    def number(self) -> int:
        """Parse a whole number."""
        token = self._take("number", expecting="<number>")
        if not token.value.isdigit():
            self.at -= 1
            raise self.fail("<number>")
        return int(token.value)

    def literal(self) -> str:
        """Parse a value and return its text: a string, a number, a bare word, `date '…'`."""
        if self.follows("DATE"):
            self.at += 1
        token = self._take("string", "quoted", "number", "word", expecting="<value>")
        return token.value

    def type(self) -> str:
        """Parse a column type; returns Hive's spelling. Raises AthenaError TYPE_NOT_FOUND."""
        first = self._take("word", expecting="<type>")
        depth, last = 0, first
        while (token := self.next) is not None:
            opens, closes = token.keyword in ("(", "<"), token.keyword in (")", ">")
            if depth == 0 and not opens:
                break
            depth += opens - closes
            last = token
            self.at += 1
            if depth == 0:
                break
        text = self.text[first.start : last.stop]
        try:
            return parse_hive(text).hive
        except AthenaError:
            line, column = place(self.text, first.start)
            raise AthenaError("TYPE_NOT_FOUND", f"line {line}:{column}: Unknown type: {text}") from None

    def column(self) -> TableColumn:
        """`name type [COMMENT '…']`."""
        name = self.identifier()
        self.accept(":")
        type_ = self.type()
        return TableColumn(name, type_, self.string() if self.accept("COMMENT") else "")

    def columns(self) -> tuple[TableColumn, ...]:
        """`(name type, …)`."""
        self.expect("(")
        found = [self.column()]
        while not self.accept(")"):
            if not self.accept(","):
                raise self.fail("')', ','")
            found.append(self.column())
        return tuple(found)

    def identifiers(self) -> tuple[str, ...]:
        """`(name, …)`."""
        return self._listed(self.identifier)

    def properties(self) -> Pairs:
        """`('key'='value', …)`."""
        return self._listed(lambda: self._pair(self.literal))

    def strings(self) -> tuple[str, ...]:
        """`('key', …)`."""
        return self._listed(self.string)

    def partition(self) -> Pairs:
        """`(key = value, …)`, keys in lower case."""
        return self._listed(lambda: self._pair(self.identifier))

    def _listed(self, read: Callable[[], T]) -> tuple[T, ...]:
        self.expect("(")
        found = [read()]
        while not self.accept(")"):
            self.expect(",")
            found.append(read())
        return tuple(found)

    def _pair(self, key: Callable[[], str]) -> tuple[str, str]:
        name = key()
        self.expect("=")
        return name, self.literal()

    def start(self) -> int:
        """Return the offset of the next token in the text."""
        return self.tokens[self.at].start if self.next is not None else len(self.text)

    def rest(self) -> str:
        """Consume the rest and return its text as written."""
        start = self.start()
        self.at = len(self.tokens)
        return self.text[start:].strip()
