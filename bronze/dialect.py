"""The CSV dialect of a table; RFC 4180 by default."""

from dataclasses import dataclass

_FORBIDDEN = "a letter or digit, a space, or one of + - . : or a line end"


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect. Delimiter and quote are one ASCII character each; `quote` is None if nothing is quoted.

    `escape` precedes a quote inside quotes; None means that quotes are doubled, as in RFC 4180. `header`: the
    first line names the columns. `multiline`: a newline in quotes is text.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    header: bool = True
    multiline: bool = False

    @property
    def quote_byte(self) -> bytes:
        """The quote; if there is none, a byte that never occurs in UTF-8."""
        return (self.quote or "\xff").encode("latin-1")


def problem(dialect: Dialect) -> tuple[str, str] | None:
    """Return the first invalid setting and what it must be, or None."""
    delimiter, quote, escape = dialect.delimiter, dialect.quote, dialect.escape
    if not _may_separate(delimiter):
        return "delimiter", f"must be one ASCII character, and not {_FORBIDDEN}"
    if quote is not None and (not _may_separate(quote) or quote == delimiter):
        return "quote", f"must be none or one ASCII character, not the delimiter and not {_FORBIDDEN}"
    if escape is not None and (not _may_separate(escape) or escape in (delimiter, quote)):
        return (
            "escape",
            f"must be double or one ASCII character, neither delimiter nor quote nor {_FORBIDDEN}",
        )
    if quote is None and (escape is not None or dialect.multiline):
        return "quote", "must be a character where the contract sets escape or multiline"
    if escape is not None and dialect.multiline:
        return "multiline", "must be false where the contract sets escape"
    return None


def _may_separate(text: str) -> bool:
    """Whether `text` is one character that cannot occur in a number, time or boolean."""
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in " +-.:\r\n\0"
