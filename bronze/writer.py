"""Write Parquet files, row group by row group. The same tables give the same bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bronze.columns import FEW_ROWS
from bronze.limits import Limits

# With fewer rows per distinct value, a dictionary takes more space than it saves.
_ROWS_OF_A_VALUE = 12


class RowWriter:
    """Writes tables of one schema, row group by row group, to the files `path(0)`, `path(1)` and so on.

    Columns of a table may be dictionary arrays; the files have plain columns anyway. Each row group is sorted
    by the columns `order`, stably.
    """

    def __init__(self, path: Callable[[int], Path], limits: Limits, order: Sequence[str] = ()) -> None:
        self._path = path
        self._order = order
        self._limits = limits
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        self._parquet: Any = None
        self._files = 0
        self._groups = 0
        self.rows = 0

    def write(self, table: Any) -> None:
        """Write the rows of `table`, which may have any size."""
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
        """Write the remaining rows; if there were no rows at all, write one file from the table `empty`."""
        if self._waiting_rows or not self._files:
            self._waiting = self._waiting or [empty]
            self._flush()
        self._close_file()

    def abandon(self) -> None:
        """Close the open file without writing the remaining rows."""
        if self._parquet is not None:
            self._parquet.close()

    def _flush(self) -> None:
        # Columns stay in several chunks: combining all of them would be the parser's memory peak.
        group = pa.concat_tables(self._waiting)
        self._waiting, self._waiting_rows = [], 0
        if self._order and group.num_rows and (places := _places(group.select(self._order))) is not None:
            columns, names = group.columns, group.schema.names
            del group
            for number, column in enumerate(columns):  # one by one, so that only one exists twice at a time
                columns[number] = _taken(column.combine_chunks(), places)
            group = pa.table(columns, names)
        if self._parquet is None:
            self._parquet = _open(self._path(self._files), group)
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


def _places(keys: Any) -> Any:
    """Return the indices that sort the rows by the columns `keys`; None if they are sorted."""
    if keys.num_rows <= FEW_ROWS:
        values = list(zip(*(column.to_pylist() for column in keys.columns), strict=True))
        places = sorted(range(len(values)), key=values.__getitem__)
        return None if places == list(range(len(values))) else places
    from bronze import kernel

    first = keys.column(0).combine_chunks()
    if keys.num_columns == 1 and pa.types.is_integer(first.type) and kernel.rises(first):
        return None  # checking takes 1 ns per row, sorting 50 to 250
    import pyarrow.compute as pc

    keys = keys.combine_chunks()
    return pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.schema.names])


def _taken(column: Any, places: Any) -> Any:
    """Return the values of `column` at `places`, as returned by `_places`."""
    if isinstance(places, list):
        return pa.concat_arrays([column.slice(place, 1) for place in places])
    return column.take(places)


def _open(path: Path, group: Any) -> Any:
    """Open a file for row groups like `group`: zstd level 1, each column in the smaller encoding."""
    schema = group.schema
    encoded = {field.name: "DELTA_BINARY_PACKED" for field in schema if _is_stepped(group, field)}
    if "_seq" in schema.names and not pa.types.is_dictionary(schema.field("_seq").type):
        encoded["_seq"] = "DELTA_BYTE_ARRAY"  # 2.8 bytes per change; 3.9 with a dictionary
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in schema.names if name not in encoded],
        column_encoding=encoded,
        write_statistics=True,
        write_page_index=True,
        store_schema=False,  # otherwise readers would see dictionary columns
    )


def _is_stepped(group: Any, field: Any) -> bool:
    """Whether the numbers of a column are smaller as deltas than as dictionary indices.

    Few distinct values in random order are not: 5,500 breweries take 12 bits per row with a dictionary, 16 as
    deltas.
    """
    if not (pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type)):
        return False
    column = group.column(field.name)
    if group.num_rows <= FEW_ROWS or column.null_count == group.num_rows:
        return True
    from bronze import kernel

    values = (column.drop_null() if column.null_count else column).combine_chunks()
    return kernel.differ(values, group.num_rows // _ROWS_OF_A_VALUE) or kernel.rises(values)
