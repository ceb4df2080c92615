"""Read a dbt project's artefacts: `manifest.json` for the SQL, `catalog.json` for the columns."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from control.errors import NotFoundError, UsageError
from control.lineage.model import Model, Project
from control.serialization import NOT_JSON

_BUILT = ("model", "seed", "snapshot")


class _DependsOn(msgspec.Struct):
    nodes: list[str] = []


class _Node(msgspec.Struct):
    """The fields of a node or source of the manifest that lineage needs."""

    resource_type: str
    name: str
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    original_file_path: str = ""
    language: str = "sql"
    compiled_code: str | None = None
    columns: dict[str, Any] = {}
    config: dict[str, Any] = {}
    depends_on: _DependsOn = msgspec.field(default_factory=_DependsOn)

    @property
    def relation(self) -> str:
        return f"{self.schema}.{self.identifier or self.alias or self.name}".lower()

    @property
    def is_ephemeral(self) -> bool:
        return self.config.get("materialized") == "ephemeral"


class _Manifest(msgspec.Struct):
    nodes: dict[str, _Node]
    sources: dict[str, _Node] = {}


class _CatalogColumn(msgspec.Struct):
    name: str
    index: int = 0


class _CatalogTable(msgspec.Struct):
    columns: dict[str, _CatalogColumn]


class _Catalog(msgspec.Struct):
    nodes: dict[str, _CatalogTable] = {}
    sources: dict[str, _CatalogTable] = {}


_File = TypeVar("_File", _Manifest, _Catalog)


def read(target: Path) -> Project:
    """Read the project whose artefacts are in the folder `target`.

    Columns come from the catalog, else from the manifest (what a contract states). Raises NotFoundError when
    an artefact is missing and UsageError when it is not valid.
    """
    manifest = _decoded(target / "manifest.json", _Manifest)
    catalog = _decoded(target / "catalog.json", _Catalog)
    nodes = {key: n for key, n in manifest.nodes.items() if n.resource_type in _BUILT}
    everything = nodes | manifest.sources
    found = catalog.nodes | catalog.sources
    columns = {n.relation: _columns(n, found.get(key)) for key, n in everything.items() if not n.is_ephemeral}
    models = [
        Model(
            relation=node.relation,
            path=node.original_file_path,
            sql=node.compiled_code or "",
            depends_on=frozenset(_relations(node, everything)) - {node.relation},
            refusal=_refusal(node),
        )
        for node in nodes.values()
        if not node.is_ephemeral
    ]
    models.sort(key=lambda model: model.relation)
    return Project(tuple(models), {name: names for name, names in columns.items() if names})


def _columns(node: _Node, found: _CatalogTable | None) -> tuple[str, ...]:
    if found is not None:
        ordered = sorted(found.columns.values(), key=lambda column: column.index)
        return tuple(column.name.lower() for column in ordered)
    return tuple(name.lower() for name in node.columns)


def _relations(node: _Node, everything: Mapping[str, _Node]) -> Iterable[str]:
    """Yield the relations that a node reads; an ephemeral model is replaced by those that it reads."""
    for key in node.depends_on.nodes:
        parent = everything.get(key)
        if parent is None:
            continue
        if parent.is_ephemeral:
            yield from _relations(parent, everything)
        else:
            yield parent.relation


def _refusal(node: _Node) -> str:
    if node.resource_type == "seed" or node.compiled_code:
        return ""
    if node.language != "sql":
        return f"a {node.language} model has no SQL to trace"
    return "it is not compiled: run `dbt docs generate` or `dbt compile` first"


def _decoded(path: Path, kind: type[_File]) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        hint = f"--compile has dbt write it; or run `dbt docs generate --target-path {path.parent}`"
        raise NotFoundError(f"{path} does not exist", hint=hint) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except NOT_JSON as error:
        raise UsageError(f"{path} is not dbt's {path.name}: {error}", hint="run dbt again") from None
