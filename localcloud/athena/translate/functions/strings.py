"""Text functions."""

# ruff: noqa: ARG001  (handlers share one signature)

from collections.abc import Callable

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.overloads import apply
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import (
    BIGINT,
    INTEGER,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Term,
    array,
    fail,
    fails_when,
    raw_cast,
    text,
    varchar,
)
from localcloud.athena.types import MAX_CHAR, UNBOUNDED, Type

# What Athena's trim removes; DuckDB's removes only spaces.
_SPACES = text(
    " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008"
    "\u2009\u200a\u2028\u2029\u205f\u3000"
)

for _type in ("varchar", "char"):
    scalar(f"lower({_type}) -> =0", "lower({0})")
    # Athena maps letters one to one, so ß has no upper case; DuckDB uses the capital ß.
    scalar(
        f"upper({_type}) -> =0",
        "CASE WHEN contains({0}, 'ß') THEN array_to_string(list_transform(string_split({0}, 'ß'),"
        " lambda p: upper(p)), 'ß') ELSE upper({0}) END",
    )
    # DuckDB keeps grapheme clusters together; Athena reverses code points.
    scalar(
        f"reverse({_type}) -> =0",
        "CASE WHEN octet_length(encode({0})) = length({0}) THEN reverse({0}) ELSE"
        " array_to_string(list_transform(range(length({0}), 0, -1), lambda i: substr({0}, i, 1)), '') END",
    )
    scalar(f"length({_type}) -> bigint", "length({0})")
scalar("length(varbinary) -> bigint", "octet_length({0})")


def _as_varchar(written: str) -> Callable[[list[Term]], Term]:
    """Return a rule from a template over a char; its result is a varchar of the same length."""
    return lambda terms: Term(written.format(terms[0].sql), varchar(terms[0].type.numbers[0]))


for _name in ("trim", "ltrim", "rtrim"):
    scalar(f"{_name}(varchar) -> =0", f"{_name}({{0}}, {_SPACES})")
    scalar(f"{_name}(varchar, varchar) -> =0", f"{_name}({{0}}, {{1}})")
    # The padding of a char does not belong to its value.
    scalar(f"{_name}(char) -> varchar", _as_varchar(f"{_name}(rtrim({{0}}, ' '), {_SPACES})"))


def _concat(terms: list[Term]) -> str:
    return "(" + " || ".join(term.sql for term in terms) + ")"


