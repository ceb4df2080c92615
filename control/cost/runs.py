"""What each model cost: the Athena statements of a dbt run, summed by the model that issued them.

The macro `query_comment` puts the run and the node into a comment before each statement. So Athena's history
of 45 days tells the cost of every run, even if it failed or was killed.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from control.errors import NotFoundError, UsageError
from control.ports import Execution, Statements
from control.serialization import NOT_JSON

# The minimum that Athena bills per statement. DDL, SHOW, DESCRIBE and failed statements are free; a cancelled
# one is billed for what it had read.
BILLED_AT_LEAST = 10 << 20
DOLLARS_PER_TERABYTE = 5.0
# Statements outside of models and tests: hooks, dbt's relation cache.
OUTSIDE = "(run)"
_TERABYTE = 1 << 40
_COMMENT = re.compile(r'/\* (\{"app": "dbt".*?\}) \*/')
# Allowed difference between the clocks of Athena and the machine that ran dbt.
_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Run:
    """A dbt run: its invocation id, and when it started by the clock of the machine that ran dbt."""

    invocation_id: str
    started: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """The content of a statement's comment: the run, and dbt's id of the node (empty outside of nodes)."""

    run: Run
    node: str


@dataclass(frozen=True, slots=True)
class Cost:
    """The statements of one node in one run. `kind` is model, test, unit_test or operation."""

    kind: str
    model: str
    statements: int
    failed: int
    bytes: int
    seconds: float
    dollars: float


def last_run(target: Path) -> Run:
    """Return the run whose artefacts are in `target`. Raises NotFoundError, UsageError."""
    metadata = results(target)["metadata"]
    try:
        return Run(metadata["invocation_id"], _moment(metadata["invocation_started_at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{target}/run_results.json is not what dbt 1.11 writes: {error!r}") from None


def results(target: Path) -> dict[str, Any]:
    """Read the run_results.json in `target`. Raises NotFoundError, UsageError."""
    file = target / "run_results.json"
    try:
        found: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return {"metadata": found["metadata"], "results": found["results"]}
    except FileNotFoundError:
        raise NotFoundError(f"{file} does not exist", hint="run dbt build first, or name --target") from None
    except (*NOT_JSON, KeyError, TypeError) as error:
        raise UsageError(f"{file} is not what dbt 1.11 writes: {error!r}") from None


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return found


def issued(execution: Execution) -> Issued | None:
    """Return the run and node that issued the statement; None if it was not dbt in this project."""
    found = _COMMENT.search(execution.sql[:1000])
    if not found:
        return None
    try:
        said = json.loads(found[1])
        run = Run(said["invocation_id"], _moment(said["started"]))
    except (KeyError, TypeError, ValueError):
        return None
    return Issued(run, str(said.get("node_id", "")))


def dollars_of(execution: Execution) -> float:
    """Return the cost of the statement at Athena's list price."""
    is_billed = execution.succeeded or (execution.is_cancelled and execution.scanned_bytes > 0)
    if not is_billed or execution.kind != "DML":
        return 0.0
    return max(execution.scanned_bytes, BILLED_AT_LEAST) / _TERABYTE * DOLLARS_PER_TERABYTE


def executions(run: Run, statements: Statements) -> Iterator[tuple[str, Execution]]:
    """Yield the statements of a run with the nodes that issued them, newest first."""
    for execution in statements.since(run.started - _SLACK):
        by = issued(execution)
        if by is not None and by.run.invocation_id == run.invocation_id:
            yield by.node, execution


def costs(run: Run, statements: Statements) -> list[Cost]:
    """Return the cost of every node of the run, most expensive first."""
    return _costs(executions(run, statements))


def runs(statements: Statements, since: datetime) -> Iterator[tuple[Run, list[Cost]]]:
    """Yield the runs that started at or after `since` and issued statements, with costs, oldest first."""
    found: dict[Run, list[tuple[str, Execution]]] = defaultdict(list)
    for execution in statements.since(since - _SLACK):
        by = issued(execution)
        if by is not None and by.run.started >= since:
            found[by.run].append((by.node, execution))
    for run in sorted(found, key=lambda run: (run.started, run.invocation_id)):
        yield run, _costs(found[run])


def total(found: Sequence[Cost]) -> Cost:
    """Return the sum of the costs."""
    return Cost(
        "",
        "all",
        sum(cost.statements for cost in found),
        sum(cost.failed for cost in found),
        sum(cost.bytes for cost in found),
        round(sum(cost.seconds for cost in found), 3),
        sum(cost.dollars for cost in found),
    )


def _costs(found: Iterable[tuple[str, Execution]]) -> list[Cost]:
    nodes: dict[str, list[Execution]] = defaultdict(list)
    for node, execution in found:
        nodes[node].append(execution)
    added = [_added(node, of_node) for node, of_node in nodes.items()]
    return sorted(added, key=lambda cost: (-cost.bytes, -cost.seconds, cost.model))


def _added(node: str, found: Sequence[Execution]) -> Cost:
    # dbt's ids read model.<project>.<name>.
    kind, _, rest = node.partition(".")
    return Cost(
        kind or "operation",
        rest.partition(".")[2] or node or OUTSIDE,
        len(found),
        sum(not one.succeeded for one in found),
        sum(one.scanned_bytes for one in found),
        round(sum(one.milliseconds for one in found) / 1000, 3),
        sum(map(dollars_of, found)),
    )
