"""CREATE TABLE AS for Trino: the same query with Trino's properties."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from localcloud.athena.engines.properties import Properties
from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.tokens import tokenize

_CODECS = {"snappy", "gzip", "zstd", "lz4", "none"}
_COMPRESSIONS = ("write_compression", "parquet_compression", "orc_compression")
_EXTRA = ("vacuum_", "optimize_", "write_")


@dataclass(frozen=True, slots=True)
class Creation:
    """What to send: the statement, and the session properties that it needs."""

    sql: str
    session: Mapping[str, str]


def query_of(sql: str) -> tuple[str, str]:
    """Split a CTAS: return its query as written, and the WITH [NO] DATA after it, if any."""
    tokens = list(tokenize(sql))
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.keyword, 0)
        if depth == 0 and token.keyword == "AS":
            break
    else:
        raise AthenaError("SYNTAX_ERROR", "line 1:1: CREATE TABLE without AS")
    words = [one.keyword for one in tokens[-3:]]
    tail = 3 if words == ["WITH", "NO", "DATA"] else 2 if words[-2:] == ["WITH", "DATA"] else 0
    stop = tokens[-tail].start if tail else len(sql)
    return sql[token.stop : stop].strip(), sql[stop:].strip()


def creation(catalog: str, database: str, name: str, properties: Properties, query: str) -> Creation:
    """Return the statement that creates `catalog.database.name` with these properties from this query.

    Raises AthenaError INVALID_TABLE_PROPERTY for properties that Athena does not have.
    """
    session = {f"{catalog}.compression_codec": codec for codec in _codec(properties)}
    given = dict(_iceberg(properties) if properties.iceberg else _hive(properties))
    clause = ", ".join(f"{key} = {value}" for key, value in given.items())
    target = ".".join(_quoted(part) for part in (catalog, database, name))
    return Creation(f"CREATE TABLE {target} WITH ({clause}) AS {query}", session)


def _codec(properties: Properties) -> Iterator[str]:
    for name in _COMPRESSIONS:
        if wanted := properties.others.get(name, "").lower():
            yield wanted.upper() if wanted in _CODECS else "NONE"
            return


def _iceberg(properties: Properties) -> Iterator[tuple[str, str]]:
    yield "format", _text(properties.others.get("format", "parquet").upper())
    yield "format_version", "2"
    yield "location", _text(properties.location.rstrip("/"))
    if properties.partitioning:
        yield "partitioning", _texts(properties.partitioning)
    extra = {
        key: value
        for key, value in properties.others.items()
        if key.startswith(_EXTRA) and key not in _COMPRESSIONS
    }
    if extra:
        yield "extra_properties", f"MAP({_texts(extra)}, {_texts(extra.values())})"


def _hive(properties: Properties) -> Iterator[tuple[str, str]]:
    yield "format", _text(properties.others.get("format", "parquet").upper())
    yield "external_location", _text(properties.location.rstrip("/") + "/")
    if properties.partitioning:
        yield "partitioned_by", _texts(properties.partitioning)
    if delimiter := properties.others.get("field_delimiter"):
        yield "textfile_field_separator", _text(delimiter)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Iterable[str]) -> str:
    return "ARRAY[" + ", ".join(_text(value) for value in values) + "]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
