"""Trace every model of a project, with a cache of earlier traces, and write `lineage.json`."""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec

from control.contracts.model import Contract
from control.lineage import before_dbt, cache
from control.lineage.cache import encoded
from control.lineage.model import VERSION, Edge, Model, Project, Unresolved
from control.lineage.origins import UntraceableError
from control.lineage.query import edges as edges_of
from control.lineage.query import relations

# Below this many models, starting processes costs more than it saves (0.5 s against 20 ms a model).
_WORTH_PROCESSES = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """What a build did: its models, those of them traced now, edges written, models without lineage."""

    models: int
    traced: int
    edges: int
    unresolved: tuple[Unresolved, ...]


def build(
    project: Project,
    contracts: Iterable[Contract],
    output: Path,
    cached: Path,
    progress: Callable[[int, int], None],
) -> Summary:
    """Write the lineage of `project` to the file `output`; `progress` gets models done and models in all.

    Edges are ordered by target, source and kind, so that the same project gives the same bytes. Models that
    cannot be traced are listed with the reason; the caller decides whether that is a failure.
    """
    keys = {model.relation: cache.key(model, project.columns) for model in project.models}
    with cache.opened(cached) as store:
        known = store.find(keys.values())
        todo = [m for m in project.models if keys[m.relation] not in known]
        fresh: dict[str, bytes] = {}
        unresolved: list[Unresolved] = []
        for model, outcome in zip(todo, _traced(todo, project, progress), strict=True):
            if isinstance(outcome, bytes):
                fresh[keys[model.relation]] = outcome
            else:
                unresolved.append(Unresolved(model.relation, f"{model.path}: {outcome}"))
        store.keep(fresh, keys.values())
    found = known | fresh
    blocks = {relation: found[key] for relation, key in keys.items() if found.get(key)}
    _add_legs(blocks, before_dbt.edges(contracts))
    ordered = [block for _, block in sorted(blocks.items())]
    _write(output, ordered, unresolved)
    count = sum(block.count(b"\n") + 1 for block in ordered)
    return Summary(len(project.models), len(todo), count, tuple(unresolved))


def _add_legs(blocks: dict[str, bytes], legs: Iterable[Edge]) -> None:
    by_relation: dict[str, list[Edge]] = {}
    for edge in legs:
        by_relation.setdefault(edge.target.relation, []).append(edge)
    for relation, edges in by_relation.items():
        blocks[relation] = encoded(edges)


def _write(output: Path, blocks: Sequence[bytes], unresolved: Sequence[Unresolved]) -> None:
    """Write the file atomically; another build may be writing it, too."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("wb") as file:
            file.write(b'{"version": %d, "edges": [\n' % VERSION)
            file.write(b",\n".join(blocks))
            file.write(b'\n], "unresolved": ' + msgspec.json.encode(unresolved) + b"}\n")
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def _traced(
    models: Sequence[Model], project: Project, progress: Callable[[int, int], None]
) -> Iterable[bytes | str]:
    """Yield the encoded edges of each model, or the reason why there are none, in the order of `models`."""
    if len(models) < _WORTH_PROCESSES:
        tracer = _Tracing(project)
        for done, model in enumerate(models, 1):
            yield tracer(model)
            progress(done, len(models))
        return
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (project,)) as pool:
        for done, outcome in enumerate(pool.map(_in_process, models, chunksize=16), 1):
            yield outcome
            progress(done, len(models))


class _Tracing:
    """Traces models against the relations of the whole project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._relations = relations(project.columns, project.catalog)

    def __call__(self, model: Model) -> bytes | str:
        if model.refusal:
            return model.refusal
        if not model.sql:
            return b""
        missing = sorted(name for name in model.depends_on if name not in self._project.columns)
        if missing:
            return (
                f"the columns of {', '.join(missing)} are unknown: build them, then run `dbt docs generate`"
            )
        try:
            found = edges_of(model.sql, model.relation, self._relations)
        except UntraceableError as error:
            return str(error)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return _undeclared(model, found) or encoded(found)


def _undeclared(model: Model, edges: Iterable[Edge]) -> str:
    """Return a reason if the SQL reads a relation that dbt does not know: its lineage would end there."""
    undeclared = sorted({edge.source.relation for edge in edges} - model.depends_on)
    return f"reads {', '.join(undeclared)} without ref() or source()" if undeclared else ""


_tracing: _Tracing | None = None


def _start(project: Project) -> None:
    global _tracing
    _tracing = _Tracing(project)


def _in_process(model: Model) -> bytes | str:
    assert _tracing is not None
    return _tracing(model)
