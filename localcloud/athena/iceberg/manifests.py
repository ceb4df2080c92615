"""Make pyiceberg build its manifest readers once per schema, not once per file.

By default pyiceberg parses the Avro schema in the head of every manifest and builds its readers each time: a
quarter of the Python calls of a statement on a small table. The manifests of a table keep their schema for
years.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from pyiceberg.avro import file
from pyiceberg.avro.file import AvroFileHeader
from pyiceberg.avro.reader import Reader
from pyiceberg.avro.resolver import construct_reader, resolve_reader
from pyiceberg.schema import Schema

# A table has about four: one for its manifest lists, and one per partition spec for its manifests.
_KEPT: Final = 256
_SCHEMA: Final = "avro.schema"
Makes = Callable[..., Any]


class _ByIdentity:
    """A schema as a cache key, compared by identity: comparing two schemas costs as much as reading."""

    __slots__ = ("schema",)

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.schema is other.schema

    def __hash__(self) -> int:
        return id(self.schema)


def apply() -> None:
    """Patch pyiceberg. Idempotent."""
    changed = ((AvroFileHeader, "get_schema", _schema_of), (file, "resolve_reader", _reader_of))
    for owner, name, member in (*changed, (file.AvroFile, "_read_header", _head)):
        if not hasattr(owner, name):
            raise AttributeError(f"{owner} has no {name}: is this pyiceberg's pinned version?")
        setattr(owner, name, member)


_HEAD: Final = construct_reader(file.META_SCHEMA, {-1: AvroFileHeader})


def _head(opened: Any) -> AvroFileHeader:
    found: AvroFileHeader = _HEAD.read(opened.decoder)
    return found


def _schema_of(header: AvroFileHeader) -> Schema:
    return _schema(header.meta[_SCHEMA]) if _SCHEMA in header.meta else _parse(header)


_parse: Final = AvroFileHeader.get_schema


@lru_cache(maxsize=_KEPT)
def _schema(text: str) -> Schema:
    return _parse(AvroFileHeader(b"", {_SCHEMA: text}, b""))


def _reader_of(
    written: Schema,
    wanted: Schema,
    types: dict[int, Callable[..., Any]],
    enums: dict[int, Callable[..., Any]],
) -> Reader:
    return _reader(_ByIdentity(written), _ByIdentity(wanted), tuple(types.items()), tuple(enums.items()))


@lru_cache(maxsize=_KEPT)
def _reader(
    written: _ByIdentity,
    wanted: _ByIdentity,
    types: tuple[tuple[int, Makes], ...],
    enums: tuple[tuple[int, Makes], ...],
) -> Reader:
    return resolve_reader(written.schema, wanted.schema, dict(types), dict(enums))
