"""The table of events: what DMS says about a table and not about a row of it."""

from bronze.schema import arrow_schema

# `event` is the control record's operation (create-table, truncate-table, add-column …) and `detail` the
# whole record as it stood in the raw file.
EVENT_HIVE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("event", "string"),
    ("detail", "string"),
    ("_seq", "string"),
    ("_rev", "bigint"),
    ("_committed_at", "timestamp"),
    ("_file_id", "string"),
    ("_line", "bigint"),
    ("_record", "int"),
)
EVENT_SCHEMA = arrow_schema(EVENT_HIVE_COLUMNS)
