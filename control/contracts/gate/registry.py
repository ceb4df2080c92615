"""Who reads a table: the consumers that its contract names, and the exposures of the dbt project."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from control.contracts.gate.side import Side
from control.contracts.load import custom
from control.errors import UsageError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone who reads a table; no `columns` means that all of them may be read."""

    name: str
    columns: frozenset[str] = frozenset()


def named(sides: Iterable[Side]) -> list[Reader]:
    """The consumers that `sides` name, both versions of a contract: whoever was struck off still reads."""
    found: dict[str, Reader] = {}
    for side in sides:
        listed = custom(side.data).get("consumers")
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                columns = item.get("columns")
                read = frozenset(map(str, columns)) if isinstance(columns, list) else frozenset()
                found.setdefault(item["name"], Reader(item["name"], read))
    return list(found.values())


def exposures(models_dir: Path) -> dict[str, list[Reader]]:
    """Readers by dbt model, from every yml below `models_dir` that states exposures; none without a folder.

    An exposure may list `meta.columns` (or `config.meta.columns`) as `model.column`; otherwise it is taken to
    read every column. Raises UsageError for a file that is no YAML.
    """
    found: dict[str, list[Reader]] = {}
    for path in sorted([*models_dir.rglob("*.yml"), *models_dir.rglob("*.yaml")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "exposures:" not in text:
            continue
        for exposure in _stated(path, text):
            for model in _models(exposure):
                found.setdefault(model, []).append(
                    Reader(str(exposure.get("name")), _columns(exposure, model))
                )
    return found


def using(readers: Sequence[Reader], columns: Iterable[str]) -> tuple[str, ...]:
    """Names of the readers that use one of `columns`, or the table when `columns` are none.

    Only what readers say they use is known here: use through other tables is for column lineage.
    """
    wanted = set(columns)
    return tuple(dict.fromkeys(r.name for r in readers if not wanted or not r.columns or wanted & r.columns))


def _stated(path: Path, text: str) -> list[Mapping[str, Any]]:
    try:
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(
            f"{path}{line}: not valid YAML", hint="dbt cannot read it either: correct it"
        ) from None
    listed = data.get("exposures") if isinstance(data, dict) else None
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _models(exposure: Mapping[str, Any]) -> list[str]:
    """The last name in each of `ref('reviews')`, `ref('package', 'reviews')`, `source('bronze', 'beer')`."""
    found = []
    for item in exposure.get("depends_on") or []:
        inner = str(item).partition("(")[2].rpartition(")")[0]
        names = [part.strip().strip("'\"") for part in inner.split(",") if "=" not in part]
        found += names[-1:]
    return found


def _columns(exposure: Mapping[str, Any], model: str) -> frozenset[str]:
    config = exposure.get("config") or {}
    meta = {**(exposure.get("meta") or {}), **(config.get("meta") or {} if isinstance(config, dict) else {})}
    listed = [str(name) for name in meta.get("columns") or []]
    return frozenset(name.partition(".")[2] for name in listed if name.partition(".")[0] == model)
