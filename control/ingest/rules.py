"""Limits and times of ingestion."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """Sizes are of compressed bytes, times in seconds.

    Batches for the light engine are small so that a crash costs little work. Batches for Spark are limited so
    that the batch's item stays far below DynamoDB's limit of 400 KB (about 130 bytes per file).
    """

    lease_seconds: float = 60.0
    # A batch is split after this many failures, so that a poison file ends up alone.
    split_after: int = 2
    max_attempts: int = 4
    # Delay before the next attempt; doubles each time.
    retry_seconds: float = 1.0
    light_files: int = 64
    light_bytes: int = 256 * MIB
    spark_files: int = 500
    spark_bytes: int = 16 * 1024 * MIB
    # Measured on one machine: 1,586,614 rows took the light engine 1.5 s and a cold Spark 22.9 s. So Spark
    # pays only for a backlog that keeps many machines busy for minutes.
    spark_from_bytes: int = 4 * 1024 * MIB
    # Files planned in one pass, which bounds memory whatever the backlog.
    planned_files: int = 10_000
    # Open batches per table; further files stay registered until there is room.
    open_batches: int = 256
    # A file that waits this long for the other objects of its reload causes an alert.
    reload_seconds: float = 3600.0
    # A busy run lists the bucket again after this time, and once more before it ends.
    list_seconds: float = 300.0
    # With notifications, a run still lists the bucket after this time, in case some were lost. Listing costs
    # work for every old file: for a million, a thousand pages from S3 and two from the store.
    relist_seconds: float = 3600.0
