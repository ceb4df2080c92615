"""All allowed parameter values give valid templates; any other value is refused before a call is made."""

import os
import re
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.rules import RulesCollection
from cfnlint.runner import Runner
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rendered import FILLED_IN, INFRA, render, templates, values

from control.cli.deploy import command
from control.deploy import parameters
from control.deploy.template import Template
from control.errors import UnavailableError, UsageError

SWEEP = int(os.environ.get("SWEEP", "1"))
REGION = "eu-west-1"
KNOWN = parameters.declared(templates())
BOUNDED = sorted(name for name, one in KNOWN.items() if one["Type"] == "Number" or "AllowedValues" in one)
# Nothing listens here, so the first call raises UnavailableError.
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}


def _allowed(name: str, one: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """Draw an allowed value of a parameter, its bounds more often than others."""
    if name in FILLED_IN:
        return st.just(FILLED_IN[name])
    if "AllowedValues" in one:
        return st.sampled_from([parameters._text(item) for item in one["AllowedValues"]])
    if one["Type"] == "Number":
        step = parameters.step_of(one)
        least, most = int(one["MinValue"] / step), int(one["MaxValue"] / step)
        counts = st.sampled_from([least, most]) | st.integers(least, most)
        return counts.map(lambda count: parameters._text(float(count * step)))
    return st.from_regex(re.compile(one["AllowedPattern"], re.ASCII), fullmatch=True)


ALLOWED = st.fixed_dictionaries({name: _allowed(name, one) for name, one in KNOWN.items()}).filter(
    lambda found: not list(parameters.disordered(found))
)


def drawn(count: int) -> list[dict[str, str]]:
    """Return `count` random sets of allowed values."""
    found: list[dict[str, str]] = []

    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(ALLOWED)
    def draw(one: dict[str, str]) -> None:
        found.append(one)

    draw()
    return found


def linted(one: Template, rules: RulesCollection, sets: list[dict[str, str]]) -> list[str]:
    """Return what cfn-lint reports for a template with these sets of values."""
    given_values = [parameters.of_template(one, found) for found in sets]
    said = lint(one.body, rules, config=ManualArgs(regions=[REGION], parameters=given_values))
    return sorted({f"{one.name}: {match.rule.id} {match.message}" for match in said})


@pytest.fixture(scope="module")
def rules() -> RulesCollection:
    found: RulesCollection = Runner(ConfigMixIn(regions=[REGION])).rules
    return found


@settings(max_examples=25 * SWEEP)
@given(ALLOWED)
def test_any_allowed_values_are_accepted_and_every_function_is_resolved(given_values: dict[str, str]) -> None:
    parameters.judge(given_values, KNOWN)
    for stack, resources in render(given_values).items():
        for key, found in resources.items():
            assert "Fn::" not in repr(found["Properties"]), f"{stack}.{key}"
            assert "'Ref'" not in repr(found["Properties"]), f"{stack}.{key}"


def test_cfn_lint_accepts_any_allowed_values(rules: RulesCollection) -> None:
    """cfn-lint resolves each reference to each value and checks that. Each run covers half the templates."""
    sets = [*(values(name) for name in ("dev", "staging", "prod")), *drawn(20 * SWEEP)]
    count = len(templates()) if SWEEP > 1 else len(templates()) // 2
    chosen = Random().sample(sorted(templates()), count)
    print(f"linted: {' '.join(chosen)}")
    assert [said for name in chosen for said in linted(templates()[name], rules, sets)] == []


def test_a_bound_wider_than_the_limit_of_aws_is_found(rules: RulesCollection) -> None:
    beyond = values("dev") | {"StreamHours": "9000"}
    assert "greater than the maximum of 8760" in str(
        linted(templates()["stream"], rules, [values("dev"), beyond])
    )


def _outside(one: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """Draw a value that a bounded parameter does not allow."""
    if "AllowedValues" in one:
        allowed = {parameters._text(item) for item in one["AllowedValues"]}
        return st.text(st.characters(codec="ascii", categories=["L", "N", "P"])).filter(
            lambda text: text not in allowed
        )
    low, high, step = one["MinValue"], one["MaxValue"], parameters.step_of(one)
    return st.one_of(
        st.integers(-(10**15), int(low - step)).map(str),
        st.integers(int(high + step), 10**19).map(str),
        st.sampled_from(
            ["", "nan", "inf", "1e3", "0x10", "-", "many", "1,000", f"{low}.", f"{low + step / 4}"]
        ),
    )


@settings(max_examples=60 * SWEEP)
@given(st.sampled_from(BOUNDED).flatmap(lambda name: st.tuples(st.just(name), _outside(KNOWN[name]))))
def test_any_other_value_is_refused_with_its_name_and_bounds(found: tuple[str, str]) -> None:
    name, value = found
    with pytest.raises(UsageError) as refused:
        parameters.judge(values("dev") | {name: value}, KNOWN)
    line = next(line for line in refused.value.message.splitlines() if line.startswith(f"  {name}="))
    one = KNOWN[name]
    bounds = one.get("AllowedValues") or [one["MinValue"], one["MaxValue"]]
    assert all(parameters._text(bound) in line for bound in bounds)
    assert one["Description"] in line


@pytest.mark.parametrize("name", BOUNDED[:: len(BOUNDED) // 2])
def test_a_value_is_refused_before_any_call(name: str) -> None:
    """On the command line, a valid value gets as far as the first call."""
    arguments = ["plan", "dev", "storage", "--infra", str(INFRA), "--set"]

    def outcome(value: str) -> BaseException | None:
        return CliRunner().invoke(command, [*arguments, f"{name}={value}"], env=NOWHERE).exception

    assert isinstance(outcome(values("dev")[name]), UnavailableError)
    refused = outcome("-1")
    assert isinstance(refused, UsageError)
    assert "nothing was called" in refused.message


def test_a_minimum_may_not_exceed_its_maximum() -> None:
    with pytest.raises(UsageError, match="SourceMinAcu=8: is above SourceMaxAcu=4"):
        parameters.judge(values("dev") | {"SourceMinAcu": "8", "SourceMaxAcu": "4"}, KNOWN)


@pytest.mark.parametrize(("name", "value"), [("StreamShards", "1.5"), ("SourceMinAcu", "0.7")])
def test_a_fraction_of_a_whole_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"{name}={value}: is not a (whole number|multiple of 0\.5)"):
        parameters.judge(values("dev") | {name: value}, KNOWN)
