"""Judge one request by policy documents, as IAM does: a Deny wins, then an Allow, else it is refused.

moto's own evaluator is not used: for most services it uses `*` as the resource, and it ignores conditions of
identity policies, so it could not test what a template restricts by resource.
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
    """One right that a request needs. `context` has the condition keys that the request sets."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a need is allowed; if not, the kind of policy that refuses it, and whether by an explicit Deny.

    `unjudged` are condition keys and operators that cannot be evaluated here: an Allow with one is assumed to
    apply, a Deny is not.
    """

    allowed: bool
    kind: str = ""
    explicit: bool = False
    unjudged: frozenset[str] = frozenset()


def judge(need: Need, identity: Sequence[Document], session: Document | None = None) -> Verdict:
    """Judge a need by the policies of a role, and by its session policy if there is one."""
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
    """Whether a pattern with `*` and `?` matches the whole value."""
    return _pattern(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in text), re.DOTALL)


def _conditions(
    given: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]
) -> tuple[bool, frozenset[str]]:
    """Return whether all conditions that can be evaluated hold, and those that cannot be."""
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


# A request without one of these keys does not have it on AWS either; any other key might be set there.
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
    """Return a list: policies may write a single value without one."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
