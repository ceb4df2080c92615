"""Read what dbt writes about a project: its nodes in `manifest.json`, built columns in `catalog.json`.

Only the fields that some command needs are read, so that other versions of dbt work, too.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from control.errors import NotFoundError, UsageError
from control.serialization import NOT_JSON


class DependsOn(msgspec.Struct):
    """The ids of the nodes and sources that a node reads."""

    nodes: list[str] = []


class Node(msgspec.Struct):
    """A model, seed, snapshot, test or source. Tests have the last three fields."""

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
    depends_on: DependsOn = msgspec.field(default_factory=DependsOn)
    column_name: str | None = None
    attached_node: str | None = None
    test_metadata: dict[str, Any] | None = None

    @property
    def relation(self) -> str:
        """The table or view, as `schema.name`."""
        return f"{self.schema}.{self.identifier or self.alias or self.name}".lower()

    @property
    def is_ephemeral(self) -> bool:
        """Whether the model is a part of the queries that read it, and no relation."""
        return bool(self.config.get("materialized") == "ephemeral")


class Owner(msgspec.Struct):
    """The owner of an exposure."""

    name: str | None = None


class Exposure(msgspec.Struct):
    """A reader of models: a dashboard, a notebook, an application."""

    name: str
    label: str | None = None
    description: str | None = None
    url: str | None = None
    owner: Owner = msgspec.field(default_factory=Owner)
    depends_on: DependsOn = msgspec.field(default_factory=DependsOn)


class Manifest(msgspec.Struct):
    """The project: nodes, sources and exposures by id."""

    nodes: dict[str, Node]
    sources: dict[str, Node] = {}
    exposures: dict[str, Exposure] = {}


class BuiltColumn(msgspec.Struct):
    """A column as the catalog has it."""

    name: str
    type: str = ""
    index: int = 0


class Metadata(msgspec.Struct):
    """What the catalog says about a relation: `type` is that of Glue or of the information schema."""

    schema: str = ""
    name: str = ""
    type: str = ""


class BuiltRelation(msgspec.Struct):
    """A table or view as the catalog has it."""

    columns: dict[str, BuiltColumn]
    metadata: Metadata = msgspec.field(default_factory=Metadata)

    @property
    def ordered(self) -> list[BuiltColumn]:
        """The columns in their order."""
        return sorted(self.columns.values(), key=lambda column: column.index)


class Catalog(msgspec.Struct):
    """The relations that exist, by the id of their node or source."""

    nodes: dict[str, BuiltRelation] = {}
    sources: dict[str, BuiltRelation] = {}


_File = TypeVar("_File", Manifest, Catalog)


def manifest(target: Path) -> Manifest:
    """Read the manifest.json in `target`. Raises NotFoundError, and UsageError if it is not dbt's."""
    return _decoded(target / "manifest.json", Manifest)


def catalog(target: Path) -> Catalog:
    """Read the catalog.json in `target`. Raises NotFoundError, and UsageError if it is not dbt's."""
    return _decoded(target / "catalog.json", Catalog)


def _decoded(path: Path, kind: type[_File]) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        hint = (
            f"`dm lineage build --compile` has dbt write it; or run `dbt docs generate --target-path "
            f"{path.parent}`"
        )
        raise NotFoundError(f"{path} does not exist", hint=hint) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except NOT_JSON as error:
        raise UsageError(f"{path} is not dbt's {path.name}: {error}", hint="run dbt again") from None
