"""What each model cost: the Athena statements of a dbt run, summed by the model that issued them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from control.dbt_runs import SLACK, Run, executions, issued
from control.ports import Execution, Statements

# The minimum that Athena bills per statement. DDL, SHOW, DESCRIBE and failed statements are free; a cancelled
# one is billed for what it had read.
BILLED_AT_LEAST = 10 << 20
DOLLARS_PER_TERABYTE = 5.0
# Statements outside of models and tests: hooks, dbt's relation cache.
OUTSIDE = "(run)"
_TERABYTE = 1 << 40


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


def dollars_of(execution: Execution) -> float:
    """Return the cost of the statement at Athena's list price."""
    is_billed = execution.succeeded or (execution.is_cancelled and execution.scanned_bytes > 0)
    if not is_billed or execution.kind != "DML":
        return 0.0
    return max(execution.scanned_bytes, BILLED_AT_LEAST) / _TERABYTE * DOLLARS_PER_TERABYTE


def costs(run: Run, statements: Statements) -> list[Cost]:
    """Return the cost of every node of the run, most expensive first."""
    return _costs(executions(run, statements))


def runs(statements: Statements, since: datetime) -> Iterator[tuple[Run, list[Cost]]]:
    """Yield the runs that started at or after `since` and issued statements, with costs, oldest first."""
    found: dict[Run, list[tuple[str, Execution]]] = defaultdict(list)
    for execution in statements.since(since - SLACK):
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
