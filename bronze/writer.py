"""Parquet files, row group by row group. The same tables give the same bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bronze.limits import Limits


class RowWriter:
    """Writes tables of one schema, row group by row group, to the files that `path` gives from 0 on.

    Columns of a table may be dictionary arrays: the files hold plain columns all the same.
    """

    def __init__(self, path: Callable[[int], Path], limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        self._parquet: Any = None
        self._files = 0
        self._groups = 0
        self.rows = 0

    def write(self, table: Any) -> None:
        """Take the rows of `table`, at any size."""
        wanted = self._limits.row_group_rows
        while self._waiting_rows + table.num_rows >= wanted:
            taken = wanted - self._waiting_rows
            self._waiting.append(table.slice(0, taken))
            self._waiting_rows = wanted
            self._flush()
            table = table.slice(taken)
        if table.num_rows:
            self._waiting.append(table)
            self._waiting_rows += table.num_rows

    def close(self, empty: Any) -> None:
        """Write what waits; where no row came at all, one file from the table `empty`."""
        if self._waiting_rows or not self._files:
            self._waiting = self._waiting or [empty]
            self._flush()
        self._close_file()

    def abandon(self) -> None:
        """Close the open file without finishing the content."""
        if self._parquet is not None:
            self._parquet.close()

    def _flush(self) -> None:
        # Not made one chunk a column: that copy would be the peak of the parser's memory.
        group = pa.concat_tables(self._waiting)
        self._waiting, self._waiting_rows = [], 0
        if self._parquet is None:
            self._parquet = _open(self._path(self._files), group.schema)
            self._files += 1
        self._parquet.write_table(group, row_group_size=self._limits.row_group_rows)
        self.rows += group.num_rows
        self._groups += 1
        if self._groups == self._limits.file_row_groups:
            self._close_file()

    def _close_file(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
        self._parquet, self._groups = None, 0


def _open(path: Path, schema: Any) -> Any:
    """Level 1 of zstd; numbers that rise by little as differences, everything else by dictionary."""
    stepped = [field.name for field in schema if _is_stepped(field.type)]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in schema.names if name not in stepped],
        column_encoding=dict.fromkeys(stepped, "DELTA_BINARY_PACKED"),
        write_statistics=True,
        write_page_index=True,
        store_schema=False,  # or readers would see dictionary columns
    )


def _is_stepped(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind))
