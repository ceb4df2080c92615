"""What a raw file may cost before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one raw file, and the size of what is held in memory.

    `inflated_bytes` and `ratio` (inflated to compressed) refuse the whole file, as `too_large` and `ratio`;
    `line_bytes` refuses the line, as `too_long`; a file with more refused records than it may have, of those
    read so far, is read no further once they take `quarantine_bytes`. `csv_block_bytes` and
    `json_block_bytes` are how much inflated content is read at once, `row_group_rows` how many rows a Parquet
    row group holds, and `file_row_groups` how many of them a file. A block of fewer than `quick_bytes` is
    read by the exact rules alone, with the same outcome.
    """

    inflated_bytes: int = 16 << 30
    # DEFLATE cannot exceed 1032. Change records reach about 25, one row repeated for ever about 350.
    ratio: int = 500
    # A file that inflates to less than this is harmless, whatever its ratio.
    ratio_floor_bytes: int = 16 << 20
    # Kinesis takes records of up to 1 MiB, and a producer without a delimiter glues some on a line. As Python
    # objects, a line can take thirty times its bytes.
    line_bytes: int = 4 << 20
    # An entry of quarantine takes 200 bytes and more beside its record: 37 KB of packed `{}` filled 1.8 GB.
    quarantine_bytes: int = 256 << 20
    # 1,586,614 lines of CSV: 0.66 s in blocks of 1.5 MiB or 2, 0.61 of 3. The peaks are 107, 116 and 134 MB.
    csv_block_bytes: int = 3 << 19
    # As many change records: 1.73 s in blocks of 3 MiB, 1.64 of 4, 1.60 of 5. The peaks: 124, 127, 134 MB.
    json_block_bytes: int = 4 << 20
    # To load the kernel takes 8 ms, as long as the exact rules for 800 lines of CSV or 230 changes.
    quick_bytes: int = 64 << 10
    # With 128 or 192 Ki rows Parquet is no smaller by more than 0.1 %, and each row group is held whole.
    row_group_rows: int = 96 << 10
    file_row_groups: int = 40


DEFAULT_LIMITS = Limits()
