"""The events table: control records, which concern a table and not a row of it."""

from bronze.schema import arrow_schema

# `event` is the control record's operation (create-table, truncate-table, add-column …), `detail` the whole
# record as in the raw file.
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
