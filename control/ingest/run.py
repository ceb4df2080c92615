"""Run ingestion: finish interrupted work, then register, plan, claim, parse and publish.

One pass looks at every table once and takes one batch of each in turn, so that no table waits for the backlog
of another. A pass finishes any work that it finds half done (an open intent, an expired lease, a written
batch, an unfinished split), so a crash needs no repair other than another run. A table that cannot go on (a
column of another type in the catalog, a missing manifest) becomes a finding, and the other tables go on.
"""

import os
import secrets
import traceback
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Literal

from control.errors import (
    ConflictError,
    ControlError,
    NotFoundError,
    StaleEpochError,
    ThrottledError,
    UnavailableError,
    UsageError,
)
from control.ingest import alerts, claim, keys, strays
from control.ingest.catalog import follow_contract
from control.ingest.files import described
from control.ingest.listing import Known, register_listed
from control.ingest.notices import take_in
from control.ingest.parse import parse
from control.ingest.plan import Choice, plan
from control.ingest.publish import publish, settle
from control.ingest.reload import Reloads
from control.ingest.rules import Rules
from control.ingest.tables import BronzeTable
from control.model import Batch, Finding, Head, RawFile
from control.ports import Notifications, Parts, Shelf, every, occupied

Mode = Literal["once", "until_idle"]
Listing = Literal["always", "when_due"]

# How often a run that waits for another worker's lease looks again.
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `batches` are those that it ended: published, failed or split.

    `left` counts batches that still need work: another worker holds them, or their next attempt is not due.
    """

    registered: int
    batches: tuple[Batch, ...]
    left: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """The parameters of a run; `known` is what it has registered so far."""

    tables: Mapping[str, BronzeTable]
    parts: Parts
    rules: Rules
    choice: Choice
    listing: Listing
    others: Collection[str]
    known: Known = field(default_factory=Known)


@dataclass(slots=True)
class _Pass:
    """What one pass did and saw."""

    registered: int = 0
    planned: int = 0
    ended: list[Batch] = field(default_factory=list)
    moved: int = 0
    listed: bool = False
    # When each remaining batch may be claimed.
    left: list[datetime] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    # What waits is told of the last pass only, what happened of all passes.
    waiting: list[Finding] = field(default_factory=list)
    happened: list[Finding] = field(default_factory=list)
    blocked: dict[str, Finding] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether it found anything to do or left anything."""
        return bool(self.registered or self.planned or self.moved or self.left)

    @contextmanager
    def of(self, table: str) -> Iterator[None]:
        """Work on one table: an error that concerns only this table blocks only it, for this pass."""
        moved = self.moved
        try:
            yield
        except (UnavailableError, ThrottledError, UsageError):
            raise
        except ControlError as error:
            self.moved = moved
            hint = f" ({error.hint})" if error.hint else ""
            self.blocked[table] = Finding("table.blocked", "error", table, f"{error.message}{hint}")


def run(
    tables: Mapping[str, BronzeTable],
    parts: Parts,
    rules: Rules,
    *,
    choice: Choice = "auto",
    mode: Mode = "once",
    queue: Notifications | None = None,
    listing: Listing = "always",
    others: Collection[str] = (),
) -> Outcome:
    """Ingest `tables` in one pass, or in passes until nothing is left to do and nobody holds a batch.

    `others` are tables that also have a contract; their files are left alone and are not strays.
    New files come from `queue` in every pass, if there is one, and from listing the bucket in some passes:
    with `always` in the first and the last; with `when_due`, which needs notifications, if nobody has listed
    it for `relist_seconds`.
    An error of one batch ends that batch's attempt. An error that would affect every batch (a system that
    cannot be reached, a missing key) gives the batch back and is raised.
    """
    done: list[_Pass] = []
    work = _Work(tables, parts, rules, choice, listing, others)
    listed_at = parts.clock.now()
    while True:
        due = (parts.clock.now() - listed_at).total_seconds() >= rules.list_seconds
        idle = bool(done) and not done[-1].busy
        told = take_in(queue, tables, parts, others=others) if queue is not None else 0
        wanted = listing == "always" and (due or idle or not done)
        done.append(_one_pass(work, wanted))
        last = done[-1]
        last.registered += told
        if last.listed:
            listed_at = parts.clock.now()
        if mode == "once" or ((last.listed or listing == "when_due") and not last.busy):
            break
        if not last.moved and last.left:
            _wait(min(last.left), len(last.left), parts)
    findings = next((one.findings for one in reversed(done) if one.listed), ())
    findings = (*findings, *strays.unmentioned(work.known.strays, findings))
    happened = (found for one in done for found in one.happened)
    return Outcome(
        registered=sum(one.registered for one in done),
        batches=tuple(batch for one in done for batch in one.ended),
        left=len(done[-1].left),
        findings=(*findings, *done[-1].waiting, *done[-1].blocked.values(), *happened),
    )


