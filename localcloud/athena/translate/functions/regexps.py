"""Regular expressions: Java's, where RE2 gives them the same meaning."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.functions.strings import bounded, known_length
from localcloud.athena.translate.terms import VARCHAR, Term, fails_when, text

# What Java's regular expressions have but RE2 lacks: lookaround, backreferences, possessive quantifiers.
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>P]|<[=!])|\\[1-9kGZ]|[*+?}]\+|&&")


_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")


# Named character sets, which cover only ASCII in RE2.
_SETS = {
    "upper": r"\p{Lu}", "lower": r"\p{Ll}", "alpha": r"\p{L}\p{Nl}", "digit": r"\p{Nd}", "punct": r"\p{P}",
    "alnum": r"\p{L}\p{M}\p{Nl}\p{Nd}", "word": r"\p{L}\p{M}\p{N}\p{Pc}", "space": r"\t-\r\x{85}\p{Z}",
    "blank": r"\t\p{Zs}", "cntrl": r"\p{Cc}", "xdigit": "0-9A-Fa-f", "ascii": r"\x00-\x7f",
}  # fmt: skip
_NAMED_SET = re.compile(r"\[:(?P<name>\^?\w+):\]")


def _named_set(match: re.Match[str]) -> str:
    if match["name"] not in _SETS:
        raise not_supported(f"'{match[0]}' in a regular expression in the local cloud")
    return _SETS[match["name"]]


def pattern(term: Term, *, may_be_empty: bool = True) -> str:
    """Return the pattern if it means the same in RE2. Raises NOT_SUPPORTED when it does not."""
    if isinstance(term.value, str):
        if _BEYOND_RE2.search(term.value):
            raise not_supported(f"The regular expression '{term.value}' in the local cloud")
        if not may_be_empty and _matches_nothing(term.value):
            raise not_supported(f"The pattern '{term.value}', which matches empty text, in the local cloud")
        return text(_NAMED_SET.sub(_named_set, _NAMED.sub("(?P<", term.value)))
    return term.sql


def _matches_nothing(pattern: str) -> bool:
    """Whether a pattern matches the empty text, after which Java and RE2 advance differently."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about nested sets
        try:
            return re.match(pattern, "") is not None
        except re.error:
            return False


def _regexp(template: str, *, may_be_empty: bool = True) -> Callable[[list[Term]], str]:
    return lambda terms: template.format(terms[0].sql, pattern(terms[1], may_be_empty=may_be_empty))


scalar("regexp_like(varchar, varchar) -> boolean", _regexp("regexp_matches({0}, {1})"))
scalar(
    "regexp_extract(varchar, varchar) -> =0",
    _regexp("CASE WHEN regexp_matches({0}, {1}) THEN regexp_extract({0}, {1}) END"),
)
scalar(
    "regexp_extract_all(varchar, varchar) -> array(=0)",
    _regexp("regexp_extract_all({0}, {1})", may_be_empty=False),
)
scalar(
    "regexp_count(varchar, varchar) -> bigint",
    _regexp("len(regexp_extract_all({0}, {1}))", may_be_empty=False),
)
scalar(
    "regexp_split(varchar, varchar) -> array(=0)",
    _regexp("CASE WHEN {1} IS NOT NULL THEN regexp_split_to_array({0}, {1}) END", may_be_empty=False),
)
scalar(
    "regexp_replace(varchar, varchar) -> =0", _regexp("regexp_replace({0}, {1}, '', 'g')", may_be_empty=False)
)


def _group(terms: list[Term]) -> int:
    number = terms[2].value
    if not isinstance(number, int):
        raise not_supported("The group of a regular expression must be a literal in the local cloud")
    if number < 0:
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    there = _group_count(terms[1])
    if there is not None and number > there:
        message = f"Pattern has {there} groups. Cannot access group {number}"
        raise AthenaError("INVALID_FUNCTION_ARGUMENT", message)
    return number


def _group_count(term: Term) -> int | None:
    """Return the number of groups that a literal pattern captures."""
    return len(_groups(term.value)) if isinstance(term.value, str) else None


@dataclass(slots=True)
class _Group:
    """A group in parentheses: its position, and whether a match can skip it."""

    start: int
    stop: int = 0
    optional: bool = False
    outer: "_Group | None" = None
    branches: bool = False


_OPENING = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?P<plain>\?(?!<[A-Za-z]))?|\)|\|", re.S)


def _groups(pattern: str) -> list[_Group]:
    """Return the groups that a pattern captures, in order."""
    found: list[_Group] = []
    at = _Group(0)
    for match in _OPENING.finditer(pattern):
        if match[0][0] == "(":
            at = _Group(match.end(), outer=at)
            if match["plain"] is None:
                found.append(at)
        elif match[0] == ")" and at.outer is not None:
            at.stop, after = match.start(), pattern[match.end() :]
            at.optional = after[:1] in ("?", "*") or after[:2] == "{0"
            at = at.outer
        elif match[0] == "|":
            at.branches = True
    return found


