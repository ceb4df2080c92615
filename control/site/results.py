"""Read what the last `dbt build` found: the outcome of every model and test."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from control import dbt_artefacts
from control.dbt_artefacts import Node
from control.errors import UsageError
from control.serialization import NOT_JSON
from control.site.model import Outcome


class _Timing(msgspec.Struct):
    name: str
    completed_at: datetime | None = None


class _Result(msgspec.Struct):
    unique_id: str
    status: str
    execution_time: float = 0.0
    failures: int | None = None
    message: str | None = None
    timing: list[_Timing] = []


class _Args(msgspec.Struct):
    which: str = ""


class _Results(msgspec.Struct):
    results: list[_Result]
    args: _Args = msgspec.field(default_factory=_Args)


@dataclass(frozen=True, slots=True)
class Results:
    """Results of models by relation, and of tests by relation and column ("" for the whole table)."""

    models: Mapping[str, Outcome]
    tests: Mapping[tuple[str, str], tuple[Outcome, ...]]


def read(target: Path) -> Results | None:
    """Return the results in the folder `target`; None when dbt has not built there.

    `dbt compile` and `dbt docs generate` leave results, too, but check nothing. Raises UsageError for files
    that are not dbt's.
    """
    if last_command(target) not in ("build", "run", "test"):
        return None
    manifest = dbt_artefacts.manifest(target)
    models: dict[str, Outcome] = {}
    tests: dict[tuple[str, str], tuple[Outcome, ...]] = {}
    for result in _results(target).results:
        node = manifest.nodes.get(result.unique_id)
        if node is None:
            continue
        if node.resource_type == "model":
            models[node.relation] = _outcome(node, result)
        elif node.resource_type == "test" and node.attached_node in manifest.nodes:
            on = manifest.nodes[node.attached_node]
            place = (on.relation, node.column_name or "")
            tests[place] = (*tests.get(place, ()), _outcome(node, result))
    return Results(models, tests)


def last_command(target: Path) -> str:
    """Return the dbt command whose results are in the folder `target`; empty when there are none."""
    files = (target / "manifest.json", target / "run_results.json")
    if not all(file.exists() for file in files):
        return ""
    return _results(target).args.which


def _results(target: Path) -> _Results:
    file = target / "run_results.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Results)
    except NOT_JSON as error:
        raise UsageError(f"{file} is not dbt's {file.name}: {error}", hint="run dbt again") from None


def _outcome(node: Node, result: _Result) -> Outcome:
    name = str(node.test_metadata["name"]) if node.test_metadata else node.name
    finished = max((t.completed_at for t in result.timing if t.completed_at), default=None)
    return Outcome(
        name=name,
        status=result.status,
        failures=result.failures or 0,
        seconds=result.execution_time,
        finished_at=finished,
        message=(result.message or "").splitlines()[0] if result.message else "",
    )
