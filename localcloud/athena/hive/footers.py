"""Count the bytes of columns in Parquet files, from their footers."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from localcloud.athena.cache import FileCache
from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.reads import Path

# Address and tag identify immutable bytes, so a footer is read only once: 0.1 ms, plus 2 µs per chunk.
_FILES: Final = 4096
_ANSWERS: Final = 4 * _FILES


def size(files: Iterable[tuple[str, str]], columns: Collection[Path], cache: FileCache) -> int:
    """Return the compressed bytes of the columns' chunks in the objects `(uri, tag)`, which must be cached.

    Raises AthenaError HIVE_BAD_DATA for an object that is not Parquet.
    """
    wanted = frozenset(".".join(path) for path in columns if path)
    return sum(_of(uri, tag, wanted, cache) for uri, tag in files) if wanted else 0


@lru_cache(maxsize=_ANSWERS)
def _of(uri: str, tag: str, wanted: frozenset[str], cache: FileCache) -> int:
    return sum(
        count
        for leaf, count in _chunks(uri, tag, cache).items()
        if any(leaf == column or leaf.startswith(f"{column}.") for column in wanted)
    )


@lru_cache(maxsize=_FILES)
def _chunks(uri: str, tag: str, cache: FileCache) -> Mapping[str, int]:
    """Return bytes by the lower-case path of each leaf: `id`, `address.street`, `tags.list.element`."""
    try:
        footer = pq.read_metadata(cache.local(uri, tag))
    except pa.ArrowInvalid as error:
        raise AthenaError("HIVE_BAD_DATA", f"Malformed Parquet file. {error} [{uri}]") from None
    found: Counter[str] = Counter()
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            found[chunk.path_in_schema.lower()] += chunk.total_compressed_size
    return found
