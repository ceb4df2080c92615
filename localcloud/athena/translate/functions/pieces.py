"""Interpret text: sounds, check digits, maps, positions of matches."""

# ruff: noqa: ARG001  (handlers share one signature)

from sqlglot import exp

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.regexps import pattern
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.functions.sequences import in_order
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import (
    BOOLEAN,
    INTEGER,
    VARCHAR,
    Term,
    array,
    fail,
    map_,
    text,
)

_CODE = "INVALID_FUNCTION_ARGUMENT"

scalar("index(varchar, varchar) -> bigint", "strpos({0}, {1})")


def _soundex() -> str:
    letters = "upper(regexp_replace({0}, '[^A-Za-z]', '', 'g'))"
    # H and W are ignored; a vowel separates equal sounds.
    heard = f"({letters}[1] || regexp_replace(substr({letters}, 2), '[HW]', '', 'g'))"
    sounds = f"translate({heard}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202')"
    for digit in "123456":
        sounds = f"regexp_replace({sounds}, '{digit}+', '{digit}', 'g')"
    return f"rpad(left({letters}[1] || replace(substr({sounds}, 2), '0', ''), 4), 4, '0')"


scalar(
    "soundex(varchar) -> varchar(4)",
    "CASE WHEN NOT regexp_matches({0}, '[A-Za-z]|[^\\x00-\\x7f]') THEN ''"
    " WHEN regexp_matches({0}, '[^\\x00-\\x7f]') THEN "
    + fail(_CODE, "'The character is not mapped: ' || {0}", VARCHAR)
    + f" ELSE {_soundex()} END",
)
_DIGIT = "CAST(substr({0}, length({0}) - i, 1) AS INTEGER)"
scalar(
    "luhn_check(varchar) -> boolean",
    "CASE WHEN {0} = '' THEN FALSE WHEN NOT regexp_full_match({0}, '[0-9]*') THEN "
    + fail(_CODE, "'Invalid number: ' || {0}", BOOLEAN)
    + f" ELSE list_sum(list_transform(range(length({{0}})), lambda i: CASE WHEN i % 2 = 0 THEN {_DIGIT}"
    f" WHEN {_DIGIT} > 4 THEN {_DIGIT} * 2 - 9 ELSE {_DIGIT} * 2 END)) % 10 = 0 END",
)

_ENTRIES = "list_transform(string_split({0}, {1}), lambda e: string_split(e, {2}))"
_ODD = f"len(list_filter({_ENTRIES}, lambda e: len(e) <> 2)) > 0"
_WRONG = "'Key-value delimiter must appear exactly once in each entry. Bad input: ' || {0}"
_KEYS = f"list_transform({_ENTRIES}, lambda e: e[1])"
_VALUES = f"list_transform({_ENTRIES}, lambda e: e[2])"
scalar(
    "split_to_map(varchar, varchar, varchar) -> map(varchar, varchar)",
    f"CASE WHEN {{0}} = '' THEN map([]::VARCHAR[], []::VARCHAR[]) WHEN {_ODD} THEN "
    + fail(_CODE, _WRONG, map_(VARCHAR, VARCHAR))
    + f" ELSE map({_KEYS}, {_VALUES}) END",
)
scalar(
    "split_to_multimap(varchar, varchar, varchar) -> map(varchar, array(varchar))",
    f"CASE WHEN {{0}} = '' THEN map([]::VARCHAR[], []::VARCHAR[][]) WHEN {_ODD} THEN "
    + fail(_CODE, _WRONG, map_(VARCHAR, array(VARCHAR)))
    + f" ELSE map({in_order(_KEYS)}, list_transform({in_order(_KEYS)}, lambda k:"
    f" list_transform(list_filter({_ENTRIES}, lambda e: e[1] = k), lambda e: e[2]))) END",
)


_MOST = 1000


@special("regexp_position")
def _regexp_position(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    """Find the first match by the shortest text that can precede it."""
    value = scope.expect(arguments[0], VARCHAR, "regexp_position")
    wanted = scope.expect(arguments[1], VARCHAR, "regexp_position")
    start, occurrence = (
        _count(arguments, at, name, scope) for at, name in ((2, "start position"), (3, "occurrence"))
    )
    if not isinstance(wanted.value, str) or max(start, occurrence) > _MOST:
        raise not_supported(
            "regexp_position without a literal pattern and numbers up to 1000 in the local cloud"
        )
    pattern(wanted, may_be_empty=False)
    before = f"(?:.*?(?:{wanted.value})){{{occurrence - 1}}}" if occurrence > 1 else ""
    whole = text(f"(?s)^(.{{{start - 1}}}{before}.*?)(?:{wanted.value})")
    found = f"length(regexp_extract({value.sql}, {whole}, 1)) + 1"
    return Term(
        f"CASE WHEN regexp_matches({value.sql}, {whole}) THEN {found}"
        f" WHEN {value.sql} IS NOT NULL THEN -1 END",
        INTEGER,
    )


def _count(arguments: list[exp.Expression], at: int, name: str, scope: Scope) -> int:
    """Return a literal of at least 1, by default 1; anything else gives a number that is refused."""
    value = scope.term(arguments[at]).value if at < len(arguments) else 1
    if not isinstance(value, int):
        return _MOST + 1
    if value < 1:
        raise AthenaError(_CODE, f"{name} cannot be smaller than 1")
    return value
