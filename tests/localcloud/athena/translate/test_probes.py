"""Every probe gives the answer of a real Trino, or is refused by name; never another answer.

`refused.txt` lists the numbers of the refused probes of each topic. It may only get shorter: an answered
probe must be removed from it, a probe that is not in it must be answered, and its length is limited.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[[str], dict[str, Any]]
Verdict = Callable[[dict[str, Any], dict[str, Any]], str]

HERE = Path(__file__).parent
TOPICS = {
    path.stem: [json.loads(line) for line in path.read_text().splitlines()]
    for path in sorted(HERE.joinpath("probes").glob("*.jsonl"))
}
REFUSED = {
    topic: set(map(int, numbers))
    for topic, *numbers in map(str.split, HERE.joinpath("refused.txt").read_text().splitlines())
}
PROBES = [
    pytest.param(probe, number in REFUSED.get(topic, ()), id=f"{topic}-{number}")
    for topic, probes in TOPICS.items()
    for number, probe in enumerate(probes, 1)
]


@pytest.mark.parametrize(("probe", "refused"), PROBES)
def test_a_probe_has_trinos_answer_or_is_refused(
    probe: dict[str, Any], refused: bool, ask: Ask, verdict: Verdict
) -> None:
    found = ask(probe["sql"])
    if refused:
        assert verdict(found, probe) == "refused", "answered now: remove it from refused.txt"
    else:
        assert verdict(found, probe) == "equal", (found, probe)


def test_97_of_100_probes_are_answered_and_90_of_100_of_each_topic() -> None:
    """Except for the topic of past errors, all of which must be answered."""
    probes = {topic: len(found) for topic, found in TOPICS.items() if topic != "regressions"}
    refused = {topic: len(REFUSED.get(topic, ())) for topic in probes}
    assert REFUSED.keys() <= probes.keys()
    assert sum(probes.values()) >= 1700
    assert sum(refused.values()) <= 0.03 * sum(probes.values())
    assert {topic: count for topic, count in refused.items() if count > 0.1 * probes[topic]} == {}
