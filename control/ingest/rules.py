"""The numbers by which ingestion decides."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """Sizes are of compressed bytes, times in seconds.

    A batch for the light engine is bounded so that a crash costs little work, and one for Spark so that the
    batch's item stays far below the 400 KB of DynamoDB (about 130 bytes a file).
    """

    lease_seconds: float = 60.0
    # A batch that failed so often is split, so that a poison file ends alone.
    split_after: int = 2
    max_attempts: int = 4
    # Wait before another try; doubles with each attempt.
    retry_seconds: float = 1.0
    light_files: int = 64
    light_bytes: int = 256 * MIB
    spark_files: int = 500
    spark_bytes: int = 16 * 1024 * MIB
    # Measured on one machine: 1,586,614 rows took the light engine 1.5 s and a cold Spark 22.9 s. So Spark
    # pays only for a backlog that keeps many machines busy for minutes.
    spark_from_bytes: int = 4 * 1024 * MIB
    # Files planned in one pass: bounds memory, whatever the backlog.
    planned_files: int = 10_000
    # Batches of a table that may be open at once; what lands beyond them stays registered, not planned.
    open_batches: int = 256
    # What waits for the other objects of its reload for so long is an incident.
    reload_seconds: float = 3600.0
    # A run that is at work lists the bucket again after so long, and before it ends.
    list_seconds: float = 300.0
    # Where events tell of new files, any run lists it after so long, for the events that were lost. Listing
    # reads what is known of every old file: of a million, a thousand pages from S3 and two from the store.
    relist_seconds: float = 3600.0
