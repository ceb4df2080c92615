"""The lineage of each model as a file in the repository, so that a review sees its changes.

`<schema>.<model>.json` groups edges that differ only in the target column: a filter affects all columns.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from control.errors import UsageError
from control.lineage.ask import Graph, Hop
from control.lineage.model import VERSION, Kind, Project
from control.serialization import NOT_JSON

_HINT = "`dm lineage check --update` writes it"


class Group(msgspec.Struct, frozen=True):
    """Edges from one column to several of the model; `to` is `*` for all of them."""

    source: str = msgspec.field(name="from")
    to: str | tuple[str, ...]
    kind: Kind
    expression: str


class Golden(msgspec.Struct, frozen=True):
    """One model: its columns, its dbt dependencies that the compiled SQL does not name, and its edges."""

    version: int
    relation: str
    columns: tuple[str, ...]
    only_while_compiling: tuple[str, ...]
    edges: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """An outdated file: its wanted text (empty to remove it), and the lines that differ."""

    file: Path
    text: str
    lines: tuple[str, ...]


def of(project: Project, graph: Graph) -> list[Golden]:
    """Return the lineage of every model of `project`, except for seeds."""
    return [
        Golden(
            VERSION,
            model.relation,
            project.columns.get(model.relation, ()),
            tuple(sorted(name for name in model.depends_on if not _named(name, model.sql))),
            tuple(_groups(graph, model.relation, project.columns.get(model.relation, ()))),
        )
        for model in project.models
        if model.sql
    ]


def _named(relation: str, sql: str) -> bool:
    """Whether the compiled SQL names the relation at all."""
    return re.search(rf"\b{re.escape(relation.rpartition('.')[2])}\b", sql.lower()) is not None


def _groups(graph: Graph, relation: str, columns: Sequence[str]) -> Iterator[Group]:
    targets: dict[tuple[str, Kind, str], list[str]] = {}
    for column in columns:
        for hop in graph.up.get(f"{relation}.{column}", ()):
            targets.setdefault((hop.source, hop.kind, hop.expression), []).append(column)
    for (source, kind, expression), reached in sorted(targets.items()):
        yield Group(source, "*" if len(reached) == len(columns) else tuple(reached), kind, expression)


def text(golden: Golden) -> str:
    """Return the text of a model's file: one line for each group of edges."""
    head = msgspec.structs.replace(golden, edges=())
    opened = msgspec.json.encode(head).decode().removesuffix("]}")
    lines = ",\n".join(msgspec.json.encode(group).decode() for group in golden.edges)
    return f"{opened}\n{lines}\n]}}\n"


def hops(folder: Path) -> Iterator[Hop]:
    """Yield the edges of every file in `folder`. Raises UsageError for a file that is not a lineage."""
    for file in sorted(folder.glob("*.json")):
        try:
            golden = msgspec.json.decode(file.read_bytes(), type=Golden)
        except NOT_JSON as error:
            raise UsageError(f"{file} is not the lineage of a model: {error}", hint=_HINT) from None
        for group in golden.edges:
            for column in golden.columns if group.to == "*" else group.to:
                target = f"{golden.relation}.{column}"
                yield Hop(group.source, target, group.kind, group.expression)


def differences(wanted: Iterable[Golden], folder: Path) -> list[Difference]:
    """Return the files of `folder` that differ from `wanted`, also those of models that no longer exist."""
    texts = {f"{golden.relation}.json": text(golden) for golden in wanted}
    return differences_between(texts_in(folder), texts, folder)


def differences_between(
    before: Mapping[str, str], after: Mapping[str, str], folder: Path
) -> list[Difference]:
    """Return the files of `folder` whose texts differ, by name."""
    return [
        Difference(
            folder / name, after.get(name, ""), tuple(_lines(before.get(name, ""), after.get(name, "")))
        )
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def texts_in(folder: Path) -> dict[str, str]:
    """Return the texts of the files of `folder` by name; empty when there is no such folder."""
    return {file.name: file.read_text("utf-8", "replace") for file in sorted(folder.glob("*.json"))}


def _lines(before: str, after: str) -> Iterator[str]:
    """Yield removed lines with `-` and added lines with `+`."""
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""):
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---")) and len(line) > 3:
            yield line.rstrip(",")


def apply(changes: Iterable[Difference]) -> None:
    """Write and remove the files of `changes`."""
    for change in changes:
        if change.text:
            change.file.parent.mkdir(parents=True, exist_ok=True)
            change.file.write_text(change.text)
        else:
            change.file.unlink()
