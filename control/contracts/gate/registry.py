"""Find who reads a table: the consumers in its contract, dbt's exposures, and indirect readers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from control.contracts import source
from control.contracts.gate.tree import Tree
from control.contracts.load import custom
from control.contracts.model import LAYERS
from control.contracts.render_dbt import MARK
from control.errors import UsageError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of a table; empty `columns` means that it may read all of them."""

    name: str
    columns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Use:
    """How a relation uses a column: `by` which column, and which of its own columns hold the value."""

    by: str
    columns: tuple[str, ...] = ()


class Lineage(Protocol):
    """What the gate needs of column lineage; `control.lineage.users` implements it."""

    def users(self, relation: str, columns: Sequence[str]) -> Mapping[str, Use]:
        """Return every other relation that uses one of `columns`, or any column if `columns` is empty."""


@dataclass(frozen=True, slots=True)
class Through:
    """An indirect reader of a changed column, and the column `by` which it uses it."""

    name: str
    by: str


class Downstream:
    """Finds the indirect readers of a table, by column lineage."""

    def __init__(
        self, lineage: Lineage, trees: Sequence[Tree], exposures: Mapping[str, Sequence[Reader]]
    ) -> None:
        self._lineage, self._trees, self._exposures = lineage, trees, exposures
        self._known: dict[str, Sequence[Reader]] = {}

    def of(self, relations: Sequence[str], columns: Sequence[str]) -> list[Through]:
        """Return each relation that uses one of `columns`, also indirectly, and who reads the value there."""
        found: dict[str, Through] = {}
        for relation in relations:
            for user, use in self._lineage.users(relation, columns).items():
                if user in relations:
                    continue
                found.setdefault(user, Through(user, use.by))
                for name in using(self._readers(user), use.columns) if use.columns else ():
                    found.setdefault(name, Through(name, f"{user}.{use.columns[0]}"))
        return list(found.values())

    def _readers(self, relation: str) -> Sequence[Reader]:
        if relation not in self._known:
            layer, _, table = relation.partition(".")
            files = [tree.files.get(f"{layer}/{table}.yaml", b"") for tree in self._trees]
            documents = [source.read("", content)[0] for content in files if content]
            stated = named(document.mapping for document in documents if document)
            # Lineage names the tables among the consumers, because it knows which columns they use.
            readers = [r for r in stated if r.name.partition(".")[0] not in LAYERS]
            self._known[relation] = [*readers, *self._exposures.get(table, ())]
        return self._known[relation]


def named(contracts: Iterable[Mapping[str, Any]]) -> list[Reader]:
    """Return the consumers in all versions of a contract: one that was removed still reads."""
    found: dict[str, Reader] = {}
    for data in contracts:
        listed = custom(data).get("consumers")
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                columns = item.get("columns")
                read = frozenset(map(str, columns)) if isinstance(columns, list) else frozenset()
                found.setdefault(item["name"], Reader(item["name"], read))
    return list(found.values())


def exposures(models_dir: Path) -> dict[str, list[Reader]]:
    """Return readers by dbt model, from each yml with exposures below `models_dir`; empty without a folder.

    An exposure may list `meta.columns` (or `config.meta.columns`) as `model.column`; otherwise it counts as
    reading every column. Files rendered from the contracts are skipped, because contracts name their
    consumers. Raises UsageError for a file that is not valid YAML.
    """
    found: dict[str, list[Reader]] = {}
    for path in sorted([*models_dir.rglob("*.yml"), *models_dir.rglob("*.yaml")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "exposures:" not in text or text.startswith(MARK):  # rendered: the contracts name them
            continue
        for exposure in _stated(path, text):
            for model in _models(exposure):
                found.setdefault(model, []).append(
                    Reader(str(exposure.get("name")), _columns(exposure, model))
                )
    return found


def using(readers: Sequence[Reader], columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the readers that use one of `columns`, or of all if `columns` is empty."""
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
    """Return the last name in each `ref('reviews')`, `ref('package', 'reviews')`, `source('bronze', 'x')`."""
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
