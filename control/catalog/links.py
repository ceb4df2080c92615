"""Edges of lineage in the catalog's words: one for each source table of a table, with its columns."""

from collections.abc import Iterable, Iterator

from control.catalog import columns
from control.catalog.model import ColumnLink, Link, Names
from control.catalog.project import Exposure
from control.lineage.ask import Graph, Hop

_MOST_TEXT = 1000


def raw_fields(graph: Graph) -> dict[str, set[str]]:
    """The raw fields that lineage names, by table."""
    fields: dict[str, set[str]] = {}
    for column in graph.columns():
        layer, _, rest = column.partition(".")
        table, _, field = rest.partition(".")
        if layer == "raw":
            fields.setdefault(table, set()).add(field)
    return fields


def between_tables(graph: Graph, known: set[str], names: Names) -> Iterator[Link]:
    """Edges between entities that are `known` (their keys), from raw to gold.

    An edge that is only indirect ties the tables and no columns: the catalog has no word for a filter or a
    join of one column.
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
    """Edges from tables to what reads them."""
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
    """The entity that holds a column, and the column's full name; no entity for a source database's."""
    layer, _, rest = column.partition(".")
    table, _, field = rest.partition(".")
    if layer == "source":
        return "", column
    if layer == "raw":
        owner = names.container(table)
        # A name with a dot in it is quoted in the full names of OpenMetadata.
        steps = (f'"{name}"' if "." in name else name for name in columns.path(field))
        return f"container:{owner}", ".".join((owner, *steps))
    owner = names.table(f"{layer}.{table}")
    return f"table:{owner}", f"{owner}.{field}"
