"""UNLOAD on the DuckDB engine: rows become files, and no table is left."""

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer, Context
from localcloud.athena.objects import listing
from localcloud.athena.statements import unload
from localcloud.athena.statements.nodes import Unload
from localcloud.athena.statements.parse import parse

Run = Callable[[str], Answer]


@pytest.fixture
def start(engine: DuckDb, catalog: Catalog, database: str) -> Run:
    """Return a function that runs one UNLOAD; LOCATION stands for the database's folder."""

    def start(sql: str) -> Answer:
        node = parse(sql.replace("LOCATION", f"s3://lake/{database}")).node
        assert isinstance(node, Unload)
        return unload.run(node, catalog, engine, Context(database, query_id="0a1b-2c"))

    return start


def _files(catalog: Catalog, database: str, folder: str) -> list[str]:
    return [found.uri for found in listing(catalog.s3, f"s3://lake/{database}/{folder}")]


def test_the_rows_of_a_query_become_files(start: Run, catalog: Catalog, database: str, tmp_path: Any) -> None:
    answer = start(
        "unload (select count(*), ')' as s from (values 1, 2) t(a)) to 'LOCATION/out/' "
        "with (format = 'PARQUET', compression = 'snappy')"
    )
    assert (answer.statement_type, answer.substatement_type, answer.count) == ("DML", "UNLOAD", 1)
    (uri,) = _files(catalog, database, "out")
    assert answer.manifest == (uri,)
    catalog.s3.download_file("lake", uri.removeprefix("s3://lake/"), str(tmp_path / "rows"))
    found = pq.ParquetFile(tmp_path / "rows")
    assert found.read().to_pylist() == [{"_col0": 2, "s": ")"}]
    assert found.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert [table.name for table in catalog.tables(database)] == []


def test_a_query_needs_no_database_of_its_own(engine: DuckDb, catalog: Catalog, database: str) -> None:
    node = parse(f"unload (select 1 as a) to 's3://lake/{database}/out/' with (format = 'JSON')").node
    assert isinstance(node, Unload)
    assert unload.run(node, catalog, engine, Context("nowhere", query_id="1-2")).count == 1
    assert len(_files(catalog, database, "out")) == 1
    assert [table.name for table in catalog.tables(database)] == []


def test_lines_of_json_are_compressed(start: Run, catalog: Catalog, database: str) -> None:
    start("unload (select 1 as a) to 'LOCATION/out/' with (format = 'JSON')")
    start("unload (select 1 as a) to 'LOCATION/plain/' with (format = 'JSON', compression = 'none')")
    (uri,), (plain,) = _files(catalog, database, "out"), _files(catalog, database, "plain")
    assert uri.endswith(".gz")
    assert "." not in plain.rpartition("/")[2]


def test_partitions_become_folders(start: Run, catalog: Catalog, database: str) -> None:
    start(
        "unload (select * from (values (1, 'x'), (2, 'y')) t(a, k)) to 'LOCATION/parts' "
        "with (format = 'TEXTFILE', field_delimiter = ',', partitioned_by = array['k'])"
    )
    folders = sorted(uri.split("/")[-2] for uri in _files(catalog, database, "parts"))
    assert folders == ["k=x", "k=y"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("unload (select 1 a) to 'LOCATION/full' with (format = 'PARQUET')", "HIVE_PATH_ALREADY_EXISTS"),
        ("unload (select 1 a) to 'LOCATION/o' with (format = 'ORC')", "HIVE_UNSUPPORTED_FORMAT"),
        ("unload (select 1 a) to 'LOCATION/o' with (compression = 'gzip')", "INVALID_TABLE_PROPERTY"),
        ("unload (select b from (values 1) t(a)) to 'LOCATION/o' with (format = 'JSON')", "COLUMN_NOT_FOUND"),
    ],
)
def test_a_refused_unload_leaves_nothing(
    sql: str, code: str, start: Run, catalog: Catalog, database: str
) -> None:
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/full/there", Body=b"x")
    with pytest.raises(AthenaError) as refused:
        start(sql)
    assert refused.value.code == code
    assert [table.name for table in catalog.tables(database)] == []
    assert _files(catalog, database, "o") == []
