"""Local copies of objects lie where their address can be read from their path."""

from pathlib import Path
from typing import Any, cast

import duckdb
from hypothesis import example, given
from hypothesis import strategies as st

from localcloud.athena.cache import FileCache
from localcloud.athena.translate.terms import text

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300)


def test_the_address_of_a_copy_is_read_from_its_path(tmp_path: Path) -> None:
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
