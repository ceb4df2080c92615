"""Run a sequence on something that answers statements, and compare every answer with the dictionary's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dictionary import Outcome, shown
from statements import Statement, Travel

Line = tuple[str | None, ...]


@dataclass(frozen=True)
class Answer:
    """An engine's answer: rows as text without the header, the number of changed rows, or an error's code."""

    rows: tuple[Line, ...] = ()
    count: int | None = None
    error: str = ""


Ask = Callable[[str], Answer]


def differences(
    steps: Sequence[tuple[Statement, Outcome]], ask: Ask, location: str, *, uncounted: str = ""
) -> list[str]:
    """Return the first answer that differs from the expected one, or an empty list.

    `ask` runs a statement in its own, empty database; `location` is a folder for its tables. For statements
    of the kind `uncounted`, the number of changed rows is not compared.
    """
    wanted = {statement.after for statement, _ in steps if isinstance(statement, Travel)}
    versions: dict[int, tuple[str, str]] = {}
    for at, (statement, outcome) in enumerate(steps):
        sql = statement.sql(location)
        if isinstance(statement, Travel):
            snapshot, time = versions[statement.after]
            sql = sql.replace("TIMESTAMP'", f"{time}'").replace("VERSION", snapshot)
        answer = ask(sql)
        if found := _difference(outcome, answer, counted=statement.kind != uncounted):
            return [f"statement {at}: {sql}\n  {found}"]
        if at in wanted:
            versions[at] = _newest_version(statement.table, ask)
    return []


def _newest_version(table: str, ask: Ask) -> tuple[str, str]:
    sql = f'select snapshot_id, committed_at from "{table}$snapshots" order by committed_at desc limit 1'
    ((snapshot, time),) = ask(sql).rows
    return str(snapshot), str(time)


def _difference(outcome: Outcome, answer: Answer, *, counted: bool) -> str:
    if outcome.error or answer.error:
        return (
            "" if outcome.error == answer.error.partition(":")[0] else f"{answer.error} instead of {outcome}"
        )
    if counted and outcome.count is not None and answer.count != outcome.count:
        return f"changed {answer.count} rows instead of {outcome.count}"
    if outcome.rows is not None and (rows := shown(iter(answer.rows))) != outcome.rows:
        return f"gave {rows}\n  instead of {outcome.rows}"
    return ""
