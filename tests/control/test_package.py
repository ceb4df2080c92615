"""The zip for Lambda is small, reproducible and complete: all handlers run from it alone."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import bronze_kernel.build as kernel
from control import package
from control.adapters.s3 import S3Objects
from control.config import Settings
from control.errors import UsageError

ROOT = Path(__file__).parents[2]
# Measured: 111 MiB.
UNPACKED_MB = 120
INVOKE = """
import json, os, sys
sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *(p for p in sys.path if "site-packages" not in p)]
from control import handlers
record = {"eventName": "ObjectCreated:Put", "eventTime": "2026-01-02T03:04:05Z", "s3": {
    "bucket": {"name": os.environ["DM_BUCKET"]}, "object": json.loads(sys.argv[1])}}
message = {"messageId": "m", "body": json.dumps({"Records": [record]})}
failed = handlers.register({"Records": [message]}, None)
done = handlers.ingest({"table": "brewery"}, None)
kept = handlers.retention({"table": "brewery"}, None)
heavy = sorted({"numpy", "pandas"} & sys.modules.keys())
print(json.dumps([failed, done, kept, heavy, handlers.__file__, sys.modules["pyarrow"].__file__]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package for this interpreter, so that it can run here."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return package.package(tmp_path_factory.mktemp("package"), python=version, platform=None)


def test_it_is_small_and_has_no_unneeded_libraries(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        assert sum(entry.file_size for entry in archive.infolist()) < UNPACKED_MB * 2**20
        assert {entry.date_time for entry in archive.infolist()} == {package.EPOCH}
    assert names == sorted(names)
    assert not [name for name in names if name.startswith(("numpy", "pandas"))]
    licensed = {
        name.split("-")[0].lower() for name in names if ".dist-info/" in name and "licen" in name.lower()
    }
    assert {"boto3", "botocore", "pyarrow", "msgspec"} <= licensed


def test_it_contains_the_kernel_for_its_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "install", lambda folder, *_: folder.mkdir())
    for platform, target in (
        ("x86_64-manylinux_2_28", "x86_64-linux-gnu.2.28"),
        ("aarch64-manylinux_2_28", "aarch64-linux-gnu.2.28"),
        (None, kernel.own_target()),
    ):
        with zipfile.ZipFile(package.package(tmp_path, platform=platform)) as archive:
            packed = archive.read("bronze_kernel/kernel.so")
        assert packed == kernel.build(tmp_path / "kernel.so", target).read_bytes()
    with pytest.raises(UsageError, match="no kernel for win_amd64") as refused:
        package.package(tmp_path, platform="win_amd64")
    assert "x86_64-manylinux_2_28" in refused.value.hint


def test_all_handlers_run_from_the_zip_alone(built: Path, cloud: Settings, tmp_path: Path) -> None:
    body = gzip.compress(b"brewery_id,brewery_name\n1,Alpha\nx,refused\n")
    objects = S3Objects(cloud)
    objects.ensure_bucket(cloud.bucket)
    objects.put(f"s3://{cloud.bucket}/raw/brewery/a.csv.gz", body)
    [found] = objects.list(f"s3://{cloud.bucket}/raw/")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "task")
    said = {"key": found.key, "size": found.size_bytes, "eTag": found.etag}
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", INVOKE, json.dumps(said)],
        cwd=tmp_path / "task",
        env={
            "LAMBDA_TASK_ROOT": str(tmp_path / "task"),
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_REGION": cloud.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "DM_BUCKET": cloud.bucket,
            "DM_CONTROL_TABLE": cloud.control_table,
            "DM_SCHEMA_PREFIX": cloud.schema_prefix,
            "DM_TOKEN_KEY": "a key for tests, as long as one has to be",
            "DM_WORKGROUP": "primary",
            **dict.fromkeys(("DM_RAW_DAYS", "DM_BRONZE_DAYS", "DM_QUARANTINE_DAYS"), "0"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    failed, done, kept, heavy, ours, arrow = json.loads(run.stdout)
    assert (failed, done["batches"], done["left"], heavy) == ({"batchItemFailures": []}, 1, 0, [])
    # No model has consumed anything, so nothing may be deleted.
    assert kept == {"tagged": 0, "taken_back": 0, "returned": 0}
    assert ours.startswith(str(tmp_path / "task"))
    assert arrow.startswith(str(tmp_path / "task"))


def test_its_name_is_a_hash_of_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked for our own sources only; the libraries are pinned by hash."""
    monkeypatch.setattr(package, "install", lambda folder, *_: folder.mkdir())
    first, second = (package.package(tmp_path / name) for name in ("one", "two"))
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())
    monkeypatch.setattr(package, "_own", lambda: [("a.txt", ROOT / "LICENSE")])
    another = package.package(tmp_path / "one")
    assert another.name != first.name
    assert list((tmp_path / "one").iterdir()) == [another], (
        "--control-zip dist/lambda/control-*.zip must match one file"
    )


def test_a_zip_too_large_for_lambda_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "install", lambda folder, *_: folder.mkdir())
    monkeypatch.setattr(package, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="unpacks to"):
        package.package(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_it_is_built_for_the_deployed_runtime(environment: str) -> None:
    params = yaml.safe_load((ROOT / "infra" / "params" / f"{environment}.yaml").read_text())
    assert params["FunctionRuntime"] == f"python{package.PYTHON}"
    assert package.PLATFORM.startswith(params["FunctionArchitecture"])


def test_the_uv_of_the_project_is_preferred_to_that_in_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(folder: Path) -> str:
        folder.mkdir(parents=True)
        (folder / "uv").touch(mode=0o755)
        return str(folder / "uv")

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UsageError, match="uv, which fetches the libraries, was not found") as refused:
        package._uv(tmp_path)
    assert "make setup" in refused.value.hint
    for folder in (tmp_path / "bin", tmp_path / ".tools" / "bin"):
        wanted = program(folder)
        assert package._uv(tmp_path) == wanted
