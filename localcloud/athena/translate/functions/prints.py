"""`format`: Java's format strings, piece by piece; pieces not known to print the same are refused."""

import re
from dataclasses import dataclass

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import jsons
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import INTEGERS, VARCHAR, Term, decimal, raw_cast, text

_PIECE = re.compile(
    r"%(?:(?P<index>\d+)\$)?(?P<flags>[-0,+ #(]*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?(?P<kind>[a-zA-Z%])"
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One `%…`: `[flags][width][.digits]kind`."""

    flags: str
    width: int
    digits: int | None
    kind: str


@special("format")
def _format(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    pattern = scope.term(arguments[0])
    values = [scope.term(part) for part in arguments[1:]]
    if not isinstance(pattern.value, str):
        raise not_supported("The format must be a literal in the local cloud")
    if not values:
        line, column = place(node)
        raise syntax_error("Expected at least two arguments for function format", line=line, column=column)
    parts, at, following = [], 0, 0
    for match in _PIECE.finditer(pattern.value):
        parts.append(text(pattern.value[at : match.start()]))
        at = match.end()
        piece = _Piece(match["flags"], int(match["width"] or 0), _digits(match["digits"]), match["kind"])
        if piece.kind in "%n":
            parts.append("'%'" if piece.kind == "%" else "chr(10)")
            continue
        wanted = int(match["index"]) - 1 if match["index"] else following
        following += not match["index"]
        if not 0 <= wanted < len(values):
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"Format specifier '{match[0]}'")
        parts.append(_shown(piece, values[wanted]))
    rest = pattern.value[at:]
    if "%" in "".join(part for part in parts[::2]).replace("'%'", "") or "%" in rest:
        raise not_supported(f"The format '{pattern.value}' in the local cloud")
    return Term(f"({' || '.join([*parts, text(rest)])})", VARCHAR)


def _digits(written: str | None) -> int | None:
    return int(written) if written is not None else None


def _shown(piece: _Piece, value: Term) -> str:
    if piece.kind in "sS":
        shown = _plain(value)
        shown = f"left({shown}, {piece.digits})" if piece.digits is not None else shown
        shown = f"upper({shown})" if piece.kind == "S" else shown
    elif piece.kind == "d" and piece.digits is None:
        shown = _integer(piece, value)
    elif piece.kind == "f":
        shown = _fixed(piece, value)
    elif piece.kind in "xX" and not piece.flags and value.type.name in INTEGERS:
        shown = f"{'lower' if piece.kind == 'x' else 'upper'}(hex({value.sql}))"
    elif piece.kind == "c" and value.type.name in ("varchar", "boolean", *INTEGERS):
        # Every integer arrives as a long, which Java does not accept as a character.
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"c != {value.type.athena}")
    elif piece.kind == "b" and value.type.name == "boolean":
        shown = raw_cast(value.sql, VARCHAR)
    else:
        raise _refused(piece)
    # A precision also truncates the text of a null: `%.2f` gives `nu`.
    nothing = "NULL" if piece.kind == "S" else "null"
    shown = f"coalesce({shown}, {text(nothing[: piece.digits])})"
    if piece.width and "0" not in piece.flags:
        side = "rpad" if "-" in piece.flags else "lpad"
        return f"{side}({shown}, CAST(greatest(length({shown}), {piece.width}) AS INTEGER), ' ')"
    return shown


def _refused(piece: _Piece) -> AthenaError:
    return not_supported(f"'%{piece.flags}{piece.kind}' of this type in a format in the local cloud")


def _plain(value: Term) -> str:
    if value.type.name in ("real", "double"):
        return f"athena_java_text(athena_double_text({value.sql}))"
    if value.type.name not in ("varchar", "boolean", "date", "decimal", "unknown", *INTEGERS):
        raise not_supported(f"A format of {value.type.athena} in the local cloud")
    if value.type.name == "decimal":
        return jsons.number(value.sql, value.type)
    return raw_cast(value.sql, VARCHAR) if value.type.name == "unknown" else cast(value, VARCHAR).sql


def _integer(piece: _Piece, value: Term) -> str:
    if value.type.name not in INTEGERS:
        if value.type.name in ("varchar", "double", "boolean"):
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"d != {value.type.athena}")
        raise _refused(piece)
    if piece.flags in ("", "-"):
        return raw_cast(value.sql, VARCHAR)
    if piece.flags == ",":
        return f"format('{{:,}}', {value.sql})"
    if piece.flags == "+":
        return f"CASE WHEN {value.sql} < 0 THEN '' ELSE '+' END || {raw_cast(value.sql, VARCHAR)}"
    if piece.flags == "0" and piece.width:
        return f"printf('%0{piece.width}d', {value.sql})"
    raise _refused(piece)


def _fixed(piece: _Piece, value: Term) -> str:
    """Round half up in the decimal digits that are shown, not in the binary value."""
    digits = 6 if piece.digits is None else piece.digits
    known = piece.flags in ("", "-", ",", "0") and value.type.name in ("double", "real", "decimal")
    if not known or digits > 12:
        raise _refused(piece)
    exact = raw_cast(raw_cast(value.sql, VARCHAR), decimal(38, 14))
    shown = raw_cast(raw_cast(f"round({exact}, {digits})", decimal(38, digits)), VARCHAR)
    if piece.flags == ",":
        shown = f"athena_thousands({shown})"
    if value.type.name != "decimal" and "0" not in piece.flags:
        return f"CASE WHEN isfinite({value.sql}) THEN {shown} ELSE {_plain(value)} END"
    if piece.flags == "0" and piece.width:
        return f"athena_zeros({shown}, {piece.width})"
    return shown
