"""SQL/JSON paths give the answers of a real Trino, and those of a slow second opinion."""

import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.athena.translate.jsonpaths import nodes, parser, straight

HERE = Path(__file__).parent
SWEEP = int(os.environ.get("SWEEP", "1"))
OFTEN = settings(
    max_examples=100 * SWEEP,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Asked = dict[str, Any]
Ask = Callable[[str], Asked]
Verdict = Callable[[Asked, Asked], str]


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


random_paths, judge = _beside("random_paths"), _beside("path_judge")


def test_random_calls_have_trinos_answers(ask: Ask, verdict: Verdict) -> None:
    """`generated_paths.jsonl` has 400 calls of `random_paths.py`; the normal suite runs 80 of them."""
    probes = [json.loads(line) for line in HERE.joinpath("generated_paths.jsonl").read_text().splitlines()]
    assert len(probes) == 400
    probes = probes if SWEEP > 1 else probes[::5]
    found = [(verdict(answer := ask(probe["sql"]), probe), probe, answer) for probe in probes]
    assert [one for one in found if one[0] == "different"] == []
    assert sum(one[0] == "refused" for one in found) <= 0.05 * len(probes)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.sampled_from(("", "a", "ab", "x", "2.5", -0.5, 2.5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)


@OFTEN
@given(seed=st.integers(0, 10**6), documents=st.lists(_VALUES, min_size=1, max_size=4))
def test_a_path_finds_what_the_second_opinion_finds(seed: int, documents: list[Any], ask: Ask) -> None:
    path = random_paths.Generator(seed).path()
    try:
        wanted = [_opinion(path, document) for document in documents]
    except NotImplementedError:
        return
    rows = ", ".join(f"({at}, '{json.dumps(document)}')" for at, document in enumerate(documents))
    call = f"json_query(x, '{path}' with wrapper empty array on empty empty object on error)"
    answer = ask(f"select {call} from (values {rows}) t(i, x) order by i")
    if answer.get("error") in ("NOT_SUPPORTED", "INVALID_PATH"):
        return
    assert [json.loads(row[0]) for row in answer["rows"]] == wanted, (path, documents)


_STEPS = st.lists(st.sampled_from((".a", ".b", ".c", '."1"', "[0]", "[1]")), min_size=1, max_size=4)
_CALLS = (
    "json_query(x, '{}' with wrapper empty array on empty empty object on error)",
    "json_value(x, '{}' default 'nothing' on empty default 'wrong' on error)",
    "json_exists(x, '{}' unknown on error)",
)
_KEYED = st.recursive(
    st.sampled_from((None, True, 7, -0.5, "x", "a,]", "Info")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc1"), inner, max_size=3),
    max_leaves=10,
)


@OFTEN
@given(
    mode=st.sampled_from(("lax", "strict")), steps=_STEPS, documents=st.lists(_KEYED, min_size=1, max_size=5)
)
def test_the_shortcut_for_plain_steps_equals_step_by_step_evaluation(
    mode: str, steps: list[str], documents: list[Any], ask: Ask
) -> None:
    rows = ", ".join(f"({at}, '{json.dumps(document)}')" for at, document in enumerate(documents))
    calls = ", ".join(call.format(f"{mode} ${''.join(steps)}") for call in _CALLS)
    sql = f"select {calls} from (values {rows}) t(i, x) order by i"
    straight_on = ask(sql)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(straight, "steps", lambda _: None)
        assert ask(sql) == straight_on
    assert "rows" in straight_on


def _opinion(path: str, document: Any) -> Any:
    """Return what JSON_QUERY gives with a wrapper: a list, or an object where the path fails."""
    try:
        found = judge.evaluate(parser.parse(path), document)
    except judge.PathFailedError:
        return {}
    if any(isinstance(item, float) and not math.isfinite(item) for item in found):
        raise NotImplementedError("refused")
    return found


@pytest.mark.parametrize(
    ("path", "at", "message"),
    [
        ("$.a", 0, "mismatched input '$' expecting {'lax', 'strict'}"),
        ("LAX $.a", 0, "mismatched input 'LAX' expecting {'lax', 'strict'}"),
        ("lax $.a foo", 8, "mismatched input 'foo' expecting <EOF>"),
        ("lax $.a.", 8, "mismatched input '<EOF>' expecting {IDENTIFIER, STRING}"),
        ("lax $[1 to]", 10, "no viable alternative at input ']'"),
        ("lax $?(@.a = 1)", 11, "mismatched input '=' expecting {'==', '<>', '!=', '<', '>', '<=', '>='}"),
        ("lax $?(!@.a == 1)", 8, "mismatched input '@' expecting {'(', 'exists'}"),
        ("lax $.foo()", 6, "mismatched input '(' expecting <EOF> after foo"),
        ("lax 99999999999999999999", 4, "Invalid numeric literal: 99999999999999999999"),
    ],
)
def test_an_invalid_path_has_the_position_of_its_error(path: str, at: int, message: str) -> None:
    with pytest.raises(parser.PathError) as failed:
        parser.parse(path)
    assert (str(failed.value), failed.value.at) == (message, at)


def test_a_bad_path_fails_before_any_row_is_read(ask: Ask) -> None:
    found = ask("select json_value(x, 'lax $.a b') from (values '{}') t(x) where false")
    assert found["error"] == "SYNTAX_ERROR"
    assert "line 1:31:" in found["message"]


def test_operators_have_trinos_precedence() -> None:
    a = nodes.Member(nodes.Root(), "a")
    minus, two = nodes.Signed("-", a), nodes.Constant(2)
    assert parser.parse("lax -$.a % 2 - 2").node == nodes.Arithmetic(
        "-", nodes.Arithmetic("%", minus, two), two
    )
    assert parser.parse("lax 2 -2").node == nodes.Arithmetic("-", two, two)


def test_a_keyword_after_a_dot_is_a_name() -> None:
    found = parser.parse("strict $.last.size.exists").node
    assert found == nodes.Member(nodes.Member(nodes.Member(nodes.Root(), "last"), "size"), "exists")


def test_try_does_not_catch_a_refusal(ask: Ask) -> None:
    """TRY turns failures caused by a value into null, and no refusal."""
    found = ask("""select try(json_value(x, 'lax $.a')) from (values '{"a":1,"a":2}') t(x)""")
    assert found["error"] == "NOT_SUPPORTED"
