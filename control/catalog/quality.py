"""Test cases and results of all checks: dbt's tests, before publication, freshness, completeness."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from control.catalog.model import Entity, Names, Result
from control.site.model import Outcome, TablePage

COLUMN_RULE, TABLE_RULE = "lakehouseColumnRule", "lakehouseTableRule"
# The catalog has no warnings: a rule that only warns counts as failed, and the text says that it warns.
_STATUS = {
    "pass": "Success", "success": "Success", "warn": "Failed", "fail": "Failed", "error": "Failed",
    "skipped": "Aborted",
}  # fmt: skip


def definitions() -> Iterator[Entity]:
    """Yield the two test definitions of our cases."""
    for name, kind in ((TABLE_RULE, "TABLE"), (COLUMN_RULE, "COLUMN")):
        payload = {
            "name": name,
            "description": "A rule of a data contract, checked by dbt or by the control plane.",
            "entityType": kind,
            "testPlatforms": ["dbt"],
        }
        yield Entity("testDefinition", name, payload, fixed=("entityType", "testPlatforms"))


def checked(
    pages: Iterable[TablePage], built: Mapping[str, set[str]], names: Names
) -> tuple[list[Entity], list[Result]]:
    """Return test cases on the relations in `built` (with their columns), and their last results."""
    cases: list[Entity] = []
    results: list[Result] = []
    for page in pages:
        if page.name not in built:
            continue
        table = names.table(page.name)
        for place, outcomes in _by_place(page).items():
            if place and place not in built[page.name]:
                continue
            for name, outcome in _named(outcomes):
                cases.append(_case(table, place, name, f"dbt's test {outcome.name}."))
                results += _outcome(cases[-1].fqn, outcome)
        for build in page.builds:
            text = f"{build.name} is built, and its rows satisfy the contract before readers see them."
            cases.append(_case(table, "", f"published_{build.name}", text))
            results += _outcome(cases[-1].fqn, build)
        for case, result in (*_freshness(page, table), *_completeness(page, table)):
            cases.append(case)
            results += [result] if result else []
    return cases, results


def _by_place(page: TablePage) -> dict[str, Sequence[Outcome]]:
    columns = {c.column.name: c.tests for c in page.columns if c.tests}
    return {"": page.tests, **columns} if page.tests else {**columns}


def _named(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Outcome]]:
    """Yield each outcome with a unique name, also if a test occurs twice."""
    seen: dict[str, int] = {}
    for outcome in outcomes:
        name = re.sub(r"[^\w-]+", "_", outcome.name)
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}_{seen[name]}"), outcome


def _case(table: str, column: str, name: str, description: str) -> Entity:
    place = f"::columns::{column}" if column else ""
    payload = {
        "name": name,
        "description": description,
        "testDefinition": COLUMN_RULE if column else TABLE_RULE,
        "entityLink": f"<#E::table::{table}{place}>",
    }
    fqn = f"{table}.{column}.{name}" if column else f"{table}.{name}"
    return Entity("testCase", fqn, payload, fixed=("testDefinition", "entityLink"))


def _outcome(test: str, outcome: Outcome) -> Iterator[Result]:
    """Yield the result of an outcome, without its message, which may contain a value of a row."""
    if outcome.finished_at is None:
        return
    text = f"{outcome.status}, {outcome.failures:,} rows" if outcome.failures else outcome.status
    status = _STATUS.get(outcome.status, "Failed")
    yield Result(test, _milliseconds(outcome.finished_at), status, text, outcome.failures)


def _freshness(page: TablePage, table: str) -> Iterator[tuple[Entity, Result | None]]:
    """Yield the freshness check, dated at the last update if it is fresh, or at the missed deadline if late.

    So the same facts give the same result, whenever they are published.
    """
    fresh = page.freshness
    if fresh.promised_hours is None:
        return
    text = f"Updated within {fresh.promised_hours:g} hours, as the contract promises."
    case = _case(table, "", "freshness", text)
    if fresh.updated is None:
        yield case, None
        return
    late = fresh.state == "late"
    moment = fresh.updated + timedelta(hours=fresh.promised_hours) if late else fresh.updated
    text = f"{'late' if late else 'fresh'}: last update {fresh.updated:%Y-%m-%d %H:%M UTC}"
    yield case, Result(case.fqn, _milliseconds(moment), "Failed" if late else "Success", text)


def _completeness(page: TablePage, table: str) -> Iterator[tuple[Entity, Result | None]]:
    status = page.live.status if page.live else None
    if page.live is None or status is None or status.published_at is None:
        return
    reasons = "".join(f"; {reason}: {count:,}" for reason, count in page.live.reasons.items())
    text = (
        f"batch {status.last_batch}: {status.records:,} records, {status.rows:,} rows, "
        f"{status.quarantined:,} quarantined, {status.control:,} control records{reasons}"
    )
    case = _case(table, "", "completeness", "Records of raw files that became rows, as promised.")
    broken = any(words.startswith("completeness") for words in status.broken)
    found = "Failed" if broken else "Success"
    yield case, Result(case.fqn, _milliseconds(status.published_at), found, text, status.quarantined)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
