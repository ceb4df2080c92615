"""Read from a dbt project's artefacts the columns of its relations as built, and its exposures."""

from dataclasses import dataclass
from pathlib import Path

from control import dbt_artefacts
from control.dbt_artefacts import BuiltRelation


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


def read(folder: Path) -> Artefacts:
    """Read manifest.json and catalog.json. Raises NotFoundError and UsageError."""
    manifest, catalog = dbt_artefacts.manifest(folder), dbt_artefacts.catalog(folder)
    relations = {
        f"{built.metadata.schema}.{built.metadata.name}".lower(): _relation(built)
        for built in (*catalog.nodes.values(), *catalog.sources.values())
    }
    nodes = manifest.nodes | manifest.sources
    exposures = [
        Exposure(
            name=exposure.name,
            title=exposure.label or exposure.name,
            description=exposure.description or "",
            url=exposure.url or "",
            owner=exposure.owner.name or "",
            reads=tuple(sorted(nodes[key].relation for key in exposure.depends_on.nodes if key in nodes)),
        )
        for _, exposure in sorted(manifest.exposures.items())
    ]
    return Artefacts(relations, tuple(exposures))


def _relation(built: BuiltRelation) -> Relation:
    columns = tuple((column.name.lower(), column.type) for column in built.ordered)
    return Relation(columns, "view" in built.metadata.type.lower())
