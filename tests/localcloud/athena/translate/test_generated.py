"""Random expressions over all functions: never an answer that is not Trino's, or an error of DuckDB's own.

`generated.jsonl` has 400 expressions of `random_expressions.py`, with the answers of the Trino that
`probes/recorded.json` names; the normal suite runs 50 of them.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
SWEEP = int(os.environ.get("SWEEP", "1"))
REFUSED_AT_MOST = 25

Asked = dict[str, Any]
Ask = Callable[[str], Asked]
Verdict = Callable[[Asked, Asked], str]


def test_random_expressions_have_trinos_answers(ask: Ask, verdict: Verdict) -> None:
    probes = [json.loads(line) for line in HERE.joinpath("generated.jsonl").read_text().splitlines()]
    assert len(probes) == 400
    probes = probes if SWEEP > 1 else probes[::8]
    found = [(verdict(answer := ask(probe["sql"]), probe), probe, answer) for probe in probes]
    assert [one for one in found if one[0] == "different"] == []
    assert sum(one[0] == "refused" for one in found) <= REFUSED_AT_MOST


@pytest.mark.parametrize("seed", range(SWEEP))
def test_random_expressions_raise_no_error_of_duckdbs_own(seed: int, ask: Ask, generate: ModuleType) -> None:
    for sql in generate.statements(1000 + seed, 20):
        assert "DuckDB:" not in ask(sql).get("message", ""), sql


@pytest.mark.parametrize("seed", range(SWEEP))
def test_a_call_has_the_same_answer_over_constants_columns_keys_and_aggregates(
    seed: int, ask: Ask, generate: ModuleType
) -> None:
    """Constants are folded before the query runs: other paths through the translation and through DuckDB."""
    generator, compared = generate.Generator(2000 + seed), 0
    for rule in (rule for rule in generate.RULES if rule.takes.parameters):
        try:
            constant, others = generator.readings(rule)
        except LookupError:  # no value of an argument's type
            continue
        wanted = ask(constant)
        for sql in others:
            answer = ask(sql)
            if answer.get("error") == "NOT_SUPPORTED":
                continue
            compared += 1
            assert _comparable(answer) == _comparable(wanted), (constant, sql)
    assert compared > 1500


def _comparable(answer: Asked) -> object:
    return answer.get("error") or repr((answer["types"], answer["rows"]))
