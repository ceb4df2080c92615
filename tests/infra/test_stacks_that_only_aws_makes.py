"""Network, source, stream and compute: no local service can create them, so every property is checked."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from iam import allows
from needs import Row, at, leaves, problems
from needs_of_network_and_source import NETWORK, REGION, SOURCE
from needs_of_stream_and_compute import CODE, COMPUTE, STREAM
from rendered import ACCOUNT, INFRA, output_settings, render, templates, values

from bronze import contract
from bronze.parse import Report, parse, source_of
from control.adapters import job_runs
from control.config import Settings
from control.deploy import template
from control.orders import OrderFile, WorkOrder
from control.sample import changes
from control.sample.changes import Edit, LogStart

ROWS: dict[str, dict[str, Row]] = {
    "network": NETWORK,
    "source": SOURCE,
    "stream": STREAM,
    "compute": COMPUTE,
}


def wrong(of: Mapping[str, template.Template] | None = None, *names: str) -> list[str]:
    """Return how the rendered stacks differ from their rows, with Spark on EMR and with Spark on Glue."""
    found: dict[str, None] = {}
    for spark in ("emr", "glue"):
        given = values("prod") | {"Spark": spark}
        for name, resources in render(given, of).items():
            if name in (names or ROWS):
                found |= dict.fromkeys(_of_stack(name, resources, given))
    return list(found)


def _of_stack(name: str, resources: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    for key, resource in resources.items():
        if key not in ROWS[name]:
            yield f"{name}.{key} has no row"
            continue
        for problem in problems(resource["Properties"], ROWS[name][key], given):
            yield f"{name}.{key}{problem}"


def test_every_property_of_every_resource_is_what_the_code_needs() -> None:
    assert wrong() == []


def test_every_row_belongs_to_an_existing_resource() -> None:
    assert {name: list(rows) for name, rows in ROWS.items()} == {
        name: list(templates()[name].resources) for name in ROWS
    }


# Careless edits of a template: file, old text, new text.
PLANTED = [
    ("stream", '"${Project}-${Environment}-changes"', '"${Project}-${Environment}-events"'),
    ("stream", "raw/!{partitionKeyFromQuery:table}/", "landing/!{partitionKeyFromQuery:table}/"),
    ("stream", "raw/!{partitionKeyFromQuery:table}/", "raw/changes/!{partitionKeyFromQuery:table}/"),
    ("stream", ".json.gz", ".csv.gz"),
    ("stream", "CompressionFormat: GZIP", "CompressionFormat: Snappy"),
    ("stream", '.metadata."table-name"', '.metadata."schema-name"'),
    ("stream", "{table: .metadata", "{name: .metadata"),
    ("stream", 'ParameterValue: "\\\\n"', 'ParameterValue: " "'),
    ("stream", "/raw/*", "/landed/*"),
    ("stream", "SizeInMBs: !Ref DeliveryMb", "SizeInMBs: !Ref DeliverySeconds"),
    ("source", "IncludeTransactionDetails: true", "IncludeTransactionDetails: false"),
    ("source", "IncludeNullAndEmpty: true", "IncludeNullAndEmpty: false"),
    ("source", "IncludeControlDetails: true\n", "\n"),
    ("source", '"EnableBeforeImage": true', '"EnableBeforeImage": false'),
    ("source", '"FieldName": "before-image"', '"FieldName": "before"'),
    ("source", '"ColumnFilter": "all"', '"ColumnFilter": "pk-only"'),
    ("source", '"DataErrorPolicy": "STOP_TASK"', '"DataErrorPolicy": "LOG_ERROR"'),
    ("source", '"table-name": "profile"', '"table-name": "profiles"'),
    (
        "source",
        '"schema-name": "public", "table-name": "beer"',
        '"schema-name": "shop", "table-name": "beer"',
    ),
    ("source", "json-unformatted", "json"),
    ("source", "full-load-and-cdc", "cdc"),
    ("source", 'rds.logical_replication: "1"', 'rds.logical_replication: "0"'),
    ("source", "PluginName: pglogical", "PluginName: test_decoding"),
    ("source", "MaxCapacity: !Ref SourceMaxAcu", "MaxCapacity: !Ref SourceMinAcu"),
    ("network", "FromPort: 5432", "FromPort: 5433"),
    ("network", "kinesis-streams", "kinesis-firehose"),
    ("network", "${NetworkOctets}.16.0/20", "10.99.16.0/20"),
    ("network", "PrivateDnsEnabled: true", "PrivateDnsEnabled: false"),
    ("compute", 'test -z "$MAINTENANCE_MINUTES"', 'test -n "$MAINTENANCE_MINUTES"'),
    ("compute", 'test -n "$MAINTENANCE_MINUTES" || ', ""),
    ("compute", "maintain run --unless-busy", "maintain run"),
    ("compute", ' --minutes "$MAINTENANCE_MINUTES"', ""),
    ("compute", "{Name: MAINTENANCE_MINUTES,", "{Name: MINUTES,"),
    ("compute", "Name: DM_BUCKET", "Name: LAKE_BUCKET"),
    ("compute", "- {Name: DM_SCHEMA_PREFIX, Value: !Ref SchemaPrefix}\n", "\n"),
    ("compute", "spark.executorEnv.DM_TOKEN_KEY", "spark.executorEnv.TOKEN_KEY"),
    ("compute", "/ingest.py", "/main.py"),
    ("compute", "/ingest.zip", "/bronze.zip"),
    ("compute", "${Bucket}/${ProjectCodeKey}", "${Bucket}/project.zip"),
    ("compute", "#runtime", "#python"),
    ("compute", '"${Project}-${Environment}-dbt"', '"${Project}-${Environment}-build"'),
    ("compute", "/${Project}-${Environment}/spark", "/${Project}-${Environment}/emr"),
    ("compute", "--target prod", "--target production"),
    ("compute", ".ci/uv.txt", "requirements.txt"),
    ("compute", "ConcurrentBuildLimit: 1", "ConcurrentBuildLimit: 2"),
    ("compute", "isal==1.9.1", "isal==1.7.0"),
    ("compute", "MaxRetries: 0", "MaxRetries: 3"),
]


@pytest.mark.parametrize(("name", "there", "instead"), PLANTED)
def test_a_planted_change_is_found(name: str, there: str, instead: str, tmp_path: Path) -> None:
    text = (INFRA / "templates" / f"{name}.yaml").read_text()
    assert there in text
    (tmp_path / f"{name}.yaml").write_text(text.replace(there, instead, 1))
    changed = {**templates(), **template.read(tmp_path)}
    assert wrong(changed, name)


def test_removing_or_changing_any_needed_property_is_found() -> None:
    """Every line of every row can fail: no check accepts anything that it is given."""
    for spark in ("emr", "glue"):
        given = values("prod") | {"Spark": spark}
        for name, resources in render(given).items():
            for key in ROWS.get(name, {}) & resources.keys():
                row, properties = ROWS[name][key], resources[key]["Properties"]
                for path in row.needs:
                    for planted in (_without(properties, path), _changed(properties, path)):
                        assert list(problems(planted, row, given)), f"{name}.{key}{path}"


def _without(properties: Mapping[str, Any], path: str) -> dict[str, Any]:
    whole, holder, step = _opened(properties, path)
    del holder[step]
    return whole


def _changed(properties: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a copy in which the first value at a path is different."""
    whole, holder, step = _opened(properties, path)
    value = holder[step]
    if isinstance(value, dict | list):
        inner = next(path for path in leaves(value) if not path.endswith(("/Sid", "/rule-id")))
        above, _, last = inner.rpartition("/")
        holder = at(value, above) if above else value
        step = int(last) if isinstance(holder, list) else last
        value = holder[step]
    holder[step] = not value if isinstance(value, bool) else f"{value}-" if isinstance(value, str) else -1
    return whole


