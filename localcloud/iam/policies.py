"""Judge one request by policy documents, as IAM does: a denial wins, then an allowance, else it is refused.

moto's own evaluator is not used: for most services it passes `*` as the resource, and it reads no conditions
of identity policies, so what a template promises by its resources could not be tried with it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

Document = Mapping[str, Any]
IDENTITY, SESSION = "identity-based", "session"


@dataclass(frozen=True, slots=True)
class Need:
    """One right that a request needs. `context` has the values of condition keys that the request gives."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a need is allowed, and if not, by which kind of policy and whether that one says so outright.

    `unjudged` are condition keys and operators that nothing here can judge: an allowance under one is taken
    to hold, a denial not to.
    """

    allowed: bool
    kind: str = ""
    explicit: bool = False
    unjudged: frozenset[str] = frozenset()


def judge(need: Need, identity: Sequence[Document], session: Document | None = None) -> Verdict:
    """What the policies of a role, narrowed by those of its session if there are any, say to a need."""
    found = _judge(need, identity, IDENTITY)
    if not found.allowed or session is None:
        return found
    narrowed = _judge(need, [session], SESSION)
    return Verdict(narrowed.allowed, narrowed.kind, narrowed.explicit, found.unjudged | narrowed.unjudged)


def _judge(need: Need, documents: Sequence[Document], kind: str) -> Verdict:
    allowed, unjudged = False, frozenset[str]()
    for statement in _statements(documents):
        if not _concerns(statement, need):
            continue
        holds, unknown = _conditions(statement.get("Condition", {}), need.context)
        if statement["Effect"] == "Deny":
            if holds and not unknown:
                return Verdict(False, kind, explicit=True)
            unjudged |= unknown
        elif holds:
            allowed, unjudged = True, unjudged | unknown
    return Verdict(allowed, "" if allowed else kind, unjudged=unjudged)


def _statements(documents: Sequence[Document]) -> Iterator[Document]:
    for document in documents:
        yield from as_list(document["Statement"])


def _concerns(statement: Document, need: Need) -> bool:
    return _names(statement, "Action", need.action.lower(), str.lower) and _names(
        statement, "Resource", need.resource, str
    )


def _names(statement: Document, part: str, value: str, fold: Callable[[str], str]) -> bool:
    if f"Not{part}" in statement:
        return not any(matches(fold(one), value) for one in as_list(statement[f"Not{part}"]))
    return any(matches(fold(one), value) for one in as_list(statement.get(part, [])))


def matches(pattern: str, value: str) -> bool:
    """Whether a pattern with `*` and `?` fits a value whole."""
    return _pattern(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in text), re.DOTALL)


def _conditions(
    given: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]
) -> tuple[bool, frozenset[str]]:
    """Whether all that can be judged holds, and what cannot."""
    unknown = set[str]()
    for operator, keys in given.items():
        base, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
        for key, wanted in keys.items():
            name = key.lower()
            if base not in OPERATORS:
                unknown.add(operator)
            elif name not in KNOWN and name not in context:
                unknown.add(key)
            elif (if_exists and name not in context) or OPERATORS[base](context.get(name), _texts(wanted)):
                continue
            else:
                return False, frozenset()
    return True, frozenset(unknown)


# A request that does not give one of these has none; every other key may be there on AWS and not here.
KNOWN: Final = frozenset({
    "aws:securetransport",
    "aws:principalaccount",
    "aws:requestedregion",
    "iam:passedtoservice",
    "s3:prefix",
    "s3:delimiter",
    "s3:max-keys",
})  # fmt: skip


def _any(fits: Callable[[str, str], bool]) -> Callable[[str | None, list[str]], bool]:
    return lambda found, wanted: found is not None and any(fits(one, found) for one in wanted)


def _none(fits: Callable[[str, str], bool]) -> Callable[[str | None, list[str]], bool]:
    return lambda found, wanted: found is None or not any(fits(one, found) for one in wanted)


def _same(one: str, other: str) -> bool:
    return one == other


def _alike(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _is_null(found: str | None, wanted: list[str]) -> bool:
    return (found is None) is (wanted[0].lower() == "true")


OPERATORS: Final[Mapping[str, Callable[[str | None, list[str]], bool]]] = {
    "StringEquals": _any(_same),
    "StringNotEquals": _none(_same),
    "StringEqualsIgnoreCase": _any(_alike),
    "StringLike": _any(matches),
    "StringNotLike": _none(matches),
    "ArnEquals": _any(matches),
    "ArnLike": _any(matches),
    "ArnNotLike": _none(matches),
    "Bool": _any(_alike),
    "Null": _is_null,
}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in as_list(value)]


def as_list(value: Any) -> list[Any]:
    """Policies write one thing without its list."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
