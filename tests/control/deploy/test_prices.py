"""The estimate adds up known prices and names what it does not know."""

from pathlib import Path

import pytest

from control.deploy import parameters, prices, template
from control.deploy.template import Template

INFRA = Path(__file__).parents[3] / "infra"
TABLE = prices.read(INFRA / "prices.yaml")


def test_every_price_has_a_public_source_and_a_date() -> None:
    for price in TABLE.known:
        assert price.source.startswith("https://"), price.what
        assert price.seen.year >= 2026


def test_a_price_depends_on_its_parameter_and_its_threshold() -> None:
    stream = Template("stream", {"Resources": {"S": {"Type": "AWS::Kinesis::Stream"}}})
    day = prices.estimate([stream], {"StreamShards": "2", "StreamHours": "24"}, TABLE)
    assert [(line.what, line.dollars) for line in day] == [("shard", pytest.approx(2 * 730 * 0.015))]
    week = prices.estimate([stream], {"StreamShards": "2", "StreamHours": "168"}, TABLE)
    assert prices.total(week) == pytest.approx(2 * 730 * (0.015 + 0.02))


def test_an_alarm_costs_by_the_metrics_it_reads() -> None:
    read = {"MetricStat": {"Stat": "Sum"}}
    sum_of_two = {"Metrics": [{"Expression": "a + b"}, {"Id": "a"} | read, {"Id": "b"} | read]}
    alarms = {
        "One": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
        "Two": {"Type": "AWS::CloudWatch::Alarm", "Properties": sum_of_two},
    }
    [line] = prices.estimate([Template("o", {"Resources": alarms})], {}, TABLE)
    assert (line.count, line.dollars) == (3, pytest.approx(0.30))


def test_a_resource_without_a_price_is_reported_not_counted_as_free() -> None:
    queue = Template("q", {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}, "R": {"Type": "AWS::IAM::Role"}}})
    [line] = prices.estimate([queue], {}, TABLE)
    assert (line.what, line.dollars) == ("AWS::SQS::Queue", None)


def test_a_resource_whose_condition_does_not_hold_costs_nothing() -> None:
    content = {
        "Conditions": {"On": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mail"}, ""]}]}},
        "Resources": {"K": {"Type": "AWS::KMS::Key", "Condition": "On"}},
    }
    assert prices.estimate([Template("k", content)], {"Mail": ""}, TABLE) == ()
    assert prices.total(prices.estimate([Template("k", content)], {"Mail": "a@b"}, TABLE)) == 1.0


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_type_is_priced_free_or_reported_as_unknown(environment: str) -> None:
    templates = template.read(INFRA / "templates")
    values = parameters.of_environment(INFRA, environment)
    lines = prices.estimate(templates.values(), values, TABLE)
    told = {line.what for line in lines if line.dollars is None}
    known = {price.type for price in TABLE.known} | TABLE.free
    assert told.isdisjoint(known)
    assert prices.total(lines) > 0
