"""New files of text and JSON tables are compressed, as gzip unless the table says otherwise."""

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.mark.parametrize("layout", ["format='textfile', field_delimiter=','", "format='json'"])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("", "gz"), (", write_compression='GZIP'", "gz"), (", write_compression='zstd'", "zst")],
)
def test_text_is_compressed_and_its_name_says_how(
    run: Run, rows: Rows, catalog: Catalog, database: str, layout: str, codec: str, suffix: str
) -> None:
    run(f"create table t with (external_location='LOCATION/t', {layout}{codec}) as select 1 as a")
    run("insert into t values (2)")
    found = catalog.s3.list_objects_v2(Bucket="lake", Prefix=f"{database}/t/")["Contents"]
    assert [one["Key"].rpartition(".")[2] for one in found] == [suffix] * 2
    assert rows("select a from t order by a") == [(1,), (2,)]


def test_text_is_plain_if_asked_for(run: Run, catalog: Catalog, database: str) -> None:
    layout = "external_location='LOCATION/t', format='json', write_compression='NONE'"
    run(f"create table t with ({layout}) as select 1 a")
    [found] = catalog.s3.list_objects_v2(Bucket="lake", Prefix=f"{database}/t/")["Contents"]
    assert catalog.s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read() == b'{"a":1}\n'


def test_text_in_a_codec_that_is_not_written_is_refused(run: Run, catalog: Catalog, database: str) -> None:
    with pytest.raises(AthenaError, match="does not compress text as snappy"):
        run(
            "create table t with (external_location='LOCATION/t', format='json', "
            "write_compression='SNAPPY') as select 1 a"
        )
    assert catalog.find_table(database, "t") is None
