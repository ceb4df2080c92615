"""Runs of dbt, and the Athena statements that each issued.

The macro `query_comment` puts the run and the node into a comment before each statement. So Athena's history
of 45 days has the statements of every run, even if it failed or was killed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from control.errors import NotFoundError, UsageError
from control.ports import Execution, Statements
from control.serialization import NOT_JSON

_COMMENT = re.compile(r'/\* (\{"app": "dbt".*?\}) \*/')
# Allowed difference between the clocks of Athena and the machine that ran dbt.
SLACK = timedelta(seconds=5)


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


def executions(run: Run, statements: Statements) -> Iterator[tuple[str, Execution]]:
    """Yield the statements of a run with the nodes that issued them, newest first."""
    for execution in statements.since(run.started - SLACK):
        by = issued(execution)
        if by is not None and by.run.invocation_id == run.invocation_id:
            yield by.node, execution
