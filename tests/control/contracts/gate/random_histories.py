"""Random histories of a contract: compare the gate's verdict on each step with what was observed."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import ModuleType
from typing import Any

import raw_evidence
import table_evidence
from allowances import MILDER, NO_ROW_SHOWS, Step
from evidence import Evidence
from random_contracts import FILES, Draft, Layer, draft, dumped, is_valid
from random_edits import EDITS, Edit, edited, versioned

from control.contracts.gate import judge, tree

TODAY = date(2026, 6, 1)
STEPS = 4
SIDES = ("producers", "consumers")
_RANKS = {"compatible": 0, "risky": 1, "breaking": 2}
# Return the findings of the gate for two texts of a contract.
Gate = Callable[[str, str, Layer], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class History:
    """The versions of a contract and their texts; the edits and the observed differences of each step."""

    versions: tuple[Draft, ...]
    texts: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...]
    evidence: tuple[Evidence, ...]


@cache
def history(seed: int, layer: Layer | None = None, only: tuple[Edit, ...] = ()) -> History:
    """Return the history of a seed, with a random layer and random edits unless they are given."""
    chance = random.Random(seed)
    layer = layer or chance.choice(tuple(FILES))
    made = draft(chance, layer)
    while not is_valid(made):
        made = draft(chance, layer)
    versions, edits, found = [made], [], []
    for _ in range(STEPS):
        made, names = edited(
            made, chance, 1 if only else chance.choice((1, 1, 1, 2, 4)), only or EDITS[layer]
        )
        versioned(made := made.copy(), chance)
        versions.append(made)
        edits.append(tuple(names))
    of = raw_evidence.evidence if layer == "bronze" else table_evidence.evidence
    for before, after in itertools.pairwise(versions):
        found.append(of(before, after, chance))
    texts = tuple(dumped(one.data) for one in versions)
    return History(tuple(versions), texts, tuple(edits), tuple(found))


def gate(judging: ModuleType = judge, trees: ModuleType = tree) -> Gate:
    """Return the gate, or one with a planted bug."""
    terms = judging.Terms(waivers=(), exposures={}, today=TODAY)

    def judged(before: str, after: str, layer: Layer) -> Sequence[Any]:
        base, head = (trees.of("", {FILES[layer]: text.encode()}) for text in (before, after))
        findings: Sequence[Any] = judging.judge(base, head, terms).findings
        return findings

    return judged


def complaints(told: History, judged: Gate) -> Iterator[str]:
    """Yield every way in which the gate is wrong about the history."""
    pairs = itertools.combinations(range(len(told.versions)), 2)
    layer = told.versions[0].layer
    found = {(one, two): judged(told.texts[one], told.texts[two], layer) for one, two in pairs}
    for at, evidence in enumerate(told.evidence):
        step = Step(*told.versions[at : at + 2], evidence, tuple(found[at, at + 1]))
        false = _false(step) if len(told.edits[at]) == 1 else ()
        for wrong in (*_missed(step), *_let_pass(step), *false):
            yield f"step {at} ({', '.join(told.edits[at])}): {wrong}"
    yield from _in_steps(told, found)


def _missed(step: Step) -> Iterator[str]:
    """Yield observed differences that the gate does not report, or reports as milder than they are."""
    for one in step.evidence.seen:
        sides = SIDES if one.side == "either" else (one.side,)
        verdict = max((step.verdict(side) for side in sides), key=_RANKS.__getitem__)
        milder = any(holds(one, step) for holds in MILDER.values())
        if _RANKS[verdict] < _RANKS["risky" if milder else one.weight]:
            yield f"missed: {one} is {verdict}; the gate says {step.told()}"


def _let_pass(step: Step) -> Iterator[str]:
    """Yield observed differences that need a higher version than that of a step which the gate accepts."""
    if any(found.state == "open" for found in step.findings):
        return
    old, new = (tuple(map(int, one.data["version"].split("."))) for one in (step.before, step.after))
    raised = 2 if new[0] > old[0] else 1 if new[:2] > old[:2] else 0
    for one in step.evidence.seen:
        milder = any(holds(one, step) for holds in MILDER.values())
        if raised < _RANKS["risky" if milder else one.weight]:
            yield f"let pass from {old} to {new}: {one}; the gate says {step.told()}"


def _false(step: Step) -> Iterator[str]:
    """Yield what the gate reports although no row shows it."""
    for side in SIDES:
        for found in step.findings:
            change = found.change
            if getattr(change, side) == "compatible" or step.evidence.about(side):
                continue
            if not all(step.evidence.shown):
                continue  # a contract that accepts no rows
            if not any(holds(change, side, step) for holds in NO_ROW_SHOWS.values()):
                yield f"false alarm: {change.code} is {getattr(change, side)} for {side}, of {change.path}"


def _in_steps(told: History, found: Mapping[tuple[int, int], Sequence[Any]]) -> Iterator[str]:
    """Yield changes that the gate refuses at once but accepts in steps."""
    worst = {pair: _worst(findings) for pair, findings in found.items()}
    for (one, two), at_once in worst.items():
        withdrawn = any(version.data["status"] == "draft" for version in told.versions[one:two])
        for side in ("all",) if withdrawn else at_once:
            most = max(worst[at, at + 1][side] for at in range(one, two))
            if most < at_once[side]:
                verdicts = f"{at_once[side]} for {side}, the steps at most {most}"
                yield f"in steps: versions {one} to {two} are {verdicts}"


def _worst(findings: Sequence[Any]) -> dict[str, int]:
    changes = [found.change for found in findings if not found.change.code.startswith("deprecation-")]
    found = {side: max((_RANKS[getattr(one, side)] for one in changes), default=0) for side in SIDES}
    return found | {"all": max(found.values())}
