"""File formats of Hive tables: the classes behind STORED AS and ROW FORMAT, and the default."""

from typing import Any, NamedTuple

from localcloud.athena.errors import hive_semantic
from localcloud.athena.statements.nodes import Format

_HIVE = "org.apache.hadoop.hive"


class _Classes(NamedTuple):
    reads: str
    writes: str
    serde: str


_TEXT_OUT = f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat"
_TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
_LAZY = f"{_HIVE}.serde2.lazy.LazySimpleSerDe"
_FORMATS = {
    "textfile": _Classes(_TEXT_IN, _TEXT_OUT, _LAZY),
    "parquet": _Classes(
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": _Classes(
        f"{_HIVE}.ql.io.orc.OrcInputFormat",
        f"{_HIVE}.ql.io.orc.OrcOutputFormat",
        f"{_HIVE}.ql.io.orc.OrcSerde",
    ),
    "avro": _Classes(
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    "rcfile": _Classes(
        f"{_HIVE}.ql.io.RCFileInputFormat",
        f"{_HIVE}.ql.io.RCFileOutputFormat",
        f"{_HIVE}.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
    "sequencefile": _Classes(
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        f"{_HIVE}.ql.io.HiveSequenceFileOutputFormat",
        _LAZY,
    ),
    "json": _Classes(_TEXT_IN, _TEXT_OUT, "org.openx.data.jsonserde.JsonSerDe"),
    "ion": _Classes(
        "com.amazon.ionhiveserde.formats.IonInputFormat",
        "com.amazon.ionhiveserde.formats.IonOutputFormat",
        "com.amazon.ionhiveserde.IonHiveSerDe",
    ),
}


def storage(format_: Format) -> dict[str, Any]:
    """Return the format's part of Glue's StorageDescriptor. Raises Hive's error for an unknown format."""
    name = format_.stored_as or "textfile"
    if name not in _FORMATS:
        raise hive_semantic(f"Unrecognized file format in STORED AS clause: '{name.upper()}'")
    classes = _FORMATS[name]
    serde = format_.serde or classes.serde
    parameters = {"serialization.format": "1", **dict(format_.serde_properties)}
    delimiters = dict(format_.delimiters)
    if delimiters:
        # Hive repeats the field delimiter as the serialization format.
        parameters["serialization.format"] = delimiters.get("field.delim", "1")
        parameters |= delimiters
    return {
        "InputFormat": format_.input_format or classes.reads,
        "OutputFormat": format_.output_format or classes.writes,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SortColumns": [],
        "StoredAsSubDirectories": False,
    }
