"""Random queries (windows, grouping sets, joins, subqueries, lambdas) have the answers of a real Trino."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Asked = dict[str, Any]
HERE = Path(__file__).parent


def test_random_queries_have_trinos_answers(
    ask: Callable[[str], Asked], verdict: Callable[[Asked, Asked], str]
) -> None:
    """`generated_selects.jsonl` has 120 queries of `random_selects.py`, with seed 1130."""
    probes = [json.loads(line) for line in HERE.joinpath("generated_selects.jsonl").read_text().splitlines()]
    assert len(probes) == 120
    found = [(verdict(answer := ask(probe["sql"]), probe), probe, answer) for probe in probes]
    assert [one for one in found if one[0] == "different"] == []
    assert sum(one[0] == "refused" for one in found) <= 2
