"""Apply the mutations of `matrix/` to the contracts of `base/`."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SHORT = {
    "columns": ("schema", "0", "properties"),
    "table": ("schema", "0"),
    "sla": ("slaProperties",),
    "custom": ("customProperties",),
    "owner": ("team", "members", "0"),
}
NAMES = ("name", "property", "server", "metric")


def cases() -> list[dict[str, Any]]:
    """Return every case of the matrix, with the name of its file as `kind`."""
    found = []
    for path in sorted((HERE / "matrix").glob("*.yaml")):
        found += [{"kind": path.stem, **case} for case in yaml.safe_load(path.read_text())]
    return found


def trees(case: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the contracts of a case before and after, by file."""
    base = {case["file"]: yaml.load((HERE / "base" / case["file"]).read_text(), Loader=yaml.CSafeLoader)}
    edit(base[case["file"]], {"set": case.get("base", {}), "append": case.get("base-append", {})})
    head = copy.deepcopy(base)
    contract = head[case["file"]]
    if "copy" in case:
        head[case["copy"]["to"]] = copy.deepcopy(contract)
        edit(head[case["copy"]["to"]], case["copy"])
    if case.get("delete"):
        del head[case["file"]]
    edit(contract, case)
    return base, head


def edit(contract: dict[str, Any], case: Mapping[str, Any]) -> None:
    """Append, set, remove and move, in this order."""
    for path, value in case.get("append", {}).items():
        owner, key = reach(contract, path)
        owner.setdefault(key, [])
        owner[key].append(copy.deepcopy(value))
    for path, value in case.get("set", {}).items():
        owner, key = reach(contract, path)
        owner[key] = copy.deepcopy(value)
    for path in case.get("remove", []):
        owner, key = reach(contract, path)
        del owner[key]
    for path, index in case.get("move", {}).items():
        owner, key = reach(contract, path)
        owner.insert(index, owner.pop(key))


def reach(data: Any, path: str) -> tuple[Any, Any]:
    """Return the container of the last part of `path`, and its key or index in it."""
    first, *rest = path.split(".")
    parts = [*SHORT.get(first, (first,)), *rest]
    for part in parts[:-1]:
        data = data[place(data, part)]
    return data, place(data, parts[-1])


def place(data: Any, part: str) -> Any:
    if isinstance(data, dict):
        return part
    named = [i for i, item in enumerate(data) if part in {item.get(name) for name in NAMES}]
    return named[0] if named else int(part)
