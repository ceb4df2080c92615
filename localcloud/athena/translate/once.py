"""Evaluate once what a translation uses more than once.

An argument that is written out twice doubles with every call around it, and DuckDB expands macro arguments
as text in the same way, so nested calls would grow exponentially. Where that begins, the arguments are put
into a one-element list, and a lambda over it gives them names.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from localcloud.athena.translate.terms import Moment, Term, text

# How much text may be repeated. Below this, DuckDB finds common subexpressions itself.
LIMIT = 2000

# Macros that expand an argument more than once: ours except these, and some of DuckDB's own.
_SINGLE = "fail|java_text|json_escaped|json_strict|json_text|murmur3|path_text|sha512"
_MACRO = rf"athena_(?!(?:{_SINGLE})\()\w+|array_to_string|nullif|split_part"
_MACRO_CALL = re.compile(rf"\b(?:{_MACRO})\(")
# The cost of a macro, in characters of text: SHA-512 takes 0.2 s.
_SIZE, _LARGE_SIZE = 300, 3000
_LARGE = ("athena_sha512(", "athena_murmur3(", "athena_xxhash64(", "athena_json(", "athena_beta(")

_LITERAL = re.compile(
    r"\(?-?\d+\)?|'(?:[^']|'')*'|TRUE|FALSE|NULL|CAST\((?:-?\d+|'[^']*'|NULL) AS [\w, ()\[\]]+\)"
)
_PIECE = re.compile(
    rf"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\b(?P<macro>{_MACRO})\(|(?P<open>\()|(?P<end>\))|(?P<name>\bonce_\w+)"""
)

Build = Callable[[Sequence[Term]], Term]


def bound(found: Term, parts: Sequence[Term], build: Build) -> Term:
    """Return `found`, which `build` made of `parts`, or a version that evaluates the parts first."""
    doubled = sum((found.sql.count(part.sql) - 1) * _weight(part.sql) for part in parts) > LIMIT
    if not doubled and not _adds_macros(found, parts):
        return found
    named = {at: part for at, part in enumerate(parts) if not _LITERAL.fullmatch(part.sql)}
    if not named:
        return found
    name = f"once_{zlib.crc32(' '.join(part.sql for part in named.values()).encode()):08x}"
    alone = len(named) == 1
    places = {at: name if alone else f"{name}['p{at}']" for at in named}
    made = build([replace(part, sql=places.get(at, part.sql)) for at, part in enumerate(parts)])
    if not (_inside_macro(made.sql, name) or doubled) or _written_out(made, named.values()):
        return found
    row = ", ".join(f"{text(f'p{at}')}: {part.sql}" for at, part in named.items())
    value = next(iter(named.values())).sql if alone else f"{{{row}}}"

    def around(sql: str) -> str:
        return f"list_transform([{value}], lambda {name}: {sql})[1]"

    moment = made.moment and Moment(around(made.moment.instant), around(made.moment.clock))
    return replace(made, sql=around(made.sql), moment=moment)


def _weight(sql: str) -> int:
    """The cost of a text to DuckDB, in characters."""
    large = sum(sql.count(macro) for macro in _LARGE)
    return len(sql) + _SIZE * len(_MACRO_CALL.findall(sql)) + _LARGE_SIZE * large


def _adds_macros(found: Term, parts: Sequence[Term]) -> bool:
    """Whether the parts contain macro calls, and `found` adds others around them."""
    inside = sum(len(_MACRO_CALL.findall(part.sql)) * found.sql.count(part.sql) for part in parts)
    return 0 < inside < len(_MACRO_CALL.findall(found.sql))


def _inside_macro(sql: str, name: str) -> bool:
    """Whether `name` occurs among the arguments of a macro."""
    around: list[bool] = []
    for piece in _PIECE.finditer(sql):
        if piece["macro"] or piece["open"]:
            around.append(piece["macro"] is not None)
        elif piece["end"] and around:
            around.pop()
        elif piece["name"] == name and any(around):
            return True
    return False


def _written_out(made: Term, parts: Iterable[Term]) -> bool:
    """Whether the result uses a part's `moment` texts, which the name does not replace."""
    beside = [part.moment for part in parts if part.moment is not None]
    return any(sql in made.sql for moment in beside for sql in (moment.instant, moment.clock))
