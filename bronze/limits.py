"""Limits on raw files, and the sizes of buffers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one raw file, and the sizes of what is held in memory.

    `inflated_bytes` and `ratio` (inflated to compressed) refuse the whole file, as `too_large` and `ratio`;
    `line_bytes` refuses a line, as `too_long`. Once the refused records take `quarantine_bytes`, a file that
    already has more of them than allowed is not read further. `csv_block_bytes` and `json_block_bytes` are
    the amounts of inflated content read at once, `row_group_rows` the rows of a Parquet row group, and
    `file_row_groups` the row groups of a file. A block of fewer than `quick_bytes` is read by the exact rules
    alone, with the same result.
    """

    inflated_bytes: int = 16 << 30
    # DEFLATE cannot exceed 1032. Change records reach about 25, a single repeated row about 350.
    ratio: int = 500
    # A file that inflates to less than this is harmless, whatever its ratio.
    ratio_floor_bytes: int = 16 << 20
    # Kinesis accepts records of up to 1 MiB, and a producer without a delimiter puts several on a line. As
    # Python objects, a line can take thirty times its bytes.
    line_bytes: int = 4 << 20
    # A quarantine entry takes 200 bytes and more besides its record: 37 KB of compressed `{}` filled 1.8 GB.
    quarantine_bytes: int = 256 << 20
    # 1,586,614 lines of CSV: 0.66 s in blocks of 1.5 MiB or 2, 0.61 of 3. The peaks are 107, 116 and 134 MB.
    csv_block_bytes: int = 3 << 19
    # As many change records: 1.73 s in blocks of 3 MiB, 1.64 of 4, 1.60 of 5. The peaks: 124, 127, 134 MB.
    json_block_bytes: int = 4 << 20
    # Loading the kernel takes 8 ms, as long as the exact rules for 800 lines of CSV or 230 changes.
    quick_bytes: int = 64 << 10
    # With 128 or 192 Ki rows, Parquet is at most 0.1 % smaller, and each row group is held in memory.
    row_group_rows: int = 96 << 10
    file_row_groups: int = 40


DEFAULT_LIMITS = Limits()
