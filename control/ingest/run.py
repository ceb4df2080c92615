"""Run ingestion: heal what others left, then register, plan, claim, parse and publish.

One pass looks at every table once. Whatever a pass finds half done (an open intent, a lease that ran out, a
written batch, a split under way) it finishes as if it were its own, so a crash needs no repair but another
run.
"""

import secrets
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Literal

from control.errors import (
    ControlError,
    NotFoundError,
    StaleEpochError,
    ThrottledError,
    UnavailableError,
    UsageError,
)
from control.ingest import claim
from control.ingest.parse import parse
from control.ingest.plan import Choice, plan
from control.ingest.publish import publish, settle
from control.ingest.register import reconcile
from control.ingest.rules import Rules
from control.ingest.tables import BronzeTable, check_token_key
from control.model import Batch, Finding
from control.ports import Parts, every

# How often a run that waits for another worker's lease looks again.
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `batches` holds those that it ended: published, failed or split.

    `left` counts batches that still need work: another worker holds them, or their next try is not due.
    """

    registered: int
    batches: tuple[Batch, ...]
    left: int
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Pass:
    """What one pass did and saw."""

    registered: int = 0
    planned: int = 0
    ended: list[Batch] = field(default_factory=list)
    moved: int = 0
    # When each batch that it left may be claimed.
    left: list[datetime] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()


def run(
    tables: Mapping[str, BronzeTable],
    parts: Parts,
    rules: Rules,
    *,
    choice: Choice = "auto",
    mode: Literal["once", "until_idle"] = "once",
) -> Outcome:
    """Ingest `tables` in one pass, or in passes until nothing is left to do and nobody holds a batch.

    Errors of one batch end that batch's attempt. Errors that would meet every batch (a system that cannot be
    reached, a missing key) give the batch back and are raised.
    """
    done: list[_Pass] = []
    while True:
        done.append(_one_pass(tables, parts, rules, choice))
        last = done[-1]
        if mode == "once" or not (last.registered or last.planned or last.moved or last.left):
            break
        if not last.moved and last.left:
            _wait(min(last.left), len(last.left), parts)
    return Outcome(
        registered=sum(one.registered for one in done),
        batches=tuple(batch for one in done for batch in one.ended),
        left=len(done[-1].left),
        findings=done[-1].findings + _failures(done),
    )


def _one_pass(tables: Mapping[str, BronzeTable], parts: Parts, rules: Rules, choice: Choice) -> _Pass:
    for table in tables.values():
        settle(table.name, parts)
    done = _Pass()
    done.registered, done.findings = reconcile(tables, parts)
    parts.say("files.registered", {"files": done.registered, "findings": len(done.findings)})
    work: list[tuple[BronzeTable, list[Batch]]] = []
    for table in tables.values():
        planned = plan(table.name, parts, rules, choice)
        done.planned += len(planned)
        # The query of open batches may lag behind what was just planned.
        found = {batch.batch_id: batch for batch in every(parts.store, Batch, table.name, open_only=True)}
        found |= {batch.batch_id: batch for batch in planned}
        if found:
            check_token_key(table, parts.settings)
            work.append((table, sorted(found.values(), key=lambda b: (b.created_at, b.batch_id))))
    for table, batches in work:
        parts.catalog.ensure_table(table.rows)
        parts.catalog.ensure_table(table.events)
        for batch in batches:
            _step(batch, table, parts, rules, choice, done)
    return done


def _step(seen: Batch, table: BronzeTable, parts: Parts, rules: Rules, choice: Choice, done: _Pass) -> None:
    """Take a batch as far as it goes now."""
    batch = parts.store.get(Batch, table.name, seen.batch_id)
    if batch is None or not batch.is_open:
        return
    free_at = claim.free_at(batch)
    if free_at is not None:
        if free_at > parts.clock.now():
            done.left.append(free_at)
            return
        batch = _attempt(batch, table, parts, rules, choice)
    done.moved += 1
    if batch is not None and batch.state == "splitting":
        done.left += [child.created_at for child in claim.split(batch, parts)]
        batch = replace(batch, state="split")
    if batch is not None and batch.state == "written":
        batch = _published(batch, table, parts)
    if batch is None or batch.is_open:
        done.left.append((batch and claim.free_at(batch)) or parts.clock.now())
    else:
        done.ended.append(batch)
        parts.say(f"batch.{batch.state}", _fields(batch))


def _attempt(free: Batch, table: BronzeTable, parts: Parts, rules: Rules, choice: Choice) -> Batch | None:
    """Claim a free batch and parse it; give it as it is then, None when another worker has it."""
    overruled = None if choice == "auto" else choice
    held = claim.take(free, secrets.token_hex(8), parts, rules, overruled)
    if held is None or held.state != "claimed":
        return held
    parts.say("batch.claimed", _fields(held))
    try:
        return parse(held, table, parts.engines[held.engine], parts, rules)
    except StaleEpochError:
        parts.say("batch.lost", _fields(held))
        return None
    except NotFoundError as error:
        return _try_again(held, error, parts, rules)
    except (UnavailableError, ThrottledError, UsageError, KeyboardInterrupt) as error:
        _hand_back(held, error, parts, rules)
        raise
    except Exception as error:
        # Whatever a file does to an engine is that batch's misfortune: the others go on.
        return _try_again(held, error, parts, rules)


def _published(written: Batch, table: BronzeTable, parts: Parts) -> Batch | None:
    try:
        return publish(written, table, parts)
    except StaleEpochError:
        parts.say("batch.lost", _fields(written))
        return None


def _try_again(held: Batch, error: Exception, parts: Parts, rules: Rules) -> Batch | None:
    """Give a batch back whose attempt failed by itself; None when another worker has taken it over."""
    problem = describe(error)
    parts.say("attempt.failed", {**_fields(held), "error": problem})
    try:
        return claim.give_back(held, problem, parts, rules, counts=True)
    except StaleEpochError:
        parts.say("batch.lost", _fields(held))
        return None


def _hand_back(held: Batch, error: BaseException, parts: Parts, rules: Rules) -> None:
    """Give a batch back that had no chance; when even that fails, its lease will run out."""
    try:
        claim.give_back(held, describe(error), parts, rules, counts=False)
    except ControlError:
        parts.say("batch.left", _fields(held))


def describe(error: BaseException) -> str:
    """Class and place of an error, and the message if it is one of ours: others' may hold a row's values."""
    if isinstance(error, ControlError):
        return f"{type(error).__name__}: {error.message}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _wait(until: datetime, batches: int, parts: Parts) -> None:
    seconds = max((until - parts.clock.now()).total_seconds(), 0.01)
    parts.say("run.waiting", {"batches": batches, "until": until.isoformat()})
    parts.clock.sleep(min(seconds, POLL_SECONDS))


def _failures(done: list[_Pass]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            code="batch.failed",
            severity="error",
            where=f"{batch.table}, batch {batch.batch_id}",
            message=f"{batch.error}; see `dm files list --state failed` and `dm quarantine list`",
        )
        for one in done
        for batch in one.ended
        if batch.state == "failed"
    )


def _fields(batch: Batch) -> dict[str, object]:
    """What to say of a batch: its counts only once there are some."""
    fields: dict[str, object] = {
        "table": batch.table,
        "batch": batch.batch_id,
        "number": batch.number,
        "epoch": batch.epoch,
        "engine": batch.engine,
        "files": len(batch.file_ids),
        "error": batch.error,
    }
    return {**fields, **asdict(batch.totals)} if batch.counts else fields
