"""`format`: Java's format strings, piece by piece; pieces not known to print the same are refused."""

import re
from dataclasses import dataclass, replace

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported, syntax_error
from localcloud.athena.translate import jsons, zones
from localcloud.athena.translate.casts import cast
from localcloud.athena.translate.functions.registry import special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import BIGINT, DOUBLE, INTEGERS, VARCHAR, Term, decimal, raw_cast, text

_PIECE = re.compile(
    r"%(?:(?P<index>\d+)\$|(?P<again><))?(?P<flags>[-0,+ #(]*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?"
    r"(?P<kind>t?[a-zA-Z%])"
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
    parts, at, following, wanted = [], 0, 0, -1
    for match in _PIECE.finditer(pattern.value):
        parts.append(text(pattern.value[at : match.start()]))
        at = match.end()
        piece = _Piece(match["flags"], int(match["width"] or 0), _digits(match["digits"]), match["kind"])
        if piece.kind in "%n":
            parts.append("'%'" if piece.kind == "%" else "chr(10)")
            continue
        if match["index"]:
            wanted = int(match["index"]) - 1
        elif not match["again"]:
            wanted, following = following, following + 1
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
        # Every integer arrives as a long.
        shown = f"{'lower' if piece.kind == 'x' else 'upper'}(hex({raw_cast(value.sql, BIGINT)}))"
    elif piece.kind == "c" and value.type.name in ("varchar", "boolean", *INTEGERS):
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"c != {value.type.athena}")
    elif piece.kind in "bB":
        return _padded(piece, _truth(piece, value))
    elif piece.kind[0] == "t" and not piece.flags:
        shown = _clock(piece, value)
    else:
        raise _refused(piece)
    # A precision also truncates the text of a null: `%.2f` gives `nu`.
    nothing = "NULL" if piece.kind == "S" else "null"
    return _padded(piece, f"coalesce({shown}, {text(nothing[: piece.digits])})")


def _padded(piece: _Piece, shown: str) -> str:
    if piece.width:
        side = "rpad" if "-" in piece.flags else "lpad"
        return f"{side}({shown}, CAST(greatest(length({shown}), {piece.width}) AS INTEGER), ' ')"
    return shown


def _truth(piece: _Piece, value: Term) -> str:
    """Print a boolean; anything else that is not null is true."""
    true = value.sql if value.type.name == "boolean" else f"({value.sql} IS NOT NULL)"
    shown = f"CASE WHEN {true} THEN 'true' ELSE 'false' END"
    return f"upper({shown})" if piece.kind == "B" else shown


# Java's letters for parts of dates and times after `%t`, and what strftime calls them.
_CLOCKS = {
    "Y": "%Y", "y": "%y", "m": "%m", "d": "%d", "e": "%-d", "j": "%j", "B": "%B", "b": "%b", "h": "%b",
    "A": "%A", "a": "%a", "F": "%Y-%m-%d", "D": "%m/%d/%y", "H": "%H", "k": "%-H", "I": "%I", "l": "%-I",
    "M": "%M", "S": "%S", "L": "%g", "R": "%H:%M", "T": "%H:%M:%S", "p": "%p",
}  # fmt: skip
_OF_TIMES = "HkIlMSLRTp"


def _clock(piece: _Piece, value: Term) -> str:
    letter = piece.kind[1]
    dated = value.type.name == "date" and letter not in _OF_TIMES
    if letter not in _CLOCKS or not (dated or value.type.name == "timestamp"):
        raise _refused(piece)
    shown = f"strftime({value.sql}, {text(_CLOCKS[letter])})"
    return f"lower({shown})" if letter == "p" else shown


def _refused(piece: _Piece) -> AthenaError:
    return not_supported(f"'%{piece.flags}{piece.kind}' of this type in a format in the local cloud")


def _plain(value: Term) -> str:
    match value.type.name:
        case "real" | "double":
            return f"athena_java_text(athena_double_text({value.sql}))"
        case "decimal":
            return jsons.number(value.sql, value.type)
        case "timestamp":
            return f"(strftime({value.sql}, '%Y-%m-%dT') || athena_java_clock({value.sql}))"
        case "time":
            return f"athena_java_clock(DATE '2000-01-01' + {value.sql})"
        case "timestamp with time zone" if value.zone == "UTC" or value.zone[0] in "+-":
            clock = zones.local(value)
            zone = "Z[UTC]" if value.zone == "UTC" else value.zone
            return f"(strftime({clock}, '%Y-%m-%dT') || athena_java_clock({clock}) || {text(zone)})"
        case "json":
            return value.sql
        case "unknown" | "uuid":
            return raw_cast(value.sql, VARCHAR)
        case "varchar" | "boolean" | "date" | "interval day to second" | "interval year to month":
            return cast(value, VARCHAR).sql
        case name if name in INTEGERS:
            return cast(value, VARCHAR).sql
    raise not_supported(f"A format of {value.type.athena} in the local cloud")


def _integer(piece: _Piece, value: Term) -> str:
    if value.type.name not in (*INTEGERS, "unknown"):
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", f"d != {value.type.athena}")
    return _with_sign(piece, raw_cast(value.sql, VARCHAR))


def _with_sign(piece: _Piece, number: str) -> str:
    """Add what the flags want to the digits of a number: a sign, parentheses, thousands, zeros."""
    flags = set(piece.flags) - {"-"}
    if not flags:
        return number
    if flags - set("+ (,0") or ("0" in flags and not piece.width):
        raise _refused(piece)
    digits = "athena_thousands(ltrim(t, '-'))" if "," in flags else "ltrim(t, '-')"
    plus = "+" if "+" in flags else " " if " " in flags else ""
    minus, end = ("(", ")") if "(" in flags else ("-", "")

    def signed(before: str, behind: str) -> str:
        room = piece.width - len(before + behind)
        padded = f"athena_zeros_before({digits}, {room})" if "0" in flags else digits
        return f"{text(before)} || {padded} || {text(behind)}"

    made = f"CASE WHEN t[1] = '-' THEN {signed(minus, end)} ELSE {signed(plus, '')} END"
    return f"list_transform([{number}], lambda t: {made})[1]"


def _fixed(piece: _Piece, value: Term) -> str:
    """Round half up in the decimal digits that are shown, not in the binary value."""
    digits = 6 if piece.digits is None else piece.digits
    if value.type.name == "unknown":
        return raw_cast(value.sql, VARCHAR)
    if value.type.name not in ("double", "real", "decimal") or digits > 12:
        raise _refused(piece)
    # A real is printed as the double that it is: 1.005 as 1.00.
    written = raw_cast(value.sql, DOUBLE) if value.type.name == "real" else value.sql
    exact = raw_cast(raw_cast(written, VARCHAR), decimal(38, 14))
    shown = raw_cast(raw_cast(f"round({exact}, {digits})", decimal(38, digits)), VARCHAR)
    # What is rounded to zero keeps its sign.
    negative = f"{value.sql} < 0" if value.type.name == "decimal" else f"signbit({value.sql})"
    shown = _with_sign(piece, f"(CASE WHEN {negative} THEN '-' ELSE '' END || ltrim({shown}, '-'))")
    if value.type.name == "decimal":
        return shown
    unbounded = _with_sign(replace(piece, flags=re.sub("[,0]", "", piece.flags)), _plain(value))
    other = f"CASE WHEN isnan({value.sql}) THEN 'NaN' ELSE {unbounded} END"
    return f"CASE WHEN isfinite({value.sql}) THEN {shown} ELSE {other} END"