@special("concat")
def _any_concat(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    return joined([scope.term(part) for part in arguments], node)


def joined(terms: list[Term], node: exp.Expression) -> Term:
    """Return the result of `concat` of the terms, or of `||` for two.

    Of two, a bare null is taken for an array by Trino, unless that leaves the other side several readings.
    """
    if len(terms) == 2 and UNKNOWN in (terms[0].type, terms[1].type):
        other = terms[0].type if terms[1].type == UNKNOWN else terms[1].type
        if other.name == "varchar" and other.numbers:
            return Term(raw_cast("NULL", array(other)), array(other))
        if other in (VARCHAR, VARBINARY, UNKNOWN):
            line, column = place(node)
            text = f"line {line}:{column}: Could not choose a best candidate operator for concat"
            raise AthenaError("AMBIGUOUS_FUNCTION_CALL", text)
    if all(term.type.name != "char" for term in terms):
        return apply("concat", terms, node)
    if len(terms) != 2 or any(term.type.name not in ("char", "varchar") for term in terms):
        line, column = place(node)
        given = ", ".join(term.type.athena for term in terms)
        code = "AMBIGUOUS_FUNCTION_CALL" if "unknown" in given else "FUNCTION_NOT_FOUND"
        raise AthenaError(code, f"line {line}:{column}: Unexpected parameters ({given}) for function concat")
    # Both sides are padded to their full lengths, the varchar too.
    lengths = [known_length(term) for term in terms]
    total = sum(MAX_CHAR if length is None else length for length in lengths)
    if total > MAX_CHAR:
        raise AthenaError("TYPE_NOT_FOUND", f"Unknown type: char({total})")
    sides = " || ".join(
        f"rpad({term.sql}, {length}, ' ')" for term, length in zip(terms, lengths, strict=True)
    )
    return Term(f"({sides})", Type("char", (total,)))


scalar("concat(varchar, varchar, ...) -> varchar", _concat)
scalar("concat(varbinary, varbinary, ...) -> varbinary", lambda terms: raw_cast(_concat(terms), VARBINARY))
scalar("concat(array(T), array(T), ...) -> array(T)", _concat)
scalar("concat(array(T), T) -> array(T)", "CASE WHEN {1} IS NOT NULL THEN {0} || [{1}] END")
scalar("concat(T, array(T)) -> array(T)", "CASE WHEN {0} IS NOT NULL THEN [{0}] || {1} END")
scalar(
    "concat_ws(varchar, varchar, ...) -> varchar",
    lambda terms: f"concat_ws({', '.join(term.sql for term in terms)})",
)
scalar("concat_ws(varchar, array(varchar)) -> varchar", "athena_join({1}, {0})")


def _substr(terms: list[Term]) -> str:
    value, start = terms[0].sql, terms[1].sql
    # No text is longer than the limit, and DuckDB takes no greater length.
    rest = f", least({terms[2].sql}, {UNBOUNDED})" if len(terms) > 2 else ""
    outside = f"{start} = 0 OR abs({start}) > length({value})" + (f" OR {terms[2].sql} <= 0" if rest else "")
    return f"CASE WHEN {outside} THEN '' ELSE substr({value}, {start}{rest}) END"


def _substr_of_char(terms: list[Term]) -> Term:
    return Term(_substr(terms), varchar(terms[0].type.numbers[0]))


for _name in ("substr", "substring"):
    scalar(f"{_name}(varchar, bigint) -> =0", _substr)
    scalar(f"{_name}(varchar, bigint, bigint) -> =0", _substr)
    scalar(f"{_name}(char, bigint) -> varchar", _substr_of_char)
    scalar(f"{_name}(char, bigint, bigint) -> varchar", _substr_of_char)
scalar("replace(varchar, varchar) -> =0", "replace({0}, {1}, '')")


def known_length(term: Term) -> int | None:
    """Return the length of a bounded varchar; None if unbounded."""
    return term.type.numbers[0] if term.type.numbers else None


def bounded(sql: str, length: int) -> Term:
    """Return a term for a text of at most `length` characters."""
    return Term(sql, varchar(length) if length < UNBOUNDED else VARCHAR)


def _replace(terms: list[Term]) -> Term:
    value, search, new = (term.sql for term in terms)
    # An empty search text matches before, between and after all characters.
    inside = f"athena_join(string_split({value}, ''), {new})"
    between = f"CASE WHEN {value} = '' THEN {new} ELSE {new} || {inside} || {new} END"
    sql = f"CASE WHEN {search} = '' THEN {between} ELSE replace({value}, {search}, {new}) END"
    x, y = known_length(terms[0]), known_length(terms[2])
    return Term(sql, VARCHAR) if x is None or y is None else bounded(sql, x + y * (x + 1))


scalar("replace(varchar, varchar, varchar) -> varchar", _replace)
_NO_DELIMITER = fail("INVALID_FUNCTION_ARGUMENT", "'The delimiter may not be the empty string'", VARCHAR)
scalar(
    "split(varchar, varchar) -> array(=0)",
    "string_split({0}, CASE WHEN {1} = '' THEN " + _NO_DELIMITER + " ELSE {1} END)",
)
scalar(
    "split(varchar, varchar, bigint) -> array(=0)",
    "CASE WHEN {1} = '' THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'The delimiter may not be the empty string'", array(VARCHAR))
    + " WHEN {2} <= 0 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'Limit must be positive'", array(VARCHAR))
    + " WHEN {2} > 2147483647 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'Limit is too large'", array(VARCHAR))
    + " WHEN len(string_split({0}, {1})) <= {2} THEN string_split({0}, {1})"
    " ELSE list_concat(string_split({0}, {1})[1:{2} - 1],"
    " [athena_join(string_split({0}, {1})[{2}:], {1})]) END",
)
scalar(
    "split_part(varchar, varchar, bigint) -> =0",
    "CASE WHEN {2} < 1 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'Index must be greater than zero'", VARCHAR)
    + " ELSE string_split({0}, {1})[{2}] END",
)
scalar("strpos(varchar, varchar) -> bigint", "strpos({0}, {1})")
# Counted from the left, or from the right if the number is negative; matches may overlap.
scalar(
    "strpos(varchar, varchar, bigint) -> bigint",
    "CASE WHEN "
    + fails_when("{2} = 0", "INVALID_FUNCTION_ARGUMENT", "'The instance must not be zero'")
    + " OR {1} IS NULL OR {2} IS NULL THEN NULL WHEN {1} = '' AND {0} IS NOT NULL THEN 1"
    " WHEN {0} IS NOT NULL THEN coalesce(list_filter(range(1, length({0}) - length({1}) + 2),"
    " lambda i: substr({0}, i, length({1})) = {1})[{2}], 0) END",
)
scalar("starts_with(varchar, varchar) -> boolean", "starts_with({0}, {1})")
_WRONG_LENGTH = fails_when(
    "{1} NOT BETWEEN 0 AND 2147483647",
    "INVALID_FUNCTION_ARGUMENT",
    "'Target length must be in the range [0..2147483647]'",
)
for _name, _type in ("lpad", "varchar"), ("lpad", "char"), ("rpad", "varchar"):
    scalar(
        f"{_name}({_type}, bigint, varchar) -> varchar",
        "CASE WHEN {2} = '' THEN "
        + fail("INVALID_FUNCTION_ARGUMENT", "'Padding string must not be empty'", VARCHAR)
        + f" WHEN {_WRONG_LENGTH} THEN NULL ELSE {_name}({{0}}, CAST({{1}} AS INTEGER), {{2}}) END",
    )
