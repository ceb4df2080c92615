"""What changed about a contract apart from its table: who it is, where it is, who answers, who reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from control.contracts.gate import lifetime, tables
from control.contracts.gate.change import Change, words
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
    """Every change of the contract that is neither about its table nor about its lifetime."""
    old, new = base.data, head.data
    yield from _version(str(old.get("version")), str(new.get("version")))
    if old.get("id") != new.get("id"):
        message = (
            f"the contract's id is {new.get('id')} instead of {old.get('id')}: catalogs lose its history"
        )
        yield Change(
            "id-changed", "id", old.get("id"), new.get("id"), message, consumers="risky", place=("id",)
        )
    yield from _servers(_by_name(old), _by_name(new))
    yield from _team(old.get("team"), new.get("team"))
    yield from _custom(custom(old), custom(new))
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        if key in _WORDS:
            yield words(key, old.get(key), new.get(key), (key,))
        elif key == "roles":
            message = "the roles change: some readers may lose their access"
            yield Change(
                "roles-changed", key, old.get(key), new.get(key), message, consumers="risky", place=(key,)
            )
        else:
            yield tables.unjudged(key, old.get(key), new.get(key), (key,))


def parts(version: str) -> tuple[int, int, int] | None:
    """Major, minor and patch of `version`; None when it does not have these."""
    numbers = version.split(".")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def _version(was: str, now: str) -> Iterator[Change]:
    old, new = parts(was), parts(now)
    if old and new and new < old:
        message = (
            f"the version goes back from {was} to {now}: revisions of rows come from it and "
            "must only ever rise"
        )
        yield Change(
            "version-lowered",
            "version",
            was,
            now,
            message,
            producers="breaking",
            consumers="breaking",
            place=("version",),
            needs_waiver=True,
        )


def _by_name(data: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    return {str(server.get("server")): (i, server) for i, server in enumerate(data.get("servers") or [])}


def _servers(
    old: Mapping[str, tuple[int, Mapping[str, Any]]], new: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        path = f"servers.{name}"
        if name not in new:
            message = f"server {name} is gone: nobody finds the table there"
            yield Change(
                "server-removed", path, name, None, message, consumers="breaking", place=("servers",)
            )
        elif name not in old:
            message = f"server {name} comes: the table is in one more place"
            place = ("servers", new[name][0])
            yield Change("server-added", path, None, name, message, place=place, addition=True)
        else:
            yield from _server(path, old[name][1], new[name][1], new[name][0])


def _server(path: str, old: Mapping[str, Any], new: Mapping[str, Any], index: int) -> Iterator[Change]:
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        was, now, place = old.get(key), new.get(key), ("servers", index, key)
        where = f"{path}.{key}"
        if key in _SERVER_WORDS:
            yield words(where, was, now, place)
        elif key in ("stagingDir", "environment", "roles", "customProperties"):
            message = f"{where} is {now} instead of {was}: grants of readers may not reach there"
            yield Change("server-changed", where, was, now, message, consumers="risky", place=place)
        else:
            message = f"{where} is {now} instead of {was}: nobody finds the table where it was"
            yield Change("server-moved", where, was, now, message, consumers="breaking", place=place)


def _team(old: object, new: object) -> Iterator[Change]:
    if old == new:
        return
    was, now = _answers(old), _answers(new)
    if was == now:
        yield words("team", old, new, ("team",))
        return
    message = (
        f"{' / '.join(filter(None, now)) or 'nobody'} answers for the table instead of "
        f"{' / '.join(filter(None, was))}"
    )
    yield Change(
        "owner-changed",
        "team",
        list(was),
        list(now),
        f"{message}: both must know",
        producers="risky",
        consumers="risky",
        place=("team",),
    )


def _answers(team: object) -> tuple[str, str]:
    """The team's name and its owner's address."""
    if not isinstance(team, dict):
        return "", ""
    members = [m for m in team.get("members") or [] if isinstance(m, dict)]
    owner = next((m.get("username") for m in members if m.get("role") == "owner"), "")
    return str(team.get("name") or ""), str(owner or "")


def _custom(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        if key == lifetime.DEPRECATION:
            yield from lifetime.announced(key, old.get(key), new.get(key), ("customProperties",))
        elif key in ("consumers", "budget"):
            yield words(key, old.get(key), new.get(key), ("customProperties",))
        else:
            yield tables.unjudged(key, old.get(key), new.get(key), ("customProperties",))
