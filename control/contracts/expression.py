"""Check a SQL expression without a SQL parser.

This finds typing errors while a contract is edited; the database finds the rest at the first build.
"""

import re

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+")|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)|(?P<open>\()|(?P<close>\))|(?P<sign><=|>=|<>|!=|\|\||[-+*/%=<>,.])"""
)
# SQL keywords and types that are written without brackets, so that they are not taken for columns.
_WORDS = {
    "and", "array", "as", "between", "bigint", "boolean", "case", "cast", "date", "day", "decimal",
    "distinct", "double", "else", "end", "escape", "false", "from", "hour", "in", "int", "integer",
    "interval", "is", "like", "minute", "month", "not", "null", "or", "real", "row", "second", "string",
    "then", "time", "timestamp", "true", "try_cast", "varchar", "when", "year",
}  # fmt: skip


def problem(text: str) -> str:
    """Return why `text` cannot be an expression; empty if it may be one."""
    depth = 0
    for kind, token in _tokens(text):
        if kind == "bad":
            what = "an open quote" if token in ("'", '"') else repr(token)
            return f"{what} has no place in an expression: correct the check"
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            break
    return "the brackets do not match: correct the check" if depth else ""


def columns(text: str) -> tuple[str, ...]:
    """Return the names in `text` that must be columns, not functions or SQL keywords: each once, in order."""
    tokens = [t for t in _tokens(text) if t[0] != "space"]
    found: dict[str, None] = {}
    for index, (kind, token) in enumerate(tokens):
        called = index + 1 < len(tokens) and tokens[index + 1][0] == "open"
        if kind == "quoted":
            found[token[1:-1]] = None
        elif kind == "name" and not called and token.lower() not in _WORDS:
            found[token.lower()] = None
    return tuple(found)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        comment = text[at : at + 2] if text.startswith(("--", "/*"), at) else ""
        if token is None or comment:
            return [*found, ("bad", comment or text[at])]
        found.append((str(token.lastgroup), token[0]))
        at = token.end()
    return found
