"""Compute the JSON Patch from an entity as the catalog has it to its desired state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from control.catalog.columns import structure

Operation = dict[str, Any]
_REFERENCES = ("owners", "domains", "dataProducts")
# Where an entity keeps its columns.
_COLUMNS = {"columns": (), "dataModel": ("columns",)}


def needs_put(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Whether columns were added, removed, moved or retyped: this takes a PUT, a patch cannot express it."""
    return any(
        structure(_columns(wanted[key], path)) != structure(_columns(seen.get(key), path))
        for key, path in _COLUMNS.items()
        if key in wanted
    )


def paths(wanted: Mapping[str, Any], seen: Mapping[str, Any], ours: frozenset[str]) -> list[str]:
    """Return where `seen` differs from `wanted`."""
    if needs_put(wanted, seen):
        return ["/columns"]
    return [operation["path"] for operation in operations(wanted, seen, ours)]


def operations(wanted: Mapping[str, Any], seen: Mapping[str, Any], ours: frozenset[str]) -> list[Operation]:
    """Return the patch that makes `seen` hold all of `wanted`.

    Afterwards, tags of the classifications and glossaries in `ours` are exactly the wanted ones. Other tags,
    and everything else that `wanted` does not mention, belong to people and stay.
    """
    found: list[Operation] = []
    for key, value in wanted.items():
        if key in _COLUMNS:
            pairs = zip(_columns(value, _COLUMNS[key]), _columns(seen.get(key), _COLUMNS[key]), strict=True)
            found += _of_columns(pairs, "/".join(("", key, *_COLUMNS[key])), ours)
        else:
            found += _of_field(f"/{key}", key, value, seen.get(key), ours)
    return found


def _of_columns(
    pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]], path: str, ours: frozenset[str]
) -> list[Operation]:
    found: list[Operation] = []
    for place, (wanted, seen) in enumerate(pairs):
        here = f"{path}/{place}"
        for key, value in {"tags": [], **wanted}.items():
            if key == "children":
                inner = zip(value, seen.get(key) or (), strict=True)
                found += _of_columns(inner, f"{here}/{key}", ours)
            else:
                found += _of_field(f"{here}/{key}", key, value, seen.get(key), ours)
    return found


def _of_field(path: str, key: str, wanted: Any, seen: Any, ours: frozenset[str]) -> list[Operation]:
    if key == "tags":
        kept = [label for label in seen or () if label["tagFQN"].split(".")[0] not in ours]
        have = {label["tagFQN"] for label in seen or ()} - {label["tagFQN"] for label in kept}
        same = have == {label["tagFQN"] for label in wanted}
        return [] if same else [_set(path, [*kept, *wanted])]
    if key in _REFERENCES:
        own = {one["id"] for one in seen or () if not one.get("inherited")}
        return [] if own == {one["id"] for one in wanted} else [_set(path, wanted)]
    return [] if covers(seen, wanted) else [_set(path, wanted)]


def covers(seen: Any, wanted: Any) -> bool:
    """Whether `seen` contains all of `wanted`; None and an empty list are the same."""
    if isinstance(wanted, Mapping):
        return isinstance(seen, Mapping) and all(covers(seen.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list | tuple):
        seen = seen or []
        return len(seen) == len(wanted) and all(map(covers, seen, wanted))
    return bool(seen == wanted)


def _set(path: str, value: Any) -> Operation:
    # In JSON Patch, `add` also replaces an existing member.
    return {"op": "add", "path": path, "value": value}


def _columns(value: Any, path: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    for key in path:
        value = (value or {}).get(key)
    return value or ()
