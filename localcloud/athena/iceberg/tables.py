"""Load Iceberg tables through Glue, and commit to them; a commit conflict gets Athena's error code."""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import CommitTableResponse, Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.table.update.snapshot import _OverwriteFiles
from pyiceberg.typedef import EMPTY_DICT, Properties
from pyiceberg.utils.concurrent import ExecutorFactory

from localcloud.athena.callers import InlineExecutor
from localcloud.athena.catalog import Catalog
from localcloud.athena.catalog import Table as GlueTable
from localcloud.athena.errors import AthenaError, iceberg_commit_failed, table_already_exists, table_not_found
from localcloud.athena.iceberg import manifests
from localcloud.athena.iceberg.io import ObjectIO
from localcloud.faults.injection import Faults, die_if
from localcloud.faults.rules import AFTER_COMMIT, BEFORE_COMMIT

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_APPEND_TRIES = 20


class InjectedConflictError(AthenaError):
    """An injected commit conflict; our own code does not retry it."""

    def __init__(self, database: str, table: str) -> None:
        lost = iceberg_commit_failed(database, table)
        super().__init__(lost.code, lost.text)


class _Glue(GlueCatalog):
    """pyiceberg's Glue catalog, over the gateway's own clients."""

    def __init__(self, client: "GlueClient", files: ObjectIO, faults: Faults) -> None:
        super().__init__("local", client=client)
        self.files = files
        self.faults = faults

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Commit, unless an injected fault prevents it."""
        database, name = identity(table)
        due = self.faults.at_commit(BEFORE_COMMIT, f"{database}.{name}")
        die_if(due)
        if due:
            raise InjectedConflictError(database, name)
        response = super().commit_table(table, requirements, updates)
        die_if(self.faults.at_commit(AFTER_COMMIT, f"{database}.{name}"))
        return response

    # The name contains a new UUID, so there is no need to ask S3 first whether it is taken.
    _write_metadata = staticmethod(GlueCatalog._write_metadata_no_exist_check)

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:  # noqa: ARG002
        return self.files

    def _is_s3tables_database(self, database_name: str) -> bool:  # noqa: ARG002
        return False  # saves a request per commit; the local cloud has no S3 Tables


@lru_cache(maxsize=8)
def glue_catalog(catalog: Catalog) -> GlueCatalog:
    """Return pyiceberg's catalog for the gateway's catalog."""
    if not isinstance(ExecutorFactory.get_or_create(), InlineExecutor):
        ExecutorFactory._instance = InlineExecutor()
    manifests.apply()
    return _Glue(catalog.glue, ObjectIO(catalog.s3), catalog.faults)


def load(catalog: Catalog, database: str, name: str) -> Table:
    """Load the current table. Raises AthenaError TABLE_NOT_FOUND or ICEBERG_MISSING_METADATA."""
    return of_entry(catalog, catalog.table(database, name))


def of_entry(catalog: Catalog, entry: GlueTable) -> Table:
    """Load the table that a Glue entry points to; see `load`."""
    try:
        # The same as pyiceberg's load_table, without its request for the entry.
        return glue_catalog(catalog)._convert_glue_to_iceberg(entry.raw)  # type: ignore[arg-type]
    except NoSuchTableError:
        raise table_not_found(entry.database, entry.name) from None
    except FileNotFoundError as error:
        raise AthenaError(
            "ICEBERG_MISSING_METADATA", f"Metadata not found in metadata location: {error}"
        ) from None


@lru_cache(maxsize=1024)
def _lock(name: tuple[str, ...]) -> Lock:  # noqa: ARG001  the cache tells the tables apart
    return Lock()


@contextmanager
def committing(table: Table) -> Iterator[None]:
    """Serialize commits to a table; a conflict raises the code on which dbt-athena retries.

    The lock only keeps this gateway's own statements from conflicting; Glue isolates other writers.
    """
    try:
        with _lock(table.name()[-2:]):
            yield
    except (CommitFailedException, ValidationException):
        database, name = table.name()[-2:]
        raise iceberg_commit_failed(database, name) from None
    except TableAlreadyExistsError:
        database, name = table.name()[-2:]
        raise table_already_exists(database, name) from None
    except NoSuchTableError:
        database, name = table.name()[-2:]
        raise table_not_found(database, name) from None


class _Change(Transaction):
    """A transaction that reads the table's metadata without copying it.

    pyiceberg copies all of it, snapshots included, at each of 19 accesses per commit: 20 MERGEs into a small
    table took 4.2 million function calls, and 1.4 million without. Nothing modifies the metadata it reads.
    """

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with the changes so far."""
        return super().table_metadata if self._updates else self._table.metadata


def append(table: Table, files: Iterable[DataFile]) -> None:
    """Add files as one snapshot, and retry on a conflict: an append is compatible with any other change.

    Without retries, 7 of 60 inserts of 4 writers failed; with them none. Raises ICEBERG_COMMIT_ERROR after
    too many conflicts.
    """
    added = tuple(files)
    for attempt in range(_APPEND_TRIES):
        try:
            return _append(table, added)
        except AthenaError as error:
            if isinstance(error, InjectedConflictError):
                raise
            if error.code != "ICEBERG_COMMIT_ERROR" or attempt == _APPEND_TRIES - 1:
                raise
        time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 4)))  # noqa: S311
        with committing(table):
            table.refresh()
    return None


def _append(table: Table, files: Iterable[DataFile]) -> None:
    with committing(table):
        written_for = table.metadata.table_uuid
        if table.refresh().metadata.table_uuid != written_for:
            raise CommitFailedException("another table has this name now")
        with _Change(table) as transaction, transaction.update_snapshot().fast_append() as add:
            for file in files:
                add.append_data_file(file)


class Overwriting(_OverwriteFiles):
    """An overwrite that drops manifests without live files, as Iceberg's own library does.

    pyiceberg keeps them forever, with the bounds of deleted rows, and reads them at every overwrite.
    """

    def _existing_manifests(self) -> list[ManifestFile]:
        found = super()._existing_manifests()
        return [one for one in found if one.has_added_files() or one.has_existing_files()]


def overwrite(table: Table, removed: Iterable[DataFile], added: Iterable[DataFile]) -> None:
    """Replace files by others as one snapshot. Raises ICEBERG_COMMIT_ERROR when the table has changed since.

    This holds even if no file is removed: a MERGE adds rows that were missing when it read the table, and
    another MERGE may have added the same rows.
    """
    with (
        committing(table),
        _Change(table) as transaction,
        Overwriting(operation=Operation.OVERWRITE, transaction=transaction, io=table.io) as change,
    ):
        for file in added:
            change.append_data_file(file)
        for file in removed:
            change.delete_data_file(file)


def identity(table: Table) -> tuple[str, str]:
    """Database and name."""
    found: Any = table.name()[-2:]
    return found[0], found[1]
