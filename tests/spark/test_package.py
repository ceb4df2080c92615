"""The package for a cluster has all of our code that a task needs to parse a file."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import bronze_kernel.build as kernel
from spark.package import PLATFORM, package

ROOT = Path(__file__).parents[2]
TASK = """
import sys

# What an editable installation adds would find the sources instead.
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
sys.path = [sys.argv[1], *(path for path in sys.path if path not in ("", sys.argv[3]))]
import json
import bronze.parse
import spark.jobs.ingest
from pathlib import Path
from spark.orders import order_from
from spark.transforms.parse_file import parse_file

order = order_from(Path(sys.argv[2]).read_bytes(), sys.argv[2])
contract = Path(order.contract.removeprefix("file://")).read_text()
report = parse_file(order.files[0], order, contract, None)
print(json.dumps([bronze.parse.__file__, spark.jobs.ingest.__file__, report.rows, report.quarantined]))
"""


def test_a_task_needs_only_the_archive(tmp_path: Path) -> None:
    job, archive = package(tmp_path / "job", platform=None)
    assert job.read_bytes() == (ROOT / "spark" / "jobs" / "ingest.py").read_bytes()
    raw = tmp_path / "a.csv.gz"
    raw.write_bytes(gzip.compress(b"brewery_id,brewery_name\n1,Alpha\nx,Beta\n"))
    file = {"file_id": "f", "uri": f"file://{raw}", "version_id": None, "epoch": 1, "extract": 1}
    order = {"table": "brewery", "attempt": "b-e1", "files": [{**file, "format": "csv"}]}
    order["contract"] = f"file://{ROOT}/contracts/bronze/brewery.yaml"
    for name in ("bronze", "events", "quarantine"):
        (tmp_path / name).mkdir()
        order[name] = f"file://{tmp_path}/{name}"
    (tmp_path / "order.json").write_text(json.dumps(order))
    done = subprocess.run(
        [sys.executable, "-c", TASK, str(archive), str(tmp_path / "order.json"), str(ROOT)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    parser, task, rows, quarantined = json.loads(done.stdout)
    assert (rows, quarantined) == (1, 1)
    assert parser.startswith(f"{archive}/")
    assert task.startswith(f"{archive}/")
    assert len(list((tmp_path / "bronze").iterdir())) == 1


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (package(tmp_path / name)[1].read_bytes() for name in ("one", "two"))
    assert first == second


@pytest.mark.parametrize("platform", [PLATFORM, "aarch64-manylinux_2_28"])
def test_the_packaged_kernel_is_built_for_the_platform(platform: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(package(tmp_path, platform=platform)[1]) as archive:
        packed = archive.read("bronze_kernel/kernel.so")
    assert packed == kernel.build(tmp_path / "kernel.so", kernel.target_of(platform)).read_bytes()
