"""Read from a dbt project's artefacts the SQL of every model and the columns of every relation."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from control import dbt_artefacts
from control.dbt_artefacts import BuiltRelation, Node
from control.lineage.model import Model, Project

_BUILT = ("model", "seed", "snapshot")


def read(target: Path) -> Project:
    """Read the project whose artefacts are in the folder `target`.

    Columns come from the catalog, else from the manifest (what a contract states). Raises NotFoundError when
    an artefact is missing and UsageError when it is not valid.
    """
    manifest, catalog = dbt_artefacts.manifest(target), dbt_artefacts.catalog(target)
    nodes = {key: n for key, n in manifest.nodes.items() if n.resource_type in _BUILT}
    everything = nodes | manifest.sources
    built = catalog.nodes | catalog.sources
    columns = {n.relation: _columns(n, built.get(key)) for key, n in everything.items() if not n.is_ephemeral}
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


def _columns(node: Node, built: BuiltRelation | None) -> tuple[str, ...]:
    names = node.columns if built is None else [column.name for column in built.ordered]
    return tuple(name.lower() for name in names)


def _relations(node: Node, everything: Mapping[str, Node]) -> Iterable[str]:
    """Yield the relations that a node reads; an ephemeral model is replaced by those that it reads."""
    for key in node.depends_on.nodes:
        parent = everything.get(key)
        if parent is None:
            continue
        if parent.is_ephemeral:
            yield from _relations(parent, everything)
        else:
            yield parent.relation


def _refusal(node: Node) -> str:
    if node.resource_type == "seed" or node.compiled_code:
        return ""
    if node.language != "sql":
        return f"a {node.language} model has no SQL to trace"
    return "it is not compiled: run `dbt docs generate` or `dbt compile` first"
