"""Local copies of objects lie at paths from which their address can be read."""

from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localcloud.athena.cache import FileCache
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer
from localcloud.athena.translate.terms import text

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300)


def test_the_address_of_a_copy_can_be_read_from_its_path(tmp_path: Path) -> None:
    cache = FileCache(cast(Any, None), tmp_path / "copies")
    with duckdb.connect() as connection:

        @given(KEYS)
        @example("a/b=1/../%2F/%/./" + "x" * 400)
        @example("." * 500)
        @example("y" * 195 + "..")
        def holds(key: str) -> None:
            path = cache.local(f"s3://lake/{key}", "tag")
            assert path.resolve().is_relative_to(cache.folder)
            assert all(len(part.encode()) <= 255 for part in path.parts)
            found = connection.execute(f"SELECT {cache.uri_of(text(str(path)))}").fetchone()
            assert found == (f"s3://lake/{key}",)

        holds()


@pytest.mark.parametrize(
    "properties",
    [
        "table_type='ICEBERG', is_external=false, location='LOCATION/{}'",
        "external_location='LOCATION/{}', format='parquet'",
        "external_location='LOCATION/{}', format='textfile', partitioned_by=array['b']",
    ],
)
def test_staged_files_are_gone_whether_the_statement_succeeds_or_fails(
    engine: DuckDb, run: Callable[[str], Answer], properties: str
) -> None:
    rows = "select 1000000 / (299999 - x) a, x % 7 b from (select x from unnest(sequence(1, {})) v(x))"
    make = "create table {name} with ({properties}) as {rows}"
    many = rows.format(10_000).replace("299999", "9999")
    run(make.format(name="good", properties=properties.format("good"), rows=rows.format(9_000)))
    with pytest.raises(AthenaError, match="DIVISION_BY_ZERO"):
        run(make.format(name="bad", properties=properties.format("bad"), rows=many))
    with pytest.raises(AthenaError, match="DIVISION_BY_ZERO"):
        run(f"insert into good {many}")
    assert list((engine.cache.folder / "new").iterdir()) == []
    assert list(engine.cache.folder.rglob("*.part")) == []


def test_an_interrupted_copy_leaves_no_partial_file(tmp_path: Path) -> None:
    class Breaking:
        def get_object(self, **_: str) -> dict[str, Any]:
            return {"Body": self}

        def read(self, _: int) -> bytes:
            raise OSError(ENOSPC, "No space left on device")

    cache = FileCache(cast(Any, Breaking()), tmp_path / "copies")
    with pytest.raises(OSError, match="No space left"):
        cache.fetch([("s3://lake/a", "tag")])
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
