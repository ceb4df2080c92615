"""Every probe gives what a real Trino gave, or is refused by name; never another answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROBES = [
    pytest.param(probe, id=f"{path.stem}-{number}")
    for path in sorted((Path(__file__).parent / "probes").glob("*.jsonl"))
    for number, probe in enumerate(map(json.loads, path.read_text().splitlines()), 1)
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


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_is_answered_as_trino_answers_it_or_refused(
    probe: dict[str, Any], ask: Callable[[str], dict[str, Any]]
) -> None:
    found = ask(probe["sql"])
    if found.get("error") in REFUSALS:
        return
    assert ("error" in found) == ("error" in probe), (found, probe)
    if "error" in probe:
        assert found["error"] == probe["error"], found
        return
    assert [_plain(text) for text in found["types"]] == [_plain(text) for text in probe["types"]]
    assert _close(found["rows"], probe["rows"]), (found["rows"], probe["rows"])