def _one_pass(work: _Work, wanted: bool) -> _Pass:
    """Look at every table; list the bucket if `wanted` or due."""
    done = _Pass(listed=wanted)
    heads = _settled(work, done)
    _register(work, heads, done)
    queues = _queues(work, heads, done)
    while queues:
        for table, batches in queues:
            if table.name not in done.blocked:
                with done.of(table.name):
                    _step(batches.popleft(), table, work, done)
        queues = [(table, left) for table, left in queues if left and table.name not in done.blocked]
    return done


def _settled(work: _Work, done: _Pass) -> Mapping[str, Head]:
    """Return the heads of the tables, after settling open intents and updating the catalog's columns."""
    parts = work.parts
    heads = {head.table: head for head in every(parts.store, Head, "")}
    for table in work.tables.values():
        with done.of(table.name):
            head = heads.get(table.name)
            if head is None and parts.store.create(Head(table.name)):
                head = Head(table.name)
            elif head is None or head.intent is not None:
                head = settle(table.name, parts)
            heads[table.name] = head
            done.listed |= work.listing == "when_due" and _is_due(head, work)
            follow_contract(table, head, parts)
    return heads


def _register(work: _Work, heads: Mapping[str, Head], done: _Pass) -> None:
    """Register the objects in the bucket, if this pass lists it, and report strays."""
    parts = work.parts
    if not done.listed:
        strays.tell(strays.standing(parts), work.known.strays, parts)  # recorded from notifications
        return
    done.registered, done.findings = register_listed(work.tables, parts, work.known, others=work.others)
    if work.listing == "when_due":
        for name in work.tables:
            _note_listed(name, heads.get(name), parts)
    parts.say("files.registered", {"files": done.registered, "findings": len(done.findings)})


def _queues(work: _Work, heads: Mapping[str, Head], done: _Pass) -> list[tuple[BronzeTable, deque[Batch]]]:
    """Return the tables that have open batches, with these batches, after creating them in the catalog."""
    parts = work.parts
    held = occupied(parts.store, [(kind, name, "open") for name in work.tables for kind in (Batch, RawFile)])
    queues = [
        (table, batches)
        for table in work.tables.values()
        if (batches := _open_batches(table, held, work, done))
    ]
    for table, batches in queues:
        with done.of(table.name):
            if table.name in heads and any(batch.needs_work for batch in batches):
                keys.check(table, heads[table.name], parts.settings)
            parts.catalog.ensure_table(table.rows)
            parts.catalog.ensure_table(table.events)
    return queues


def _is_due(head: Head, work: _Work) -> bool:
    """Whether the bucket was never listed for this table, or too long ago."""
    if head.listed_at is None:
        return True
    # `abs`: a time far in the future, from a wrong clock, must not suppress listings.
    since = work.parts.clock.now() - head.listed_at
    return abs(since.total_seconds()) >= work.rules.relist_seconds


def _note_listed(table: str, seen: Head | None, parts: Parts) -> None:
    """Record that the bucket was listed just now; `seen` is the head as last read."""
    while True:
        head = seen or parts.store.get(Head, table, table) or Head(table)
        try:
            parts.store.update(head, replace(head, listed_at=parts.clock.now()))
        except ConflictError:
            seen = None  # something was published meanwhile
            continue
        return


