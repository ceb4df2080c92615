"""Our events are valid under OpenLineage's JSON Schemas (`openlineage/`, as published, see NOTICE)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client.serde import Serde
from referencing import Registry, Resource

from control.lineage import openlineage
from control.lineage.ask import Hop, graph

SCHEMAS = [json.loads(path.read_text()) for path in Path(__file__).with_name("openlineage").glob("*.json")]
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)
NAMES = openlineage.Names(
    athena="awsathena://athena.us-east-1.amazonaws.com",
    raw="s3://lake",
    source="postgres://db:5432",
    job="lake",
)
HOPS = [
    Hop("source.public.review.score", "raw.review.score", "direct", "score"),
    Hop("raw.review.metadata.operation", "bronze.review._op", "direct", "metadata.operation"),
    Hop("raw.review.email", "bronze.review.email_token", "direct", "hmac_sha256(email)"),
    Hop("bronze.review.score", "gold.best.score", "direct", "AVG(review.score)"),
    Hop("bronze.review._op", "gold.best.score", "indirect", "where review._op <> 'delete'"),
]


def events() -> list[dict[str, Any]]:
    found = openlineage.events(graph(HOPS), NAMES, datetime(2026, 3, 1, tzinfo=UTC), direct_only=False)
    return [json.loads(Serde.to_json(event)) for event in found]


def problems(value: object, schema: str) -> list[str]:
    """Return the errors of `value` under the schema at that address."""
    judge = Draft202012Validator({"$ref": schema}, registry=REGISTRY, format_checker=FormatChecker())
    return [error.message for error in judge.iter_errors(value)]


def problems_of(event: dict[str, Any]) -> list[str]:
    """Return the errors of an event and each of its facets, under the schemas whose addresses they state."""
    found = problems(event, "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent")
    for dataset in (*event["inputs"], *event["outputs"]):
        for facet in dataset.get("facets", {}).values():
            found += problems(facet, facet["_schemaURL"])
    return found


def test_every_event_and_facet_is_valid() -> None:
    found = events()
    assert [event["job"]["name"] for event in found] == ["bronze.review", "gold.best", "raw.review"]
    facets = {name for event in found for name in event["outputs"][0]["facets"]}
    assert facets == {"columnLineage", "schema"}
    assert [problems_of(event) for event in found] == [[], [], []]


@pytest.mark.parametrize("part", ["run", "job", "producer", "eventTime", "schemaURL"])
def test_an_event_without_a_part_is_found(part: str) -> None:
    event = events()[0]
    del event[part]
    assert problems_of(event) == [f"{part!r} is a required property"]


def test_a_wrong_facet_is_found() -> None:
    event = events()[0]
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    del fields["_op"]["inputFields"][0]["field"]
    fields["email_token"]["inputFields"][0]["transformations"][0]["masking"] = "yes"
    assert sorted(problems_of(event)) == ["'field' is a required property", "'yes' is not of type 'boolean'"]
