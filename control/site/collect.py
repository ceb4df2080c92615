"""Collect what contracts, lineage, the last build and the control store say about each table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from control.contracts import promises
from control.contracts.model import LAYERS, Column, Contract
from control.cost.runs import Cost
from control.ingest.files import table_names
from control.ingest.quarantine import refused
from control.lineage.ask import DIRECT, Direction, Graph, Hop
from control.lineage.model import split_column
from control.ports import Parts
from control.site import freshness
from control.site.model import ColumnPage, Extras, Live, Outcome, Site, TablePage, Version
from control.site.results import Results
from control.status import Promise, every_status


def live(parts: Parts) -> dict[str, Live]:
    """Return what the control store now says about each bronze table, judged by its contract's promises."""
    promised = {
        table: Promise(*kept) for table, kept in promises.of(parts.settings.contracts / "bronze").items()
    }
    reasons: dict[str, Counter[str]] = {}
    for entry in refused(parts):
        reasons.setdefault(entry.table, Counter())[entry.reason] += 1
    return {
        status.table: Live(status=status, reasons=dict(reasons.get(status.table, Counter()).most_common()))
        for status in every_status(table_names(parts), parts, promised)
    }


def extras(versions: Mapping[str, Iterable[tuple[str, datetime, str]]], costs: Iterable[Cost]) -> Extras:
    """Return contract versions (number, start, what changed) by file, and the costs of models."""
    return Extras(
        versions={file: [Version(*version) for version in listed] for file, listed in versions.items()},
        costs={cost.model: cost for cost in costs if cost.kind == "model"},
    )


def site(
    contracts: Iterable[Contract],
    graph: Graph | None,
    results: Results | None,
    lives: Mapping[str, Live] | None,
    *,
    title: str,
    now: datetime,
    extras: Extras | None = None,
) -> Site:
    """Return all pages. An input that is None is left out, and the site says so."""
    more = extras or Extras()
    places: dict[str, int] = {layer: place for place, layer in enumerate(LAYERS)}
    ordered = sorted(contracts, key=lambda c: (places.get(c.layer, len(places)), c.table))
    return Site(
        title=title,
        tables=tuple(_table(c, graph or Graph({}, {}), results, lives or {}, more, now) for c in ordered),
        made_at=now,
        has_lineage=graph is not None,
        has_results=results is not None,
        has_live=lives is not None,
        has_costs=bool(more.costs),
    )


def _table(
    contract: Contract,
    graph: Graph,
    results: Results | None,
    lives: Mapping[str, Live],
    extras: Extras,
    now: datetime,
) -> TablePage:
    name = f"{contract.layer}.{contract.table}"
    columns = tuple(_column(name, column, graph, results) for column in contract.columns)
    names = [f"{name}.{column.name}" for column in contract.columns]
    hops = {*_walk(graph, names, "up"), *_walk(graph, names, "down")}
    models = [f"{contract.layer}.{model}" for model in contract.models]
    builds = tuple(results.models[m] for m in models if m in results.models) if results else ()
    live = lives.get(contract.table) if contract.layer == "bronze" else None
    return TablePage(
        contract=contract,
        columns=columns,
        upstream=_neighbours(names, graph, "up"),
        downstream=_neighbours(names, graph, "down"),
        hops=tuple(sorted(hops, key=lambda hop: (hop.source, hop.target))),
        builds=builds,
        tests=_tests(results, name, ""),
        live=live,
        freshness=freshness.of(contract, builds, live, now),
        versions=tuple(extras.versions.get(f"{contract.layer}/{contract.stem}.yaml", ())),
        costs=tuple(extras.costs[name] for name in contract.models if name in extras.costs),
    )


def _column(table: str, column: Column, graph: Graph, results: Results | None) -> ColumnPage:
    name = f"{table}.{column.name}"
    return ColumnPage(
        column=column,
        sources=tuple(hop for hop in graph.up.get(name, ()) if hop.kind in DIRECT),
        rows_of=_neighbours([name], graph, "up"),
        tests=_tests(results, table, column.name),
    )


def _tests(results: Results | None, table: str, column: str) -> tuple[Outcome, ...]:
    return results.tests.get((table, column), ()) if results else ()


def _walk(graph: Graph, columns: Iterable[str], direction: Direction) -> set[Hop]:
    """Return every direct edge upstream or downstream of the columns, over any number of hops."""
    edges = graph.up if direction == "up" else graph.down
    found: set[Hop] = set()
    ahead = list(columns)
    while ahead:
        for hop in edges.get(ahead.pop(), ()):
            if hop.kind in DIRECT and hop not in found:
                found.add(hop)
                ahead.append(hop.source if direction == "up" else hop.target)
    return found


def _neighbours(columns: Iterable[str], graph: Graph, direction: Direction) -> tuple[str, ...]:
    """Return the tables one hop away, by any kind of edge."""
    edges = graph.up if direction == "up" else graph.down
    ends = (
        hop.source if direction == "up" else hop.target for name in columns for hop in edges.get(name, ())
    )
    return tuple(sorted({split_column(end)[0] for end in ends}))
