"""Convert type nodes of a tree to types."""

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.grammar import WORD
from localcloud.athena.translate.places import place
from localcloud.athena.translate.terms import DAY_SECOND, YEAR_MONTH, array, map_, row
from localcloud.athena.types import Type, parse

_NAMES = {
    exp.DType.INT: "integer",
    exp.DType.TEXT: "varchar",
    exp.DType.FLOAT: "real",
    exp.DType.DOUBLE: "double",
    exp.DType.BINARY: "varbinary",
    exp.DType.VARBINARY: "varbinary",
    exp.DType.TIMESTAMPTZ: "timestamp with time zone",
    exp.DType.TIMETZ: "time with time zone",
    exp.DType.INTERVAL: "interval day to second",
    exp.DType.IPADDRESS: "ipaddress",
}


# Type names in queries. sqlglot accepts more, such as `string` and `float` of DDL.
_WORDS = frozenset(
    (
        *("boolean", "tinyint", "smallint", "int", "integer", "bigint", "real", "double", "double precision"),
        *("decimal", "varchar", "char", "varbinary", "date", "time", "timestamp", "interval", "json", "uuid"),
        *("ipaddress", "array", "map", "row"),
    )
)


def data_type(node: exp.DataType) -> Type:
    """Return the type that a node names. Raises TYPE_MISMATCH when Athena has no such type."""
    kind = node.this
    word = str(node.meta.get(WORD, ""))
    if word and word.lower() not in _WORDS:
        line, column = place(node)
        raise AthenaError("TYPE_MISMATCH", f"line {line}:{column}: Unknown type: {word}")
    if isinstance(kind, exp.Interval):
        return DAY_SECOND if "day" in kind.sql().lower() else YEAR_MONTH
    parts = node.expressions
    if kind == exp.DType.ARRAY and len(parts) == 1:
        return array(data_type(parts[0]))
    if kind == exp.DType.MAP and len(parts) == 2:
        return map_(data_type(parts[0]), data_type(parts[1]))
    if kind == exp.DType.STRUCT:
        return row(*(_field(part) for part in parts))
    if kind == exp.DType.USERDEFINED:
        raise AthenaError("TYPE_MISMATCH", f"line 1:1: Unknown type: {node.args.get('kind')}")
    name = _NAMES.get(kind, str(kind.value).lower())
    numbers = ",".join(part.name for part in parts)
    head, zone, _ = name.partition(" with time zone")
    return parse(f"{head}({numbers}){zone}" if numbers else name)


def _field(part: exp.Expression) -> tuple[str, Type]:
    if isinstance(part, exp.ColumnDef):
        name = part.this
        kind = part.args["kind"]
        return (name.name if name.args.get("quoted") else name.name.lower()), data_type(kind)
    return "", data_type(part)  # type: ignore[arg-type]
