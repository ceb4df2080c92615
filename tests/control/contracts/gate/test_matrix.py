"""The gate compared with the verdicts in `matrix/`: no false alarm, no miss, exactly the needed bump."""

import copy
from collections import Counter
from datetime import date
from typing import Any

import pytest
import yaml
from mutations import cases, trees

from control.contracts.gate.change import greatest, worst
from control.contracts.gate.judge import Judgement, Terms, judge
from control.contracts.gate.tree import of

CASES = cases()
TERMS = Terms(waivers=(), exposures={}, today=date(2026, 6, 1))
RAISED = {"none": "1.4.3", "minor": "1.5.0", "major": "2.0.0"}


def gate(base: dict[str, Any], head: dict[str, Any]) -> Judgement:
    texts = [
        {file: yaml.dump(c, Dumper=yaml.CSafeDumper, sort_keys=False).encode() for file, c in tree.items()}
        for tree in (base, head)
    ]
    return judge(of("base/", texts[0]), of("head/", texts[1]), TERMS)


def raised(head: dict[str, Any], case: dict[str, Any], bump: str) -> dict[str, Any]:
    found = copy.deepcopy(head)
    for file in (case["file"], case.get("copy", {}).get("to")):
        if file in found and "version" not in case.get("set", {}):
            found[file]["version"] = RAISED[bump]
    return found


def test_the_matrix_has_three_mutations_for_each_kind() -> None:
    counts = Counter(case["kind"] for case in CASES)
    assert len(CASES) >= 60
    assert min(counts.values()) >= 3, counts


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['case']}")
def test_the_verdict_is_that_of_the_engineer(case: dict[str, Any]) -> None:
    base, head = trees(case)
    changes = [f.change for f in gate(base, head).findings if f.change.code != "deprecation-missing"]
    shown = [(c.code, c.path, c.producers, c.consumers) for c in changes]
    if case.get("silent"):
        assert shown == []
        return
    assert len(changes) == case.get("findings", 1), shown
    assert worst([c.producers for c in changes]) == case["producers"], shown
    assert worst([c.consumers for c in changes]) == case["consumers"], shown
    needs = "waiver" if any(c.needs_waiver for c in changes) else greatest([c.bump for c in changes])
    assert needs == case["bump"], shown


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if not c.get("delete") and c.get("bump") != "waiver"],
    ids=lambda case: f"{case['kind']}: {case['case']}",
)
def test_exactly_the_needed_bump_is_enough(case: dict[str, Any]) -> None:
    base, head = trees(case)
    needed = case.get("bump", "none")
    bumps = list(RAISED)
    for bump in bumps:
        enough = bumps.index(bump) >= bumps.index(needed)
        assert gate(base, raised(head, case, bump)).ok == enough, bump
