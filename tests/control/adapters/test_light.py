import errno
import gzip
import io
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from raising import raising

from bronze.tokens import key_name
from control.adapters import light
from control.adapters.light import LightEngine
from control.adapters.memory import MemoryObjects
from control.adapters.parquet import event_kinds
from control.errors import ConflictError, ContractError, UnavailableError, UsageError
from control.orders import OrderFile, Report, WorkOrder
from control.serialization import from_json

ROOT = Path(__file__).parents[3]
PAPERS = "s3://lake/attempts/brewery/b-e1"
CSV = b"brewery_id,brewery_name\n1,Alpha\nx,Beta\n3,Gamma\n"
CHANGE = (
    b'{"control":{},"metadata":{"timestamp":"2025-01-03T06:00:00Z","record-type":"control",'
    b'"operation":"add-column","partition-key-type":"task-id","schema-name":"s","table-name":"brewery"}}\n'
)


def order(*suffixes: str) -> WorkOrder:
    files = tuple(
        OrderFile(f"f{n}", f"s3://lake/raw/brewery/f{n}.{suffix}.gz", None, 1, 1, suffix)  # type: ignore[arg-type]
        for n, suffix in enumerate(suffixes)
    )
    return WorkOrder(
        table="brewery",
        attempt="b-e1",
        contract=f"{PAPERS}/contract.yaml",
        files=files,
        bronze="s3://lake/bronze/brewery/b-e1",
        events="s3://lake/bronze/brewery_events/b-e1",
        quarantine="s3://lake/quarantine/brewery/b-e1",
    )


@pytest.fixture
def objects() -> MemoryObjects:
    objects = MemoryObjects()
    contract = (ROOT / "contracts" / "bronze" / "brewery.yaml").read_bytes()
    objects.put(f"{PAPERS}/contract.yaml", contract)
    return objects


def test_rows_events_and_refused_lines_go_to_the_orders_folders(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    objects.put("s3://lake/raw/brewery/f1.json.gz", gzip.compress(CHANGE))
    report = LightEngine(objects, b"").run(order("csv", "json"), lambda: None)
    first, second = report.files
    assert (first.records, first.rows, first.quarantined, first.control) == (3, 2, 1, 0)
    assert (second.records, second.rows, second.quarantined, second.control) == (1, 0, 0, 1)
    rows = pq.read_table(io.BytesIO(objects.get("s3://lake/bronze/brewery/b-e1/f0-00000.parquet")))
    assert rows.column("brewery_name").to_pylist() == ["Alpha", "Gamma"]
    assert set(rows.column("_file_id").to_pylist()) == {"f0"}
    events = objects.get("s3://lake/bronze/brewery_events/b-e1/f1.parquet")
    assert event_kinds(events) == {"add-column": 1}
    assert b"type:brewery_id" in objects.get("s3://lake/quarantine/brewery/b-e1/f0.jsonl")
    sizes = {o.uri: o.size_bytes for o in objects.list("s3://lake/") if "/b-e1/f" in o.uri}
    assert {o.uri: o.bytes for file in report.files for o in file.objects} == sizes


def test_the_report_is_kept_with_the_attempt(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    report = LightEngine(objects, b"").run(order("csv"), lambda: None)
    assert from_json(Report, objects.get(f"{PAPERS}/report.json"), "report") == report


@pytest.mark.parametrize(
    ("number", "free", "raised"),
    [
        (errno.ENOSPC, 0, UnavailableError),
        (errno.ENOSPC, 10 * light.SPARE_BYTES, OSError),  # only this file was too large
        (errno.EMFILE, 10 * light.SPARE_BYTES, UnavailableError),
        (errno.EIO, 0, OSError),
    ],
)
def test_a_machine_problem_is_not_blamed_on_the_file(objects, monkeypatch, number, free, raised) -> None:
    monkeypatch.setattr(light, "parse_file", raising(OSError(number, "row 4711")))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    with pytest.raises(raised) as caught:
        LightEngine(objects, b"").run(order("csv"), lambda: None)
    assert caught.type is raised
    if raised is UnavailableError:
        assert caught.value.message.endswith(f": {os.strerror(number)}")


def test_a_missing_temporary_folder_is_reported(objects, monkeypatch) -> None:
    full = raising(FileNotFoundError(errno.ENOENT, "No usable temporary directory found"))
    monkeypatch.setattr(tempfile, "gettempdir", full)
    with pytest.raises(UnavailableError, match="temporary files"):
        LightEngine(objects, b"").run(order("csv"), lambda: None)


def test_a_truncated_file_is_reported_as_refused_and_has_no_rows(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV)[:-4])
    (file,) = LightEngine(objects, b"").run(order("csv"), lambda: None).files
    assert file.failure is not None
    assert file.rows == 0
    assert [o.uri.split("/")[3] for o in file.objects] == ["quarantine"]


def test_reading_sends_heartbeats_and_their_errors_stop_the_engine(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    stop = raising(InterruptedError("taken over"))
    with pytest.raises(InterruptedError, match="taken over"):
        LightEngine(objects, b"").run(order("csv"), stop)


def test_an_unreadable_contract_is_reported_by_its_uri(objects) -> None:
    objects.put(f"{PAPERS}/contract.yaml", b"kind: nothing")
    with pytest.raises(ContractError, match="brewery/b-e1"):
        LightEngine(objects, b"").run(order(), lambda: None)


def test_a_missing_token_key_is_a_usage_error(objects) -> None:
    contract = (ROOT / "contracts" / "bronze" / "profile.yaml").read_bytes()
    objects.put(f"{PAPERS}/contract.yaml", contract)
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    with pytest.raises(UsageError):
        LightEngine(objects, b"").run(order("csv"), lambda: None)


def test_the_report_names_the_key_and_rows_count_its_changes(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    engine = LightEngine(objects, b"a key")
    revisions = []
    for rekeyed in (0, 2):
        report = engine.run(replace(order("csv"), rekeyed=rekeyed), lambda: None)
        rows = pq.read_table(io.BytesIO(objects.get("s3://lake/bronze/brewery/b-e1/f0-00000.parquet")))
        revisions += set(rows.column("_rev").to_pylist())
    assert report.token_key == key_name(b"a key")
    assert LightEngine(objects, b"").run(order("csv"), lambda: None).token_key is None
    assert revisions[1] - revisions[0] == 2 * 10**9


def test_limits_on_a_raw_file_come_with_the_order(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    (file,) = (
        LightEngine(objects, b"").run(replace(order("csv"), limits={"line_bytes": 6}), lambda: None).files
    )
    assert file.failure == "header"
    engine = LightEngine(objects, b"")
    (file,) = engine.run(replace(order("csv"), limits={"inflated_bytes": 10}), lambda: None).files
    assert (file.failure, file.rows) == ("too_large", 0)


def test_content_overwritten_after_registration_is_not_read(objects) -> None:
    objects.put("s3://lake/raw/brewery/f0.csv.gz", gzip.compress(CSV))
    wanted = order("csv")
    pinned = replace(wanted, files=(replace(wanted.files[0], etag="another"),))
    with pytest.raises(ConflictError, match="overwritten"):
        LightEngine(objects, b"").run(pinned, lambda: None)
