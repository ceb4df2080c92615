"""`spark-submit` against the parser called in this process: the same rows, quarantine and counts."""

import dataclasses
import gzip
import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bronze import contract as contracts
from bronze.parse import Source, parse
from bronze.tokens import key_name
from control.adapters.java import spark_environment
from spark.jobs import ingest

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "contracts" / "bronze" / "profile.yaml"
KEY = "a key for tests"

HEADER = "profile_id,profile_name,email,state"
CSV = f"""{HEADER}
1,stcules,charles04@example.org,AR
2,"john ""m"" michaelsen",,
x3,oline73,rmartinez@example.org,MO
4,"Reidrover,wryan@example.net,KS

5,Grüß,a@example.org
6,grüß,a@example.org,KS
"""


def change(profile_id, operation="insert", **data):
    metadata = {
        "timestamp": "2025-01-03T06:00:00Z",
        "record-type": "data",
        "operation": operation,
        "partition-key-type": "primary-key",
        "schema-name": "public",
        "table-name": "profile",
        "transaction-id": 7,
        "transaction-record-id": 1,
        "commit-timestamp": "2025-01-03T06:00:00.000001Z",
        "stream-position": "0/16B3748",
    }
    row = {"profile_id": profile_id, "profile_name": "n", "email": None, "state": "OH", **data}
    return json.dumps(
        {"data": row if operation != "delete" else {"profile_id": profile_id}, "metadata": metadata}
    )


CONTROL = json.dumps(
    {
        "control": {},
        "metadata": {
            "timestamp": "2025-01-03T06:00:00Z",
            "record-type": "control",
            "operation": "create-table",
            "partition-key-type": "task-id",
            "schema-name": "public",
            "table-name": "profile",
        },
    }
)

FILES = {
    "raw/profile/epoch=1/extract=2/part-0001.csv.gz": CSV.encode(),
    "raw/profile/epoch=1/changes-0001.json.gz": "\n".join(
        [
            CONTROL,
            change(7) + change(8, email="b@example.org"),
            change(9, "delete"),
            change("10"),
            change(11)[:-9],
            change(12, "update", state=None),
        ]
    ).encode(),
    "raw/profile/epoch=1/changes-0002.json.gz": change("13").encode(),
    "raw/profile/epoch=2/part-0002.csv.gz": b"not,the,header\n",
}


@pytest.fixture
def order(s3):
    """Return the order for FILES, all of it in S3."""
    folder = "s3://lake/attempts/profile/b-e1"
    files = []
    for number, (key, text) in enumerate(FILES.items()):
        stored = s3.put_object(Bucket="lake", Key=key, Body=gzip.compress(text, mtime=0))
        files.append(
            {
                "file_id": f"file{number}",
                "uri": f"s3://lake/{key}",
                "version_id": stored["VersionId"],
                "epoch": 2 if "epoch=2" in key else 1,
                "extract": 2 if "extract=2" in key else 1,
                "format": "csv" if ".csv" in key else "json",
            }
        )
    order = {
        "table": "profile",
        "attempt": "b-e1",
        "contract": f"{folder}/contract.yaml",
        "files": files,
        "bronze": "s3://lake/bronze/profile/b-e1",
        "events": "s3://lake/bronze/profile_events/b-e1",
        "quarantine": "s3://lake/quarantine/profile/b-e1",
        "rekeyed": 2,
    }
    put(s3, order["contract"], CONTRACT.read_bytes())
    put(s3, f"{folder}/order.json", json.dumps(order).encode())
    return order


def put(s3, uri, body):
    s3.put_object(Bucket="lake", Key=uri.removeprefix("s3://lake/"), Body=body)


def get(s3, uri):
    return s3.get_object(Bucket="lake", Key=uri.removeprefix("s3://lake/"))["Body"].read()


def spark_submit(environment, folder, *arguments):
    """Run the job as a person would, with the Java from PyPI, outside the repository's root."""
    base = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "SPARK_HOME")}
    variables = spark_environment({**base, **environment, "DM_TOKEN_KEY": KEY}, folder / "java")
    submit = f"{variables['SPARK_HOME']}/bin/spark-submit"
    command = [
        submit,
        "--master",
        "local[2]",
        "--conf",
        "spark.ui.enabled=false",
        str(ROOT / "spark/jobs/ingest.py"),
    ]
    return subprocess.run(
        [*command, *arguments], env=variables, cwd=folder, capture_output=True, text=True, check=False
    )


def in_this_process(order, folder):
    """Return what the parser makes of each file: its report, and the content of its output."""
    contract = contracts.load(CONTRACT)
    for file, text in zip(order["files"], FILES.values(), strict=True):
        out = folder / file["file_id"]
        source = Source(file["file_id"], file["epoch"], file["extract"], file["format"], rekeyed=2)
        packed = folder / "packed.gz"
        packed.write_bytes(gzip.compress(text, mtime=0))
        with packed.open("rb") as stream:
            report = parse(stream, contract, source, out, token_key=KEY.encode())
        written = {
            f"{order[name]}/{path.name}": path
            for name in ("bronze", "events", "quarantine")
            for path in out.glob(f"{name}/*")
        }
        yield report, written


def readable(content):
    """Return the rows of a Parquet file with their types, and any other content unchanged."""
    return pq.read_table(pa.BufferReader(content)) if content.startswith(b"PAR1") else content


def test_spark_writes_what_the_parser_writes_and_the_report_last(order, s3, environment, tmp_path):
    folder = "s3://lake/attempts/profile/b-e1"
    done = spark_submit(
        environment, tmp_path, "--order", f"{folder}/order.json", "--report", f"{folder}/report.json"
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(get(s3, f"{folder}/report.json"))
    report = answer["files"]
    assert answer["token_key"] == key_name(KEY.encode())
    assert [file["file_id"] for file in report] == ["file0", "file1", "file2", "file3"]
    for said, (expected, written) in zip(report, in_this_process(order, tmp_path), strict=True):
        objects = {entry["uri"]: entry["bytes"] for entry in said["objects"]}
        assert {name: said[name] for name in dataclasses.asdict(expected)} == dataclasses.asdict(expected)
        assert objects.keys() == written.keys()
        for uri, path in written.items():
            content = get(s3, uri)
            assert len(content) == objects[uri]
            assert readable(content) == readable(path.read_bytes())
    counts = [(file["records"], file["rows"], file["quarantined"], file["control"]) for file in report]
    assert counts[:3] == [(6, 3, 3, 0), (7, 4, 2, 1), (1, 0, 1, 0)]
    assert report[3]["failure"]
    assert KEY not in done.stdout + done.stderr
    assert "example.org" not in done.stdout + done.stderr


def test_an_invalid_order_ends_the_job_before_spark_starts(tmp_path, capsys):
    path = tmp_path / "order.json"
    path.write_text('{"table": "beer"}')
    arguments = ["--order", path.as_uri(), "--report", (tmp_path / "report.json").as_uri()]
    assert ingest.main(arguments) == 1
    assert "order.json is not an order" in capsys.readouterr().err
    path.unlink()
    assert ingest.main(arguments) == 1
    assert "order.json does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bad_usage_exits_with_2():
    for arguments in (["--order", "file:///nothing"], ["--order", "a", "--order", "b", "--report", "c"]):
        with pytest.raises(SystemExit) as error:
            ingest.main(arguments)
        assert error.value.code == 2
