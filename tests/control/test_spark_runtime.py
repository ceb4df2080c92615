"""The library archive for Spark on EMR is reproducible and has all that a task imports besides Spark."""

import gzip
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from control import package, spark_runtime
from spark import package as job

ROOT = Path(__file__).parents[2]
# As on EMR: an interpreter without libraries, the archive unpacked in the working folder, the job's archive.
TASK = """
import json, sys
sys.path[:] = [*sys.argv[1:3], *sys.path]
import pyarrow
from pathlib import Path
from pyarrow.fs import S3FileSystem
from spark.orders import order_from
from spark.transforms.parse_file import parse_file

order = order_from(Path(sys.argv[3]).read_bytes(), sys.argv[3])
report = parse_file(order.files[0], order, Path(order.contract.removeprefix("file://")).read_text(), None)
print(json.dumps([pyarrow.__file__, S3FileSystem.__name__, report.rows, report.quarantined]))
"""


def test_a_task_runs_with_only_the_archive_and_the_job(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    built = spark_runtime.archive(tmp_path / "built", python=version, platform=None)
    with tarfile.open(built) as tar:
        assert {entry.mtime for entry in tar.getmembers()} == {0}
        tar.extractall(tmp_path / "runtime", filter="data")
    job.package(tmp_path / "job", platform=None)
    raw = tmp_path / "a.csv.gz"
    raw.write_bytes(gzip.compress(b"brewery_id,brewery_name\n1,Alpha\nx,Beta\n"))
    file = {"file_id": "f", "uri": f"file://{raw}", "version_id": None, "epoch": 1, "extract": 1}
    order = {"table": "brewery", "attempt": "b-e1", "files": [{**file, "format": "csv"}]}
    order["contract"] = f"file://{ROOT}/contracts/bronze/brewery.yaml"
    for name in ("bronze", "events", "quarantine"):
        (tmp_path / name).mkdir()
        order[name] = f"file://{tmp_path}/{name}"
    (tmp_path / "order.json").write_text(json.dumps(order))
    paths = [str(tmp_path / "job" / "ingest.zip"), str(tmp_path / "runtime"), str(tmp_path / "order.json")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", TASK, *paths],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    arrow, s3, rows, quarantined = json.loads(done.stdout)
    assert arrow.startswith(str(tmp_path / "runtime"))
    assert (s3, rows, quarantined) == ("S3FileSystem", 1, 1)


def test_its_name_is_a_hash_of_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(folder: Path, *_: object) -> None:
        folder.mkdir()
        (folder / "isal.py").write_text(content)

    monkeypatch.setattr(package, "install", install)
    content = "one"
    first, second = (spark_runtime.archive(tmp_path / name) for name in ("a", "b"))
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())
    content = "two"
    another = spark_runtime.archive(tmp_path / "a")
    assert another.name != first.name
    assert list((tmp_path / "a").iterdir()) == [another], "--spark-runtime …/runtime-*.tar.gz must match one"


@pytest.mark.parametrize("maker", [package, spark_runtime])
def test_a_missing_uv_is_reported(tmp_path: Path, monkeypatch, capsys, maker) -> None:
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["make", str(tmp_path / "built")])
    assert maker.main() == 2
    assert capsys.readouterr().err.startswith(
        "error: uv, which fetches the libraries, was not found\n  try: run make"
    )


def test_it_is_built_for_the_architecture_and_python_in_the_template() -> None:
    text = (ROOT / "infra" / "templates" / "compute.yaml").read_text()
    assert f"PYSPARK_PYTHON: python{spark_runtime.PYTHON}\n" in text
    assert "Architecture: X86_64" in text
    assert spark_runtime.PLATFORM.startswith("x86_64")