def _opened(properties: Mapping[str, Any], path: str) -> tuple[dict[str, Any], Any, Any]:
    """Return a copy with JSON parsed along the path, the container of the last step, and that step."""
    whole = json.loads(json.dumps(properties))
    holder, steps = whole, path.strip("/").split("/")
    for step in steps[:-1]:
        found = holder[int(step)] if isinstance(holder, list) else holder[step]
        if isinstance(found, str):
            holder[step] = found = json.loads(found)
        holder = found
    return whole, holder, int(steps[-1]) if isinstance(holder, list) else steps[-1]


REVIEW = {
    **{"review_id": 1, "brewery_id": 1, "beer_id": 1, "profile_id": 1, "review_time": 1234817823},
    **{"review_overall": 4.5, "review_aroma": None, "review_appearance": 4.0, "review_palate": 4.0},
    "review_taste": 4.0,
}


def _written() -> dict[str, Any]:
    """Return a change as DMS writes it with the settings of the template: the key changed from 2 to 1."""
    edit = Edit("review", "update", REVIEW, {**REVIEW, "review_id": 2})
    start = LogStart(0x16B3748, 7, datetime(2026, 1, 2, tzinfo=UTC))
    [change] = changes.commit([(edit,)], start, Random(1))
    written: dict[str, Any] = json.loads(changes.change_line(change))
    return written


