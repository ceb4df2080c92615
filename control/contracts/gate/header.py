"""Judge changes of a contract apart from its table and lifetime: version, id, servers, team, roles."""

from collections.abc import Iterator, Mapping
from typing import Any

from control.contracts.gate import lifetime
from control.contracts.gate.change import Change, Difference
from control.contracts.gate.side import Side
from control.contracts.load import custom

_WORDS = (
    "name", "tenant", "tags", "dataProduct", "description", "domain", "authoritativeDefinitions", "support",
    "contractCreatedTs",
)  # fmt: skip
_JUDGED = (
    "version", "id", "status", "servers", "schema", "team", "slaProperties",
    "customProperties", "kind", "apiVersion",
)  # fmt: skip
_SERVER_WORDS = ("description", "id")


def changes(base: Side, head: Side) -> Iterator[Change]:
    """Yield every change of the contract that is neither about its table nor about its lifetime."""
    old, new = base.data, head.data
    yield from _version(str(old.get("version")), str(new.get("version")))
    if old.get("id") != new.get("id"):
        message = (
            f"the contract's id is {new.get('id')} instead of {old.get('id')}: catalogs lose its history"
        )
        difference = Difference("id", old.get("id"), new.get("id"), ("id",))
        yield difference.judged("id-changed", message, consumers="risky")
    yield from _servers(_by_name(old), _by_name(new))
    yield from _team(old.get("team"), new.get("team"))
    yield from _custom(custom(old), custom(new))
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        difference = Difference(key, old.get(key), new.get(key), (key,))
        if key in _WORDS:
            yield difference.words()
        elif key == "roles":
            message = "the roles change: some readers may lose their access"
            yield difference.judged("roles-changed", message, consumers="risky")
        else:
            yield difference.unjudged()


def parts(version: str) -> tuple[int, int, int] | None:
    """Return major, minor and patch of `version`; None when it does not have these."""
    numbers = version.split(".")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def _version(was: str, now: str) -> Iterator[Change]:
    old, new = parts(was), parts(now)
    if old and new and new < old:
        message = (
            f"the version goes back from {was} to {now}: revisions of rows are derived from it and "
            "must never fall"
        )
        difference = Difference("version", was, now, ("version",))
        yield difference.judged(
            "version-lowered", message, producers="breaking", consumers="breaking", needs_waiver=True
        )


def _by_name(data: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    return {str(server.get("server")): (i, server) for i, server in enumerate(data.get("servers") or [])}


def _servers(
    old: Mapping[str, tuple[int, Mapping[str, Any]]], new: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        path = f"servers.{name}"
        if name not in new:
            message = f"server {name} is removed: readers no longer find the table there"
            difference = Difference(path, name, None, ("servers",))
            yield difference.judged("server-removed", message, consumers="breaking")
        elif name not in old:
            message = f"server {name} is added: the table is in one more place"
            difference = Difference(path, None, name, ("servers", new[name][0]))
            yield difference.judged("server-added", message, addition=True)
        else:
            yield from _server(path, old[name][1], new[name][1], new[name][0])


def _server(path: str, old: Mapping[str, Any], new: Mapping[str, Any], index: int) -> Iterator[Change]:
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        was, now, where = old.get(key), new.get(key), f"{path}.{key}"
        difference = Difference(where, was, now, ("servers", index, key))
        if key in _SERVER_WORDS:
            yield difference.words()
        elif key in ("stagingDir", "environment", "roles", "customProperties"):
            message = f"{where} is {now} instead of {was}: the readers' grants may not cover it"
            yield difference.judged("server-changed", message, consumers="risky")
        else:
            message = f"{where} is {now} instead of {was}: readers no longer find the table where it was"
            yield difference.judged("server-moved", message, consumers="breaking")


def _team(old: object, new: object) -> Iterator[Change]:
    if old == new:
        return
    was, now = _answers(old), _answers(new)
    if was == now:
        yield Difference("team", old, new, ("team",)).words()
        return
    message = (
        f"{' / '.join(filter(None, now)) or 'nobody'} owns the table instead of "
        f"{' / '.join(filter(None, was))}: both must know"
    )
    difference = Difference("team", list(was), list(now), ("team",))
    yield difference.judged("owner-changed", message, producers="risky", consumers="risky")


def _answers(team: object) -> tuple[str, str]:
    """Return the team's name and its owner's address."""
    if not isinstance(team, dict):
        return "", ""
    members = [m for m in team.get("members") or [] if isinstance(m, dict)]
    owner = next((m.get("username") for m in members if m.get("role") == "owner"), "")
    return str(team.get("name") or ""), str(owner or "")


def _custom(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        difference = Difference(key, old.get(key), new.get(key), ("customProperties",))
        if key == lifetime.DEPRECATION:
            yield from lifetime.announced(difference)
        elif key in ("consumers", "budget"):
            yield difference.words()
        else:
            yield difference.unjudged()
