"""Answers as rows of text: pages for GetQueryResults, content of the result files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.athena.model import Answer, Column
from localcloud.athena.types import parse
from localcloud.athena.values import texts

_CSV_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """What a client is told about one column."""

    name: str
    type: str
    precision: int
    scale: int
    case_sensitive: bool


def column_infos(answer: Answer) -> tuple[ColumnInfo, ...]:
    """The columns of an answer, as Athena describes them."""
    if answer.lines is not None and answer.substatement_type != "EXPLAIN":
        return tuple(ColumnInfo(column.name, column.type, 0, 0, False) for column in answer.columns)
    return tuple(_column_info(column) for column in answer.columns)


def _column_info(column: Column) -> ColumnInfo:
    type_ = parse(column.type)
    return ColumnInfo(column.name, type_.label, type_.precision, type_.scale, type_.case_sensitive)


def has_header(answer: Answer) -> bool:
    """Queries and EXPLAIN return their column names as the first row; SHOW and DESCRIBE do not."""
    return answer.statement_type == "DML" and (answer.table is not None or answer.lines is not None)


def row_count(answer: Answer) -> int:
    """How many rows GetQueryResults returns in all, including the header."""
    data = len(answer.lines) if answer.lines is not None else 0 if answer.table is None else len(answer.table)
    return data + has_header(answer)


def update_count(answer: Answer) -> int | None:
    """UpdateCount; None for DDL and EXPLAIN, where Athena omits it."""
    if answer.substatement_type in ("EXPLAIN", "VACUUM"):
        return None
    is_ddl = answer.statement_type == "DDL" and answer.substatement_type != "CREATE_TABLE_AS_SELECT"
    return None if is_ddl else answer.count


def rows(answer: Answer, start: int, stop: int) -> list[list[str | None]]:
    """Return the rows from `start` up to but excluding `stop`; the header counts as a row."""
    found: list[list[str | None]] = []
    header = has_header(answer)
    if header and start == 0 < stop:
        found.append([column.name for column in answer.columns])
    first, last = max(start - header, 0), max(stop - header, 0)
    if answer.lines is not None:
        found.extend([line] for line in answer.lines[first:last])
    elif answer.table is not None:
        found.extend(list(row) for row in _texts(answer, answer.table.slice(first, last - first)))
    return found


def _texts(answer: Answer, part: pa.Table) -> Iterator[tuple[str | None, ...]]:
    if not answer.columns:
        return iter([()] * len(part))
    shown = [texts(part.column(at), parse(column.type)) for at, column in enumerate(answer.columns)]
    return zip(*(column.to_pylist() for column in shown), strict=True)


def csv(answer: Answer) -> Iterator[bytes]:
    """The result file of a query, in parts: header, every value quoted, NULL empty, lines end in `\\n`."""
    names = (column.name.replace('"', '""') for column in answer.columns)
    yield (",".join(f'"{name}"' for name in names) + "\n").encode()
    if answer.table is None or not answer.columns:
        return
    types = [parse(column.type) for column in answer.columns]
    for start in range(0, len(answer.table), _CSV_ROWS):
        part = answer.table.slice(start, _CSV_ROWS)
        quoted = [_quoted(texts(part.column(at), type_)) for at, type_ in enumerate(types)]
        lines = pc.binary_join_element_wise(*quoted, ",") if len(quoted) > 1 else quoted[0]
        yield ("\n".join(lines.to_pylist()) + "\n").encode()


def _quoted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    escaped = pc.replace_substring(column, '"', '""')
    return pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "")


def lines(answer: Answer) -> bytes:
    """The result file of DDL, SHOW, DESCRIBE and EXPLAIN: rows joined by `\\n`, without a final one."""
    found = rows(answer, 0, row_count(answer))
    return "\n".join("\t".join(value or "" for value in row) for row in found).encode()


def explained(plan: str) -> tuple[str, ...]:
    """Split a plan into lines: Athena first appends one more newline."""
    return tuple(f"{plan}\n".split("\n"))


def as_json(answer: Answer, start: int, stop: int) -> dict[str, Any]:
    """The ResultSet of GetQueryResults."""
    return {
        "Rows": [
            {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
            for row in rows(answer, start, stop)
        ],
        "ResultSetMetadata": {
            "ColumnInfo": [
                {
                    "CatalogName": "hive",
                    "SchemaName": "",
                    "TableName": "",
                    "Name": info.name,
                    "Label": info.name,
                    "Type": info.type,
                    "Precision": info.precision,
                    "Scale": info.scale,
                    "Nullable": "UNKNOWN",
                    "CaseSensitive": info.case_sensitive,
                }
                for info in column_infos(answer)
            ]
        },
    }
