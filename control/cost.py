"""What each model cost: every Athena statement of a dbt run, added up by the model that issued it."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from control.errors import NotFoundError, UsageError
from control.ports import Execution, Statements

# Athena bills each statement that reads at least so much, DDL and failed ones not at all.
BILLED_AT_LEAST = 10 << 20
DOLLARS_PER_TERABYTE = 5.0
_TERABYTE = 1 << 40
# dbt puts its name and the node's before every statement.
_COMMENT = re.compile(r'/\* (\{"app": "dbt".*?\}) \*/')
# The clocks of the machine that ran dbt and of Athena may differ by so much.
_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Cost:
    """The statements of one model in one run."""

    model: str
    statements: int
    bytes: int
    seconds: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Run:
    """When a dbt run started and ended, from its run_results.json."""

    invocation_id: str
    started: datetime
    ended: datetime


def last_run(target: Path) -> Run:
    """The run that left its artefacts in `target`. Raises NotFoundError, UsageError."""
    file = target / "run_results.json"
    try:
        metadata = json.loads(file.read_text())["metadata"]
        return Run(
            metadata["invocation_id"],
            datetime.fromisoformat(metadata["invocation_started_at"]),
            datetime.fromisoformat(metadata["generated_at"]),
        )
    except FileNotFoundError:
        raise NotFoundError(f"{file} does not exist", hint="run dbt build first, or name --target") from None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{file} is not what dbt 1.11 writes: {error!r}") from None


def node_of(execution: Execution) -> str:
    """dbt's id of the model or test that issued the statement, empty when dbt did not."""
    found = _COMMENT.search(execution.sql[:1000])
    return str(json.loads(found[1]).get("node_id", "")) if found else ""


def dollars_of(execution: Execution) -> float:
    """What the statement costs at Athena's list price."""
    if not execution.succeeded or execution.kind == "DDL":
        return 0.0
    return max(execution.scanned_bytes, BILLED_AT_LEAST) / _TERABYTE * DOLLARS_PER_TERABYTE


def costs(run: Run, statements: Statements) -> list[Cost]:
    """Cost of every node of the run, the dearest first."""
    found: dict[str, list[Execution]] = defaultdict(list)
    for execution in statements.since(run.started - _SLACK):
        node = node_of(execution)
        if execution.submitted <= run.ended + _SLACK and node:
            found[node].append(execution)
    added = [_added(node, executions) for node, executions in found.items()]
    return sorted(added, key=lambda cost: (-cost.bytes, -cost.seconds, cost.model))


def total(found: Sequence[Cost]) -> Cost:
    """All of them as one."""
    return Cost(
        "all",
        sum(cost.statements for cost in found),
        sum(cost.bytes for cost in found),
        round(sum(cost.seconds for cost in found), 3),
        sum(cost.dollars for cost in found),
    )


def _added(node: str, executions: Sequence[Execution]) -> Cost:
    return Cost(
        node.partition(".")[2].partition(".")[2] or node,
        len(executions),
        sum(one.scanned_bytes for one in executions),
        round(sum(one.milliseconds for one in executions) / 1000, 3),
        sum(map(dollars_of, executions)),
    )
