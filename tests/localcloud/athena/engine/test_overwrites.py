"""UPDATE, MERGE and DELETE of partitioned tables find the files that they replace, whatever threads do."""

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
PARTITIONS = 6  # as many manifests; pyiceberg looks at six at once on two cores


def test_no_overwrite_takes_the_partitions_of_another_manifest_for_those_of_its_own(
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
    for k in reversed(range(PARTITIONS)):  # the newest first: whoever asks last has the oldest
        run(f"update t set v = {k} where k = {k}")
    run("delete from t where k = 0 and v = 0")
    assert sorted(rows("select k, v from t")) == [(k, k) for k in range(1, PARTITIONS)]


def test_what_is_long_gone_is_told_by_no_manifest(
    run: Callable[[str], Answer], rows: Callable[[str], list[Any]]
) -> None:
    """Each overwrite tells of the files that it took away; the next one reads and keeps that no more."""
    run(CREATE)
    for v in range(1, 6):
        run(f"update t set v = {v}")
    dead = 'select count(*) from "t$manifests" where added_data_files_count + existing_data_files_count = 0'
    assert rows(dead) == [(1,)]
    run("insert into t values (0, 6)")
    assert rows(dead) == [(0,)]
    assert sorted(rows("select v from t")) == [(5,), (6,)]