for _name in ("lpad", "rpad"):
    scalar(
        f"{_name}(varbinary, bigint, varbinary) -> varbinary",
        "CASE WHEN octet_length({2}) = 0 THEN "
        + fail("INVALID_FUNCTION_ARGUMENT", "'Padding bytes must not be empty'", VARBINARY)
        + f" WHEN {_WRONG_LENGTH} THEN NULL"
        f" ELSE unhex({_name}(hex({{0}}), CAST({{1}} * 2 AS INTEGER), hex({{2}}))) END",
    )
scalar(
    "chr(bigint) -> varchar(1)",
    "CASE WHEN {0} NOT BETWEEN 0 AND 1114111 OR {0} BETWEEN 55296 AND 57343 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'Not a valid Unicode code point: ' || {0}", VARCHAR)
    + " ELSE chr(CAST({0} AS INTEGER)) END",
)
scalar(
    "codepoint(varchar(1)) -> integer",
    "CASE WHEN length({0}) <> 1 THEN "
    + fail("INVALID_FUNCTION_ARGUMENT", "'Input string must be a single character string'", INTEGER)
    + " ELSE unicode({0}) END",
)
scalar("translate(varchar, varchar, varchar) -> varchar", "translate({0}, {1}, {2})")
# DuckDB compares bytes; if there are non-ASCII characters, each distinct one is replaced by an ASCII one.
_CHARACTERS = "array_to_string(list_distinct(string_split({0} || {1}, '')), '')"
_SINGLE_BYTES = "array_to_string(list_transform(range(1, 128), lambda code: chr(CAST(code AS INTEGER))), '')"
scalar(
    "levenshtein_distance(varchar, varchar) -> bigint",
    "CASE WHEN octet_length(encode({0} || {1})) = length({0} || {1}) THEN levenshtein({0}, {1}) WHEN "
    + fails_when(
        f"length({_CHARACTERS}) > 127",
        "NOT_SUPPORTED",
        "'levenshtein_distance with more than 127 distinct characters in the local cloud'",
    )
    + f" THEN NULL ELSE levenshtein(translate({{0}}, {_CHARACTERS}, {_SINGLE_BYTES}),"
    f" translate({{1}}, {_CHARACTERS}, {_SINGLE_BYTES})) END",
)
scalar(
    "hamming_distance(varchar, varchar) -> bigint",
    "CASE WHEN length({0}) <> length({1}) THEN "
    + fail(
        "INVALID_FUNCTION_ARGUMENT",
        "'The input strings to hamming_distance function must have the same length'",
        BIGINT,
    )
    + " ELSE len(list_filter(range(1, length({0}) + 1), lambda i: {0}[i] <> {1}[i])) END",
)


@special("normalize")
def _normalize(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.expect(arguments[0], VARCHAR, "normalize")
    form = arguments[1].name.upper() if len(arguments) > 1 else "NFC"
    if form != "NFC":
        raise not_supported(f"The form {form} of normalize in the local cloud")
    return Term(f"nfc_normalize({value.sql})", VARCHAR)


def _no_count(condition: str, bound: str) -> str:
    message = f"'count argument of repeat function must be {bound}'"
    return fails_when(f"{{1}} {condition}", "INVALID_FUNCTION_ARGUMENT", message)


scalar(
    "repeat(T, bigint) -> array(T)",
    f"list_transform(range(CASE WHEN {_no_count('< 0', 'greater than or equal to 0')}"
    f" OR {_no_count('> 10000', 'less than or equal to 10000')}"
    " THEN 0 ELSE {1} END), lambda i: {0})",
)


scalar("uuid() -> uuid", "uuid()")
