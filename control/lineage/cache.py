"""Cache the edges of traced models, by a hash of everything that they depend on."""

import functools
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from sqlglot import __version__ as sqlglot_version  # type: ignore[attr-defined]

from control.errors import BusyError
from control.lineage import origins, query, syntax
from control.lineage.model import Edge, Model

_TABLE = "create table if not exists traced (key text primary key, edges blob not null)"
# Another build may be writing its traces.
_WAIT_SECONDS = 60


def key(model: Model, columns: Mapping[str, tuple[str, ...]]) -> str:
    """Hash what the edges of a model depend on: its SQL, the columns of its inputs, and the rules."""
    read = [[name, *columns.get(name, ())] for name in sorted({*model.depends_on, model.relation})]
    content = [_rules(), sqlglot_version, model.relation, model.sql, read]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


@functools.cache
def _rules() -> str:
    """Hash the code of the rules, so that edges traced by other rules are not used again."""
    texts = (Path(str(module.__file__)).read_bytes() for module in (origins, query, syntax))
    return hashlib.sha256(b"".join(texts)).hexdigest()


@contextmanager
def opened(path: Path) -> Iterator["Cache"]:
    """Open the cache in the file `path`; create it anew if it is absent, damaged or not a cache.

    Raises BusyError when another process keeps writing it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _connected(path) as connection:
            yield Cache(connection)
            connection.commit()
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        message = f"another process has been writing {path} for {_WAIT_SECONDS} seconds"
        raise BusyError(message, hint="try again when it is done, or end it") from error


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
        if _is_whole(connection):
            yield connection
            return
    path.unlink()
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
        connection.execute(_TABLE)
        yield connection


def _is_whole(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute(_TABLE)
        connection.execute("select key, edges from traced limit 0")
        return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        if _is_busy(error):
            raise
        return False


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Cache:
    """Traced edges by key."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the encoded edges of those keys that are known."""
        wanted = set(keys)
        rows = self._connection.execute("select key, edges from traced")
        return {row[0]: row[1] for row in rows if row[0] in wanted}

    def keep(self, traced: Mapping[str, bytes], wanted: Iterable[str]) -> None:
        """Keep newly traced edges, and delete those whose key is no longer wanted."""
        self._connection.executemany("insert or replace into traced values (?, ?)", traced.items())
        stale = {row[0] for row in self._connection.execute("select key from traced")} - set(wanted)
        self._connection.executemany("delete from traced where key = ?", ((one,) for one in stale))


def encoded(edges: Iterable[Edge]) -> bytes:
    """Return edges as the JSON objects of lineage.json, in order, joined by commas and line feeds."""
    ordered = sorted(edges, key=lambda e: (e.target, e.source, e.kind))
    return b",\n".join(
        msgspec.json.encode(
            {"from": str(e.source), "to": str(e.target), "kind": e.kind, "expression": e.expression}
        )
        for e in ordered
    )