def _open_batches(table: BronzeTable, held: Collection[Shelf], work: _Work, done: _Pass) -> deque[Batch]:
    """Return the batches of `table` that need work, oldest first, including newly planned ones.

    Open batches and raw files are queried only if `held` says that there are some.
    """
    parts, rules = work.parts, work.rules
    found: dict[str, Batch] = {}
    if (Batch, table.name, "open") in held:
        found = {batch.batch_id: batch for batch in every(parts.store, Batch, table.name, place="open")}
    if (RawFile, table.name, "open") in held:
        reloads = Reloads(table.name, parts)
        room = rules.open_batches - sum(batch.needs_work for batch in found.values())
        planned = plan(table.name, parts, rules, work.choice, room, reloads)
        done.waiting += reloads.findings(rules)
        done.happened += reloads.outdated()
        done.planned += len(planned)
        # The index may not have the new batches yet.
        found |= {batch.batch_id: batch for batch in planned}
    return deque(sorted(found.values(), key=lambda batch: (batch.created_at, batch.batch_id)))


def _step(seen: Batch, table: BronzeTable, work: _Work, done: _Pass) -> None:
    """Take a batch as far as possible now."""
    parts, rules = work.parts, work.rules
    batch = parts.store.get(Batch, table.name, seen.batch_id)
    if batch is not None and batch.untold:
        alerts.tell(batch, parts)  # the worker that ended it died before this
    if batch is None or not batch.needs_work:
        return
    now = parts.clock.now()
    free_at = claim.free_at(batch, now, rules)
    if free_at is not None:
        if free_at > now:
            done.left.append(free_at)
            return
        batch = _attempt(batch, table, work)
    done.moved += 1
    if batch is not None and batch.state == "splitting":
        done.left += [child.created_at for child in claim.split(batch, parts)]
        batch = replace(batch, state="split")
    if batch is not None and batch.state == "written":
        batch = _published(batch, table, parts)
    if batch is None or batch.needs_work:
        now = parts.clock.now()
        done.left.append((batch and claim.free_at(batch, now, rules)) or now)
    else:
        done.ended.append(batch)
        alerts.tell(batch, parts)
        if batch.state == "failed":
            done.happened.append(_failure(batch, parts))
        parts.say(f"batch.{batch.state}", _fields(batch))


def _attempt(free: Batch, table: BronzeTable, work: _Work) -> Batch | None:
    """Claim a free batch and parse it; return it in its new state, None if another worker has it."""
    parts, rules = work.parts, work.rules
    overruled = None if work.choice == "auto" else work.choice
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
        # Whatever a file does to an engine affects only its batch: the others go on.
        return _try_again(held, error, parts, rules)


def _published(written: Batch, table: BronzeTable, parts: Parts) -> Batch | None:
    try:
        return publish(written, table, parts)
    except StaleEpochError:
        parts.say("batch.lost", _fields(written))
        return None


def _try_again(held: Batch, error: Exception, parts: Parts, rules: Rules) -> Batch | None:
    """Give a batch back after a failed attempt, which counts; None if another worker has taken it over."""
    problem = describe(error)
    parts.say("attempt.failed", {**_fields(held), "error": problem})
    try:
        return claim.give_back(held, problem, parts, rules, counts=True)
    except StaleEpochError:
        parts.say("batch.lost", _fields(held))
        return None


def _hand_back(held: Batch, error: BaseException, parts: Parts, rules: Rules) -> None:
    """Give a batch back without counting the attempt; if even that fails, its lease will expire."""
    try:
        claim.give_back(held, describe(error), parts, rules, counts=False)
    except ControlError:
        parts.say("batch.left", _fields(held))


def describe(error: BaseException) -> str:
    """Return class and place of an error, with the message only if it cannot contain values of a row.

    That is true for our own errors, and for the system's messages about full disks and the like.
    """
    if isinstance(error, ControlError):
        return f"{type(error).__name__}: {error.message}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    said = f": {os.strerror(error.errno)}" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{said}{place}"


def _wait(until: datetime, batches: int, parts: Parts) -> None:
    seconds = max((until - parts.clock.now()).total_seconds(), 0.01)
    parts.say("run.waiting", {"batches": batches, "until": until.isoformat()})
    parts.clock.sleep(min(seconds, POLL_SECONDS))


def _failure(batch: Batch, parts: Parts) -> Finding:
    where = f"{batch.table}, batch {batch.batch_id}"
    return Finding("batch.failed", "error", where, alerts.of_failure(batch, described(batch, parts)))


def _fields(batch: Batch) -> dict[str, object]:
    """Return the log fields of a batch; its counts only once there are some."""
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
