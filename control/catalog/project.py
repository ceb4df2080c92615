"""Read from a dbt project's artefacts the columns of its relations as built, and its exposures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from control.errors import NotFoundError, UsageError
from control.serialization import NOT_JSON


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as the catalog has it: columns with their types, in order."""

    columns: tuple[tuple[str, str], ...]
    is_view: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """A reader of models: a dashboard, a notebook, an application."""

    name: str
    title: str
    description: str
    url: str
    owner: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Artefacts:
    """Relations by `schema.table`, and exposures."""

    relations: dict[str, Relation]
    exposures: tuple[Exposure, ...] = ()


class _Column(msgspec.Struct):
    name: str
    type: str = ""
    index: int = 0


class _Metadata(msgspec.Struct):
    schema: str
    name: str
    type: str = ""


class _Table(msgspec.Struct):
    metadata: _Metadata
    columns: dict[str, _Column]


class _Catalog(msgspec.Struct):
    nodes: dict[str, _Table] = {}
    sources: dict[str, _Table] = {}


class _Node(msgspec.Struct):
    name: str
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None


class _Owner(msgspec.Struct):
    name: str | None = None


class _DependsOn(msgspec.Struct):
    nodes: list[str] = []


class _Exposure(msgspec.Struct):
    name: str
    label: str | None = None
    description: str | None = None
    url: str | None = None
    owner: _Owner = msgspec.field(default_factory=_Owner)
    depends_on: _DependsOn = msgspec.field(default_factory=_DependsOn)


class _Manifest(msgspec.Struct):
    nodes: dict[str, _Node] = {}
    sources: dict[str, _Node] = {}
    exposures: dict[str, _Exposure] = {}


_File = TypeVar("_File", _Manifest, _Catalog)


def read(folder: Path) -> Artefacts:
    """Read manifest.json and catalog.json. Raises NotFoundError and UsageError."""
    manifest, catalog = (
        _decoded(folder / "manifest.json", _Manifest),
        _decoded(folder / "catalog.json", _Catalog),
    )
    relations = {
        f"{table.metadata.schema}.{table.metadata.name}".lower(): _relation(table)
        for table in (*catalog.nodes.values(), *catalog.sources.values())
    }
    nodes = manifest.nodes | manifest.sources
    exposures = [
        Exposure(
            name=found.name,
            title=found.label or found.name,
            description=found.description or "",
            url=found.url or "",
            owner=found.owner.name or "",
            reads=tuple(sorted(_name(nodes[key]) for key in found.depends_on.nodes if key in nodes)),
        )
        for _, found in sorted(manifest.exposures.items())
    ]
    return Artefacts(relations, tuple(exposures))


def _relation(table: _Table) -> Relation:
    columns = sorted(table.columns.values(), key=lambda column: column.index)
    return Relation(tuple((c.name.lower(), c.type) for c in columns), "view" in table.metadata.type.lower())


def _name(node: _Node) -> str:
    return f"{node.schema}.{node.identifier or node.alias or node.name}".lower()


def _decoded(path: Path, kind: type[_File]) -> _File:
    hint = f"run `dbt docs generate --target-path {path.parent}`"
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist", hint=hint) from None
    except NOT_JSON as error:
        raise UsageError(f"{path} is not dbt's {path.name}: {error}", hint=hint) from None
