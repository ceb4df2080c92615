"""Evaluate once what a translation uses more than once.

An argument that is written out twice doubles with every call around it, and DuckDB expands macro arguments
as text in the same way, so nested calls would grow exponentially. Where that begins, the arguments are put
into a one-element list, and a lambda over it gives them names: `f(x, y)` becomes
`list_transform([{'p0': x, 'p1': y}], lambda once_1: f(once_1['p0'], once_1['p1']))[1]`.
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


def bound(call: Term, arguments: Sequence[Term], build: Build) -> Term:
    """Return `call`, which `build` made of the arguments, or the same with its arguments evaluated first."""
    repeated = sum((call.sql.count(argument.sql) - 1) * _weight(argument.sql) for argument in arguments)
    if repeated <= LIMIT and not _adds_macros(call, arguments):
        return call
    to_name = {at: term for at, term in enumerate(arguments) if not _LITERAL.fullmatch(term.sql)}
    if not to_name:
        return call
    name = f"once_{zlib.crc32(' '.join(term.sql for term in to_name.values()).encode()):08x}"
    if len(to_name) == 1:
        [(only, term)] = to_name.items()
        value, names = term.sql, {only: name}
    else:
        row = ", ".join(f"{text(f'p{at}')}: {term.sql}" for at, term in to_name.items())
        value, names = f"{{{row}}}", {at: f"{name}['p{at}']" for at in to_name}
    short = build([replace(term, sql=names.get(at, term.sql)) for at, term in enumerate(arguments)])
    pays = repeated > LIMIT or _inside_macro(short.sql, name)
    if not pays or _uses_moment(short, to_name.values()):
        return call

    def around(sql: str) -> str:
        return f"list_transform([{value}], lambda {name}: {sql})[1]"

    moment = short.moment and Moment(around(short.moment.instant), around(short.moment.clock))
    return replace(short, sql=around(short.sql), moment=moment)


def _weight(sql: str) -> int:
    """The cost of a text to DuckDB, in characters."""
    large = sum(sql.count(macro) for macro in _LARGE)
    return len(sql) + _SIZE * len(_MACRO_CALL.findall(sql)) + _LARGE_SIZE * large


def _adds_macros(call: Term, arguments: Sequence[Term]) -> bool:
    """Whether the arguments contain macro calls, and `call` adds others around them."""
    inside = sum(len(_MACRO_CALL.findall(term.sql)) * call.sql.count(term.sql) for term in arguments)
    return 0 < inside < len(_MACRO_CALL.findall(call.sql))


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


def _uses_moment(call: Term, arguments: Iterable[Term]) -> bool:
    """Whether a call uses the `moment` texts of an argument, which its name does not replace."""
    moments = [term.moment for term in arguments if term.moment is not None]
    return any(sql in call.sql for moment in moments for sql in (moment.instant, moment.clock))
