"""UPDATE, MERGE and DELETE of partitioned tables find the files to replace, whatever the threads do."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from pyiceberg.expressions.visitors import _ManifestEvalVisitor

from localcloud.athena.model import Answer

CREATE = (
    "create table t with (table_type='iceberg', is_external=false, location='LOCATION/t', "
    "partitioning=array['k']) as select 0 as k, 0 as v"
)
PARTITIONS = 6  # and as many manifests; pyiceberg reads six at once on two cores


def test_concurrent_manifest_reads_do_not_mix_up_partitions(
    run: Callable[[str], Answer], rows: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(visitor: Any, **asked: Any) -> bool:
        time.sleep(0.01)
        return original(visitor, **asked)

    original = _ManifestEvalVisitor.visit_equal
    monkeypatch.setattr(_ManifestEvalVisitor, "visit_equal", slowly)
    run(CREATE)
    for k in range(1, PARTITIONS):
        run(f"insert into t values ({k}, 0)")
    for k in reversed(range(PARTITIONS)):  # newest first, so that the last one needs the oldest manifest
        run(f"update t set v = {k} where k = {k}")
    run("delete from t where k = 0 and v = 0")
    assert sorted(rows("select k, v from t")) == [(k, k) for k in range(1, PARTITIONS)]


def test_no_manifest_keeps_entries_of_files_deleted_long_ago(
    run: Callable[[str], Answer], rows: Callable[[str], list[Any]]
) -> None:
    """Each overwrite records the files that it removed; the next one reads these records and drops them."""
    run(CREATE)
    for v in range(1, 6):
        run(f"update t set v = {v}")
    dead = 'select count(*) from "t$manifests" where added_data_files_count + existing_data_files_count = 0'
    assert rows(dead) == [(1,)]
    run("insert into t values (0, 6)")
    assert rows(dead) == [(0,)]
    assert sorted(rows("select v from t")) == [(5,), (6,)]