def _parsed(record: Mapping[str, Any], out: Path) -> tuple[Report, str]:
    """Parse a record; return the report and the key before the change."""
    written = contract.load(INFRA.parent / "contracts/bronze/review.yaml")
    source = source_of("raw/review/2026/01/01/part.json.gz", "f")
    out.mkdir()
    body = gzip.compress(json.dumps(record).encode() + b"\n")
    report = parse(BytesIO(body), written, source, out, token_key=b"key")
    tables = [pq.read_table(file).to_pylist() for file in sorted((out / "bronze").glob("*.parquet"))]
    rows = [row for table in tables for row in table]
    return report, rows[0]["_key_before"] if rows else ""


def test_the_parser_needs_every_capture_setting(tmp_path: Path) -> None:
    """Without one setting of `CaptureTo` or `CaptureTask`, records are refused or lose the old key."""
    whole, before = _parsed(_written(), tmp_path / "whole")
    assert (whole.rows, whole.quarantined) == (1, 0)
    assert json.loads(before or "null") == {"review_id": 2}

    record = _written()  # IncludeTransactionDetails
    record["metadata"] = {
        key: value
        for key, value in record["metadata"].items()
        if not re.search("transaction|commit|stream", key)
    }
    assert _parsed(record, tmp_path / "transaction")[0].quarantined == 1

    record = _written()  # IncludeNullAndEmpty
    record["data"] = {key: value for key, value in record["data"].items() if value is not None}
    assert _parsed(record, tmp_path / "null")[0].quarantined == 1

    record = _written()  # BeforeImageSettings
    image = record.pop("before-image")
    assert not _parsed(record, tmp_path / "before")[1] or _parsed(record, tmp_path / "again")[0].quarantined
    record["before"] = image
    assert _parsed(record, tmp_path / "name")[1] != before


def test_a_spark_run_may_read_its_code_and_write_its_log() -> None:
    """A run may do what both its role and its session policy allow."""
    file = OrderFile("f", "s3://lake/raw/review/a.json.gz", None, 1, 1, "json")
    folders = (f"s3://lake/{folder}/review/b1-e1" for folder in ("bronze", "events", "quarantine"))
    order = WorkOrder("review", "b1-e1", "s3://lake/attempts/b1-e1/contract.yaml", (file,), *folders)
    settings = output_settings(values("prod"))
    policy: Any = job_runs.session_policy(order, settings["DM_SPARK_JOB"])

    def allowed(action: str, resource: str) -> bool:
        return any(
            action in one["Action"] and any(fnmatchcase(resource, where) for where in one["Resource"])
            for one in policy["Statement"]
        ) and allows("SparkRole", action, resource, of="prod")

    application = render(values("prod"))["compute"]["SparkApplication"]["Properties"]
    archive = application["RuntimeConfiguration"][0]["Properties"]["spark.archives"].partition("#")[0]
    for uri in (archive, f"{settings['DM_SPARK_JOB']}/ingest.py", f"{settings['DM_SPARK_JOB']}/ingest.zip"):
        assert allowed("s3:GetObject", f"arn:aws:s3:::{uri.removeprefix('s3://')}"), uri
    group = render(values("prod"))["compute"]["SparkLog"]["Properties"]["LogGroupName"]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"):
        assert allowed(action, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:s"), action
    assert not allowed("s3:GetObject", f"arn:aws:s3:::{CODE}/project/p.zip")
    assert not allowed("s3:GetObject", "arn:aws:s3:::lake/raw/beer/a.json.gz")


@pytest.mark.parametrize("spark", ["emr", "glue"])
def test_the_stack_outputs_are_all_the_settings_that_spark_needs(spark: str) -> None:
    found = job_runs.service(
        Settings(endpoint="http://127.0.0.1:9"), output_settings(values("prod") | {"Spark": spark})
    )
    assert type(found).__name__ == {"emr": "EmrServerless", "glue": "GlueJob"}[spark]
