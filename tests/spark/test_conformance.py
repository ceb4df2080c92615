"""Every case of tests/bronze/conformance as a Spark job: the same rows and quarantine as from `dm parse`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conformance_cases import TOKEN_KEY, became, cases, difference

from bronze.parse import source_of
from control.adapters.java import spark_environment

ROOT = Path(__file__).parents[2]
CASES = cases()


def ordered(case, folder):
    """Write the raw file, the contract and the order of `case`; return the URIs of order and report."""
    raw = folder / "in" / case.path
    raw.parent.mkdir(parents=True)
    raw.write_bytes(case.raw)
    (folder / "thing.yaml").write_text(case.contract)
    source = source_of(raw.as_posix(), "file")
    file = {"file_id": "file", "uri": uri(raw), "version_id": None, "format": source.format}
    order = {
        "table": "thing",
        "attempt": case.name,
        "contract": uri(folder / "thing.yaml"),
        "files": [
            {**file, "epoch": source.epoch, "extract": source.extract, "position": case.position},
        ],
        **{name: uri(folder / name) for name in ("bronze", "events", "quarantine")},
    }
    (folder / "order.json").write_text(json.dumps(order))
    return ["--order", uri(folder / "order.json"), "--report", uri(folder / "report.json")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a folder for each case, all filled by one Spark application."""
    root = tmp_path_factory.mktemp("conformance")
    made = {case.name: root / case.name for case in CASES}
    arguments = [word for case in CASES for word in ordered(case, made[case.name])]
    base = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "SPARK_HOME")}
    variables = spark_environment({**base, "DM_TOKEN_KEY": TOKEN_KEY}, root / "java")
    submit = [f"{variables['SPARK_HOME']}/bin/spark-submit", "--master", "local[2]"]
    settings = ["--conf", "spark.ui.enabled=false", str(ROOT / "spark/jobs/ingest.py")]
    run = subprocess.run(
        [*submit, *settings, *arguments], env=variables, cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return made


def uri(path):
    """Return a URI as the lake writes it, without escapes."""
    return f"file://{path}"


# One test, so that only one worker starts Spark.
@pytest.mark.timeout(1800)
def test_the_spark_job_follows_every_case(folders):
    wrong = {}
    for case in CASES:
        [file] = json.loads((folders[case.name] / "report.json").read_text())["files"]
        paths = [Path(entry["uri"].removeprefix("file://")) for entry in file["objects"]]
        if found := difference(case, became(file, paths)):
            wrong[case.name] = found
    assert wrong == {}
