"""Every probe gives what a real Trino gave, or is refused by name; never another answer.

`refused.txt` has the numbers of the refused probes of each topic. It may only get shorter: a probe that is
answered must be taken out of it, one that is not in it must be answered, and its length is limited.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
REFUSALS = ("FUNCTION_NOT_FOUND", "NOT_SUPPORTED")


def _close(mine: Any, theirs: Any) -> bool:
    """Equal, but for the last digits of floating-point functions, which libraries round differently."""
    if isinstance(mine, float) and isinstance(theirs, float):
        return mine == theirs or abs(mine - theirs) <= 1e-14 * max(abs(mine), abs(theirs))
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return all(_close(a, b) for a, b in zip(mine, theirs, strict=True))
    return type(mine) is type(theirs) and mine == theirs


def _plain(text: str) -> str:
    """Types differ in spaces, and intervals in capitals, from one Trino client to the next."""
    return text.replace(" ", "").lower()


@pytest.mark.parametrize(("probe", "refused"), PROBES)
def test_a_probe_is_answered_as_trino_answers_it_or_refused(
    probe: dict[str, Any], refused: bool, ask: Callable[[str], dict[str, Any]]
) -> None:
    found = ask(probe["sql"])
    if found.get("error") in REFUSALS and found["error"] != probe.get("error"):
        assert refused, found
        return
    assert not refused, "this is answered now: take it out of refused.txt"
    assert ("error" in found) == ("error" in probe), (found, probe)
    if "error" in probe:
        assert found["error"] == probe["error"], found
        return
    assert [_plain(text) for text in found["types"]] == [_plain(text) for text in probe["types"]]
    assert _close(found["rows"], probe["rows"]), (found["rows"], probe["rows"])


def test_97_of_100_probes_are_answered_and_90_of_100_of_each_topic() -> None:
    """Without the topic of what was wrong once: all of it is answered."""
    probes = {topic: len(found) for topic, found in TOPICS.items() if topic != "regressions"}
    refused = {topic: len(REFUSED.get(topic, ())) for topic in probes}
    assert REFUSED.keys() <= probes.keys()
    assert sum(probes.values()) >= 787
    assert sum(refused.values()) <= 0.03 * sum(probes.values())
    assert {topic: count for topic, count in refused.items() if count > 0.1 * probes[topic]} == {}
