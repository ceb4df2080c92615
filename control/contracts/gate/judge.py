"""Judge whether the contracts of a head may replace those of a base, and what is missing if not."""

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import PurePosixPath
from typing import Literal

from control.contracts.gate import header, registry, side, tree
from control.contracts.gate.change import BUMPS, Bump, Change, Difference, Verdict, greatest
from control.contracts.gate.compare import compare
from control.contracts.gate.registry import Downstream, Lineage, Reader, Through
from control.contracts.gate.side import Side
from control.contracts.gate.tree import Pair, Tree
from control.contracts.gate.waivers import Waiver, expired
from control.contracts.load import announced_end, custom
from control.contracts.model import Finding
from control.contracts.source import Mark
from control.errors import ContractError

# Below this many contracts, starting processes costs more than it saves (0.5 s against 20 ms a contract).
_WORTH_PROCESSES = 100
_CHUNK = 20

State = Literal["fine", "open", "waived"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A change with its place, the readers that it concerns, and whether it has what it needs.

    `relations` are the tables and views that the contract describes. `through` are the readers that only
    lineage knows. `versions` are the contract's before and after. A change is `open` while it lacks the
    version bump or the waiver that it needs.
    """

    table: str
    file: str
    mark: Mark
    change: Change
    consumers: tuple[str, ...]
    versions: tuple[str, str]
    state: State
    waiver: Waiver | None = None
    relations: tuple[str, ...] = ()
    through: tuple[Through, ...] = ()

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of all readers that the change concerns."""
        return tuple(dict.fromkeys((*self.consumers, *(reader.name for reader in self.through))))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate found; `ok` when nothing is open. `required_bump` ignores waived findings."""

    findings: tuple[Judged, ...]
    unused: tuple[Waiver, ...] = ()
    compared: int = 0

    @property
    def ok(self) -> bool:
        """Whether every finding has what it needs."""
        return all(found.state != "open" for found in self.findings)

    @property
    def required_bump(self) -> Bump:
        """The greatest version bump that a finding needs."""
        return greatest([f.change.bump for f in self.findings if f.state != "waived"])


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a judgement: waivers, exposures by dbt model, the day, whether ends must be announced."""

    waivers: tuple[Waiver, ...]
    exposures: Mapping[str, Sequence[Reader]]
    today: date
    require_deprecation: bool = False


def judge(base: Tree, head: Tree, terms: Terms, lineage: Lineage | None = None) -> Judgement:
    """Compare every contract of `base` with that of `head`; with `lineage`, include indirect readers.

    Raises ContractError, naming every place, when a changed contract cannot be read.
    """
    pairs = tree.pairs(base, head)
    jobs = [_Job.of(pair, base, head) for pair in pairs]
    found: list[Judged] = []
    broken: list[Finding] = []
    for judged, findings in _compared([job for job in jobs if job.differs], terms):
        found += judged
        broken += findings
    if broken:
        raise _unreadable(broken)
    if lineage:
        downstream = Downstream(lineage, (base, head), terms.exposures)
        found = [_reaching(downstream, judged) for judged in found]
    found += [_expired(waiver) for waiver in expired(terms.waivers, terms.today)]
    return Judgement(tuple(sorted(found, key=_order)), tuple(_unused(found, terms)), len(pairs))


@dataclass(frozen=True, slots=True)
class _Job:
    """A pair with the shown names and the contents of both its files (empty for a file that is absent)."""

    pair: Pair
    files: tuple[str, str]
    contents: tuple[bytes, bytes]

    @classmethod
    def of(cls, pair: Pair, base: Tree, head: Tree) -> "_Job":
        files = (base.shown(pair.before or pair.after), head.shown(pair.after or pair.before))
        return cls(pair, files, (base.files.get(pair.before, b""), head.files.get(pair.after, b"")))

    @property
    def differs(self) -> bool:
        return self.pair.before != self.pair.after or self.contents[0] != self.contents[1]


_Outcome = tuple[list[Judged], list[Finding]]


def _compared(jobs: Sequence[_Job], terms: Terms) -> Iterator[_Outcome]:
    compare_one = functools.partial(_outcome, terms=terms)
    if len(jobs) < _WORTH_PROCESSES:
        yield from map(compare_one, jobs)
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from pool.map(compare_one, jobs, chunksize=_CHUNK)


def _outcome(job: _Job, terms: Terms) -> _Outcome:
    """Return the judged changes of a pair, or why it cannot be compared."""
    before, after = job.contents
    # A contract that is in one tree only is compared with itself.
    contents = (before or after, after or before)
    sides, findings = side.read(job.files, contents)
    findings = findings or (side.explain(job.files[1], after) if not before else _unversioned(sides[1]))
    if findings:
        return [], findings
    try:
        return list(_pair(job.pair, sides[0], sides[1], terms)), []
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        findings = side.explain(job.files[0], contents[0])
        if not findings:
            raise
        return [], findings


def _reaching(downstream: Downstream, judged: Judged) -> Judged:
    if judged.change.severity == "compatible":
        return judged
    through = downstream.of(judged.relations, judged.change.columns)
    return replace(judged, through=tuple(t for t in through if t.name not in judged.consumers))


def _pair(pair: Pair, base: Side, head: Side, terms: Terms) -> Iterator[Judged]:
    readers = registry.named([base.data, head.data])
    models = {PurePosixPath(pair.before or pair.after).stem}
    models |= {
        str(s.custom[key]) for s in (base, head) for key in ("stateTable", "liveView") if s.custom.get(key)
    }
    readers += [reader for model in sorted(models) for reader in terms.exposures.get(model, ())]
    relations = tuple(f"{PurePosixPath(pair.before or pair.after).parent.name}.{m}" for m in sorted(models))
    versions = (str(base.data.get("version")), str(head.data.get("version")))
    table, changes = pair.table, list(_changes(pair, base, head))
    # A waiver of a breaking change also waives its announcement.
    changes += _ends([c for c in changes if not _waived(table, c, terms)], base, terms)
    for change in changes:
        consumers = () if change.severity == "compatible" else registry.using(readers, change.columns)
        state: State = "fine" if _enough(change, versions) or _over(change, base, terms.today) else "open"
        waiver = _waived(table, change, terms) if state == "open" else None
        state = "waived" if waiver else state
        mark = head.mark(change.place)
        file = head.document.file
        yield Judged(table, file, mark, change, consumers, versions, state, waiver, relations)


def _waived(table: str, change: Change, terms: Terms) -> Waiver | None:
    """Return the waiver of `change` that has not expired."""
    covering = (w for w in terms.waivers if w.covers(table, change.code, change.path))
    return next((w for w in covering if w.expires >= terms.today), None)


def _unused(found: Sequence[Judged], terms: Terms) -> Iterator[Waiver]:
    """Yield the waivers that cover no finding, apart from expired ones."""
    for waiver in terms.waivers:
        about = any(waiver.covers(f.table, f.change.code, f.change.path) for f in found)
        if not about and waiver.expires >= terms.today:
            yield waiver


def _changes(pair: Pair, base: Side, head: Side) -> Iterator[Change]:
    if not pair.before:
        message = "a contract is added: nobody relied on it before"
        yield Difference("", None, str(head.data.get("version"))).judged("table-added", message)
        return
    if not pair.after:
        draft = base.data.get("status") in ("proposed", "draft")
        verdict: Verdict = "risky" if draft else "breaking"
        message = "the contract is removed: readers lose the table; deprecate it first, with an end"
        yield Difference("", pair.before, None).judged("table-removed", message, consumers=verdict)
        return
    if pair.before != pair.after:
        message = (
            f"the table is renamed, its contract is now {pair.after}: readers no longer find the old name"
        )
        difference = Difference("", pair.before, pair.after)
        yield difference.judged("table-renamed", message, consumers="breaking")
    yield from compare(base, head, layer=pair.layer)


def _ends(changes: Sequence[Change], base: Side, terms: Terms) -> list[Change]:
    """Return what is missing in the announcements of changes that break readers."""
    breaking = [
        c for c in changes if c.consumers == "breaking" and not c.needs_waiver and c.code != "end-announced"
    ]
    if not breaking:
        return []
    announced = [(change, _end(base, change)) for change in breaking]
    early = [(change, end) for change, end in announced if end and end > terms.today]
    if early:
        change, end = min(early, key=lambda item: str(item[1]))
        message = (
            f"{change.code} comes before {end}, the announced end: readers planned for that day; "
            "wait, or waive it"
        )
        difference = Difference(change.path, str(end), str(terms.today), change.place, change.columns)
        return [difference.judged("deprecation-early", message, consumers="breaking", needs_waiver=True)]
    silent = [change for change, end in announced if end is None]
    if not silent:
        return []
    what = ", ".join(dict.fromkeys(change.code for change in silent))
    message = (
        f"no end was announced before {what}: release a version that keeps the old form and states "
        "deprecation (announced, ends) in customProperties, and make this change on that day"
    )
    difference = Difference("deprecation", None, None, ("customProperties",), _columns(silent))
    needs_waiver = terms.require_deprecation
    return [difference.judged("deprecation-missing", message, consumers="risky", needs_waiver=needs_waiver)]


def _columns(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return the columns that `changes` concern; empty when one concerns the table as a whole."""
    whole_table = any(not change.columns for change in changes)
    return () if whole_table else tuple(dict.fromkeys(c for change in changes for c in change.columns))


def _end(base: Side, change: Change) -> date | None:
    """Return the end that the old contract announced for what `change` removes."""
    own = base.own
    columns = [own[name] for name in change.columns if name in own]
    days = [announced_end(stated) for stated in (*(c.custom for c in columns), custom(base.data))]
    return next((day for day in days if day), None)


@functools.cache
def _raised(before: str, after: str) -> Bump:
    """Return the bump between two versions; an invalid version counts as lower than any other."""
    old, new = header.parts(before), header.parts(after)
    if new is None:
        return "none"
    if old is None or new[0] > old[0]:
        return "major"
    return "minor" if new[:2] > old[:2] else "none"


def _enough(change: Change, versions: tuple[str, str]) -> bool:
    if change.needs_waiver:
        return False
    if change.code in ("table-added", "table-removed"):
        return change.code == "table-added"
    return BUMPS.index(change.bump) <= BUMPS.index(_raised(*versions))


def _over(change: Change, base: Side, today: date) -> bool:
    """Whether a table is removed on or after the day that its contract announced."""
    end = _end(base, change)
    return change.code == "table-removed" and end is not None and end <= today


def _expired(waiver: Waiver) -> Judged:
    message = (
        f"the waiver of {waiver.owner} for {waiver.code} expired on {waiver.expires}: fix the "
        "finding or renew the waiver"
    )
    change = Difference(waiver.path, str(waiver.expires), None).judged(
        "waiver-expired", message, producers="breaking", consumers="breaking", needs_waiver=True
    )
    return Judged(waiver.table, waiver.file, Mark(waiver.line, 1), change, (), ("", ""), "open")


def _unversioned(head: Side) -> list[Finding]:
    version = head.data.get("version")
    if isinstance(version, str) and header.parts(version):
        return []
    message = f"version {version!r} is not major.minor.patch: write for example 1.0.0"
    return [head.document.finding("version-invalid", ("version",), message)]


def _unreadable(findings: Sequence[Finding]) -> ContractError:
    listed = "\n".join(f"{f.file}:{f.line}:{f.column}: {f.code}: {f.message}" for f in findings)
    count = len({f.file for f in findings})
    return ContractError(
        f"{count} contract{'s' if count > 1 else ''} cannot be compared:\n{listed}",
        hint="fix these lines; dm contract lint shows the rest",
    )


def _order(found: Judged) -> tuple[bool, int, str, int]:
    severities = ("breaking", "risky", "compatible")
    return found.state != "open", severities.index(found.change.severity), found.table, found.mark.line
