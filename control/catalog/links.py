"""Turn lineage into the catalog's edges: one for each pair of source and target table, with their columns."""

from collections.abc import Iterable, Iterator

from control.catalog import columns
from control.catalog.model import ColumnLink, Link, Names
from control.catalog.project import Exposure
from control.lineage.ask import Graph, Hop

_MOST_TEXT = 1000


def raw_fields(graph: Graph) -> dict[str, set[str]]:
    """Return the raw fields that lineage names, by table."""
    fields: dict[str, set[str]] = {}
    for column in graph.columns():
        layer, _, rest = column.partition(".")
        table, _, field = rest.partition(".")
        if layer == "raw":
            fields.setdefault(table, set()).add(field)
    return fields


def between_tables(graph: Graph, known: set[str], names: Names) -> Iterator[Link]:
    """Yield the edges between entities whose keys are in `known`, from raw to gold.

    An edge that is only indirect connects the tables but no columns: the catalog cannot express that a column
    filters or joins.
    """
    hops: dict[tuple[str, str], list[Hop]] = {}
    for target, incoming in graph.up.items():
        for hop in incoming:
            ends = _entity(hop.source, names)[0], _entity(target, names)[0]
            if known.issuperset(ends):
                hops.setdefault(ends, []).append(hop)
    for (source, target), found in sorted(hops.items()):
        yield Link(source, target, tuple(_columns(found, names)))


def to_dashboards(exposures: Iterable[Exposure], known: set[str], names: Names) -> Iterator[Link]:
    """Yield the edges from tables to the exposures that read them."""
    for exposure in exposures:
        for relation in exposure.reads:
            source = f"table:{names.table(relation)}"
            if source in known:
                yield Link(source, f"dashboard:{names.dashboards}.{exposure.name}")


def _columns(hops: Iterable[Hop], names: Names) -> Iterator[ColumnLink]:
    targets: dict[str, list[Hop]] = {}
    for hop in hops:
        if hop.kind == "direct":
            targets.setdefault(_entity(hop.target, names)[1], []).append(hop)
    for target, found in sorted(targets.items()):
        sources = sorted({_entity(hop.source, names)[1] for hop in found})
        function = "; ".join(sorted({hop.expression for hop in found}))[:_MOST_TEXT]
        yield ColumnLink(target, tuple(sources), function)


def _entity(column: str, names: Names) -> tuple[str, str]:
    """Return the entity that holds a column, empty for a source database's, and the column's full name."""
    layer, _, rest = column.partition(".")
    table, _, field = rest.partition(".")
    if layer == "source":
        return "", column
    if layer == "raw":
        owner = names.container(table)
        # OpenMetadata quotes a name with a dot in full names.
        steps = (f'"{name}"' if "." in name else name for name in columns.path(field))
        return f"container:{owner}", ".".join((owner, *steps))
    owner = names.table(f"{layer}.{table}")
    return f"table:{owner}", f"{owner}.{field}"
