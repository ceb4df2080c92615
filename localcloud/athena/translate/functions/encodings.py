"""Encode bytes and numbers as text, and decode them: base 32, base 64, big endian, IEEE 754."""

from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import (
    BIGINT,
    DOUBLE,
    INTEGER,
    REAL,
    VARBINARY,
    VARCHAR,
    fail,
    fails_when,
    raw_cast,
    text,
)
from localcloud.athena.types import Type

_CODE = "INVALID_FUNCTION_ARGUMENT"
_BASE32 = text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

for _type in ("varchar", "char"):
    scalar(f"to_utf8({_type}) -> varbinary", "encode({0})")
scalar("from_utf8(varbinary) -> varchar", "athena_decode({0}, chr(65533))")
_REPLACEMENT = "'Replacement character string must empty or a single character'"
scalar(
    "from_utf8(varbinary, varchar) -> varchar",
    f"CASE WHEN {fails_when('length({1}) > 1', _CODE, _REPLACEMENT)} THEN NULL"
    " ELSE athena_decode({0}, {1}) END",
)
_NO_POINT = "'Invalid replacement character'"
_NO_CHARACTER = fails_when("{1} > 1114111 OR {1} BETWEEN 55296 AND 57343", _CODE, _NO_POINT)
# A negative one fails only if there is something to replace.
_AS_IT_IS = "list_transform([{0}], lambda tried: TRY(decode(tried)))[1]"
_NEGATIVE = fail("GENERIC_INTERNAL_ERROR", _NO_POINT, VARCHAR)
scalar(
    "from_utf8(varbinary, bigint) -> varchar",
    f"CASE WHEN {_NO_CHARACTER} THEN NULL WHEN {{1}} < 0 THEN coalesce({_AS_IT_IS}, {_NEGATIVE})"
    " ELSE athena_decode({0}, chr(CAST({1} AS INTEGER))) END",
)
scalar("to_hex(varbinary) -> varchar", "hex({0})")
scalar(
    "from_hex(varchar) -> varbinary",
    "CASE WHEN length({0}) % 2 = 1 OR NOT regexp_full_match({0}, '[0-9a-fA-F]*') THEN "
    + fail(_CODE, "'Invalid hex input: ' || {0}", VARBINARY)
    + " ELSE unhex({0}) END",
)
scalar("to_base64(varbinary) -> varchar", "to_base64({0})")
# The padding of the last group of four may be missing.
_FILLED = "rpad({0}, CAST((length({0}) + 3) // 4 * 4 AS INTEGER), '=')"
_FROM_BASE64 = (
    "CASE WHEN length({0}) % 4 = 1 OR contains({0}, '=') AND length({0}) % 4 <> 0"
    " OR NOT regexp_full_match({0}, '[A-Za-z0-9+/]*={{0,2}}') THEN "
    + fail(_CODE, "'Input is not base64: ' || {0}", VARBINARY)
    + f" ELSE from_base64({_FILLED}) END"
)
scalar("from_base64(varchar) -> varbinary", _FROM_BASE64)
scalar("to_base64url(varbinary) -> varchar", "translate(to_base64({0}), '+/', '-_')")
scalar("from_base64url(varchar) -> varbinary", _FROM_BASE64.replace("{0}", "translate({0}, '-_', '+/')"))
scalar(
    "to_base32(varbinary) -> varchar",
    "CASE WHEN octet_length({0}) = 0 THEN '' ELSE rpad(array_to_string(list_transform("
    "range((octet_length({0}) * 8 + 4) // 5), lambda i: "
    + _BASE32
    + "[CAST('0b' || rpad(substr(CAST(CAST({0} AS BIT) AS VARCHAR), i * 5 + 1, 5), 5, '0') AS INTEGER) + 1]),"
    " ''), CAST((octet_length({0}) + 4) // 5 * 8 AS INTEGER), '=') END",
)
_BITS = (
    "array_to_string(list_transform(string_split(rtrim({0}, '='), ''), lambda c: lpad(to_base(strpos("
    + _BASE32
    + ", c) - 1, 2), 5, '0')), '')"
)
scalar(
    "from_base32(varchar) -> varbinary",
    "CASE WHEN NOT regexp_full_match({0}, '[A-Z2-7]*=*') OR length(rtrim({0}, '=')) % 8 IN (1, 3, 6) THEN "
    + fail(_CODE, "'Input is not base32: ' || {0}", VARBINARY)
    + " WHEN length(rtrim({0}, '=')) < 2 THEN unhex('') ELSE"
    f" CAST(CAST(left({_BITS}, length({_BITS}) // 8 * 8) AS BIT) AS BLOB) END",
)


def _bits(name: str, type_: Type, length: int) -> None:
    """Add functions that convert a number to its bits, highest first, and back. A double NaN has one form."""
    value = "CASE WHEN isnan({0}) THEN CAST('nan' AS DOUBLE) ELSE {0} END" if type_ == DOUBLE else "{0}"
    scalar(f"to_{name}({type_.name}) -> varbinary", f"CAST(CAST({value} AS BIT) AS BLOB)")
    wrong = fail(_CODE, f"'expected {length}-byte input, but got instead: ' || octet_length({{0}})", type_)
    number = raw_cast("CAST({0} AS BIT)", type_)
    scalar(
        f"from_{name}(varbinary) -> {type_.name}",
        f"CASE WHEN octet_length({{0}}) <> {length} THEN {wrong} ELSE {number} END",
    )


_bits("big_endian_32", INTEGER, 4)
_bits("big_endian_64", BIGINT, 8)
_bits("ieee754_32", REAL, 4)
_bits("ieee754_64", DOUBLE, 8)
scalar(
    "char2hexint(varchar) -> varchar",
    "array_to_string(list_transform(string_split({0}, ''), lambda c: CASE WHEN unicode(c) > 65535 THEN "
    + fail("NOT_SUPPORTED", "'char2hexint of ' || c || ' in the local cloud'", VARCHAR)
    + " ELSE lpad(hex(unicode(c)), 4, '0') END), '')",
)
scalar(
    "reverse(varbinary) -> varbinary",
    "unhex(array_to_string(list_transform(range(octet_length({0}), 0, -1),"
    " lambda i: substr(hex({0}), i * 2 - 1, 2)), ''))",
)
_LENGTH = "least({2}, octet_length({0}))"
_OUTSIDE = "{1} = 0 OR abs({1}) > octet_length({0})"
_START = "(CASE WHEN {1} > 0 THEN {1} ELSE octet_length({0}) + {1} + 1 END)"
scalar(
    "substr(varbinary, bigint) -> varbinary",
    f"CASE WHEN {_OUTSIDE} THEN unhex('') ELSE unhex(substr(hex({{0}}), {_START} * 2 - 1)) END",
)
scalar(
    "substr(varbinary, bigint, bigint) -> varbinary",
    f"CASE WHEN {_OUTSIDE} OR {{2}} <= 0 THEN unhex('')"
    f" ELSE unhex(substr(hex({{0}}), {_START} * 2 - 1, {_LENGTH} * 2)) END",
)
