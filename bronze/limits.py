"""What a raw file may cost before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one raw file, and the size of what is held in memory.

    `inflated_bytes` and `ratio` (inflated to compressed) refuse the whole file, as `too_large` and `ratio`;
    `line_bytes` refuses the line, as `too_long`. `csv_block_bytes` and `json_block_bytes` are how much
    inflated content is read at once, `row_group_rows` how many rows a Parquet row group holds, and
    `file_row_groups` how many of them a file. A block of fewer than `quick_bytes` is read by the exact rules
    alone, with the same outcome.
    """

    inflated_bytes: int = 16 << 30
    # DEFLATE cannot exceed 1032. Change records reach about 25, one row repeated for ever about 350.
    ratio: int = 500
    # A file that inflates to less than this is harmless, whatever its ratio.
    ratio_floor_bytes: int = 16 << 20
    # Kinesis takes records of up to 1 MiB, and a producer without a delimiter glues some on a line. As Python
    # objects, a line can take thirty times its bytes.
    line_bytes: int = 4 << 20
    # 89 MB of CSV on one thread: 0.59 s in blocks of 2 MiB, 0.68 s of 1, 1.07 s of 256 KiB.
    csv_block_bytes: int = 3 << 19
    # 1,586,614 change records: 3.4 s in blocks of 2.5 MiB, 3.2 of 3.5, 3.0 of 4, 2.9 of 5, 2.8 of 6. The
    # peaks are 141, 152, 160, 170 and 187 MB. With one bad line in a thousand, blocks of 4 MiB peak at 183.
    json_block_bytes: int = 4 << 20
    # To import Arrow's functions takes as long as the exact rules for 2,500 lines of CSV or 500 changes.
    quick_bytes: int = 64 << 10
    # A file of 1 GiB of CSV peaks at 221 MB with 256 Ki rows, at 188 with 128, at 181 with these, and Parquet
    # grows by 0.1 %.
    row_group_rows: int = 96 << 10
    file_row_groups: int = 40


DEFAULT_LIMITS = Limits()