def _may_be_left_out(pattern: str, number: int) -> bool:
    """Whether a match can skip a group. Raises NOT_SUPPORTED if that looks the same as an empty match."""
    group = _groups(pattern)[number - 1]
    optional, outer = group.optional, group.outer
    while outer is not None:
        optional, outer = optional or outer.optional or outer.branches, outer.outer
    if optional and _matches_nothing(pattern[group.start : group.stop]):
        raise not_supported(f"An optional group of '{pattern}' that can match empty text in the local cloud")
    return optional


def _extracted(terms: list[Term]) -> str:
    number, wanted = _group(terms), pattern(terms[1])
    found = f"regexp_extract({terms[0].sql}, {wanted}, {number})"
    if isinstance(terms[1].value, str) and number and _may_be_left_out(terms[1].value, number):
        # A group that takes no part in the match is empty in DuckDB, null in Athena.
        found = f"nullif({found}, '')"
    return f"CASE WHEN regexp_matches({terms[0].sql}, {wanted}) THEN {found} END"


scalar("regexp_extract(varchar, varchar, bigint) -> =0", _extracted)


def _all_extracted(terms: list[Term]) -> str:
    number = _group(terms)
    found = f"regexp_extract_all({terms[0].sql}, {pattern(terms[1], may_be_empty=False)}, {number})"
    if isinstance(terms[1].value, str) and number and _may_be_left_out(terms[1].value, number):
        return f"list_transform({found}, lambda one: nullif(one, ''))"
    return found


scalar("regexp_extract_all(varchar, varchar, bigint) -> array(=0)", _all_extracted)


_REFERENCE = re.compile(r"(?:^|[^\\])\$(\d)")
_NAMED_REFERENCE = re.compile(r"(?<!\\)\$\{(?P<name>\w+)\}")


def _numbered(written: str, pattern: object) -> str:
    """Replace the names of groups in a replacement, `${name}`, by their numbers in a literal pattern."""

    def number(match: re.Match[str]) -> str:
        if not isinstance(pattern, str):
            raise not_supported(f"The replacement '{written}' of regexp_replace in the local cloud")
        names = [pattern[group.start :].partition(">")[0] for group in _groups(pattern)]
        if f"?<{match['name']}" not in names:
            message = f"Illegal replacement sequence: unknown group {{{match['name']}}}"
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", message)
        return f"${names.index('?<' + match['name']) + 1}"

    return _NAMED_REFERENCE.sub(number, written)


def _replacement(written: str) -> str:
    """Translate Java's `$1` to RE2's `\\1`; a backslash makes the next character literal."""
    found, at = "", 0
    while at < len(written):
        character = written[at]
        if character == "\\" and at + 1 < len(written):
            at += 1
            found += "\\\\" if written[at] == "\\" else written[at]
        elif character == "$" and at + 1 < len(written) and written[at + 1].isdigit():
            at += 1
            found += "\\" + written[at]
        elif character == "$":
            raise not_supported(f"The replacement '{written}' of regexp_replace in the local cloud")
        else:
            found += "\\\\" if character == "\\" else character
        at += 1
    return found


def _replaced_by(value: str, wanted: str, new: str) -> str:
    """Replace by a text that is not a literal; refuse it if it contains special characters."""
    refused = fails_when(
        rf"regexp_matches({new}, '[$\\]')",
        "NOT_SUPPORTED",
        "'$ or a backslash in a non-literal replacement of regexp_replace in the local cloud'",
    )
    return f"CASE WHEN {refused} THEN NULL ELSE regexp_replace({value}, {wanted}, {new}, 'g') END"


def _regexp_replace(terms: list[Term]) -> Term:
    replacement, wanted = terms[2].value, pattern(terms[1], may_be_empty=False)
    if not isinstance(replacement, str):
        return _longest(_replaced_by(terms[0].sql, wanted, terms[2].sql), terms)
    replacement = _numbered(replacement, terms[1].value)
    there = _group_count(terms[1])
    for number in map(int, _REFERENCE.findall(replacement)):
        if there is not None and number > there:
            message = f"Illegal replacement sequence: unknown group {number}"
            raise AthenaError("INVALID_FUNCTION_ARGUMENT", message)
    new = text(_replacement(replacement))
    return _longest(f"regexp_replace({terms[0].sql}, {wanted}, {new}, 'g')", terms)


def _longest(sql: str, terms: list[Term]) -> Term:
    """Return the replaced text as a varchar of its maximum possible length."""
    x, y = known_length(terms[0]), known_length(terms[2])
    return Term(sql, VARCHAR) if x is None or y is None else bounded(sql, x + max(x * y // 2, y) * (x + 1))


scalar("regexp_replace(varchar, varchar, varchar) -> varchar", _regexp_replace)
