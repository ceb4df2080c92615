"""Change records of Debezium as Kafka Connect can make them, too, and as nobody can put them in order."""

from collections.abc import Mapping

from control.errors import DataError

_DOCS = "docs/raw-files.md#through-kafka has the settings"


def refuse(record: object, place: str) -> None:
    """Raises DataError for such a record, which says what to set; others pass."""
    if isinstance(record, str):
        raise DataError(
            f"{place}: the record is a text and no object",
            hint=f"if a sink of Kafka Connect writes it, its value.converter is not StringConverter: {_DOCS}",
        )
    if not isinstance(record, dict):
        return
    if is_change(record.get("value")):
        raise DataError(
            f"{place}: the change record stands under the key 'value'",
            hint=f"set format.output.envelope=false (or its like) in the sink: {_DOCS}",
        )
    if any(name in ("__deleted", "__op", "__lsn") or name.startswith("__source_") for name in record):
        raise DataError(
            f"{place}: Debezium's ExtractNewRecordState has taken away in which order things changed",
            hint=f"take that transform out of the connector and of the sink: {_DOCS}",
        )


def is_change(record: object) -> bool:
    """Whether it is a change record of Debezium, also with its schema beside it."""
    if isinstance(record, dict) and isinstance(record.get("payload"), Mapping):
        record = record["payload"]
    return isinstance(record, dict) and isinstance(record.get("source"), dict) and "op" in record
