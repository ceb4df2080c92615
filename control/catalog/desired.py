"""Derive the desired state of a catalog from contracts, lineage, builds and the control store."""

from control.catalog import assets, links, prerequisites, quality
from control.catalog.model import Desired, Names
from control.catalog.project import Artefacts
from control.lineage.ask import Graph
from control.site.model import Site


def desired(site: Site, graph: Graph, found: Artefacts, names: Names) -> Desired:
    """Return everything to publish; the same facts give the same state.

    The facts are those of the static site, so that both agree. A contracted table that was never built is
    left out, because its columns are unknown.
    """
    contracts = [page.contract for page in site.tables]
    owners = {c.owner for c in contracts if c.owner}
    glossary, terms = prerequisites.glossary(contracts)
    tables = list(assets.tables(contracts, found, names, terms))
    containers = list(assets.containers(contracts, links.raw_fields(graph), names))
    dashboards = list(assets.dashboards(found.exposures, owners, names))
    columns = {name: {column for column, _ in built.columns} for name, built in found.relations.items()}
    cases, results = quality.checked(site.tables, columns, names)
    schemas = {table.fqn.split(".")[2] for table in tables}
    known = {entity.key for entity in (*tables, *containers)}
    return Desired(
        entities=(
            *prerequisites.teams(contracts),
            *prerequisites.domains(contracts),
            *prerequisites.tags(contracts),
            *glossary,
            *prerequisites.places(names, schemas, dashboards=bool(dashboards)),
            *containers,
            *tables,
            *dashboards,
            *quality.definitions(),
            *cases,
            *assets.agreements(contracts, found, names),
        ),
        links=(
            *links.between_tables(graph, known, names),
            *links.to_dashboards(found.exposures, known, names),
        ),
        results=tuple(results),
    )
