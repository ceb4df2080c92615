"""Find holes in lineage: contracted columns without an origin, and dbt dependencies that no column uses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from control.contracts.model import Contract
from control.lineage.ask import Graph
from control.lineage.golden import Golden
from control.lineage.model import Project


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that lineage lacks or should not have: `code` for machines, `message` says what to do."""

    code: str
    file: str
    where: str
    message: str


def holes(
    project: Project, goldens: Iterable[Golden], graph: Graph, contracts: Iterable[Contract]
) -> list[Hole]:
    """Return every hole of a lineage, those of tables first."""
    paths = {model.relation: model.path for model in project.models}
    found = [hole for golden in goldens for hole in _tables(golden, paths[golden.relation], project)]
    return [*found, *(hole for contract in contracts for hole in _columns(contract, graph, project))]


def _tables(golden: Golden, path: str, project: Project) -> Iterator[Hole]:
    """Yield the tables that the model depends on according to dbt, but from which no edge comes."""
    by_edges = {group.source.rpartition(".")[0] for group in golden.edges} - {golden.relation}
    [model] = [model for model in project.models if model.relation == golden.relation]
    for table in sorted(model.depends_on - by_edges - set(golden.only_while_compiling)):
        message = (
            f"dbt says that {golden.relation} depends on {table}, and no column of it is used: "
            "remove the ref() or source(), or use it"
        )
        yield Hole("lineage-tables", path, golden.relation, message)


def _columns(contract: Contract, graph: Graph, project: Project) -> Iterator[Hole]:
    relation = f"{contract.layer}.{contract.table}"
    known = project.columns.get(relation)
    for column in contract.columns:
        name = f"{relation}.{column.name}"
        hops = [hop for hop in graph.up.get(name, ()) if hop.source.rpartition(".")[0] != relation]
        if known is not None and column.name not in known:
            message = f"{relation} has no column {column.name}: build the model again"
            yield Hole("lineage-column", contract.file, name, message)
        elif not hops and not column.generated:
            message = (
                f"{name} comes from no column: if that is intended, say why in its custom property "
                "generated; if not, fix the model"
            )
            yield Hole("lineage-column", contract.file, name, message)
        elif column.generated and any(hop.kind == "direct" for hop in hops):
            message = f"{name} is marked as generated and comes from {hops[0].source}: remove the mark"
            yield Hole("lineage-generated", contract.file, name, message)
