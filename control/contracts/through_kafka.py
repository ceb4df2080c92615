"""Refuse Debezium change records in forms of Kafka Connect that cannot be read or put in order."""

from collections.abc import Mapping

from control.errors import DataError

_DOCS = "docs/raw-files.md#through-kafka has the settings"


def refuse(record: object, place: str) -> None:
    """Raise DataError, which says what to set, for such a record; accept any other."""
    if isinstance(record, str):
        raise DataError(
            f"{place}: the record is a string, not an object",
            hint=f"if a Kafka Connect sink writes it, do not set value.converter to StringConverter: {_DOCS}",
        )
    if not isinstance(record, dict):
        return
    if is_change(record.get("value")):
        raise DataError(
            f"{place}: the change record is under the key 'value'",
            hint=f"set format.output.envelope=false (or its like) in the sink: {_DOCS}",
        )
    if any(name in ("__deleted", "__op", "__lsn") or name.startswith("__source_") for name in record):
        raise DataError(
            f"{place}: Debezium's ExtractNewRecordState has removed the order of the changes",
            hint=f"remove that transform from the connector and the sink: {_DOCS}",
        )


def is_change(record: object) -> bool:
    """Whether `record` is a Debezium change record, with or without its schema."""
    if isinstance(record, dict) and isinstance(record.get("payload"), Mapping):
        record = record["payload"]
    return isinstance(record, dict) and isinstance(record.get("source"), dict) and "op" in record
