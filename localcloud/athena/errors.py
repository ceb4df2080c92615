"""Athena's errors as its users see them: `CODE: text`, a category, a type number.

One table gives each code its numbers, from Athena's error catalog. Where the catalog leaves a choice
(1001 and 1002 are both "data error"), the number is the one that Athena was observed to return; where
nothing was observed, we chose one.
"""

from dataclasses import dataclass
from uuid import uuid4

from localcloud.errors import LocalCloudError

SYSTEM, USER = 1, 2


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means to a client: its numbers in the error catalog, and whether to retry."""

    category: int
    error_type: int
    retryable: bool = False


MEANINGS: dict[str, Meaning] = {
    # names that do not resolve
    "TABLE_NOT_FOUND": Meaning(USER, 1301),
    "SCHEMA_NOT_FOUND": Meaning(USER, 1301),
    "CATALOG_NOT_FOUND": Meaning(USER, 1006),
    "NOT_FOUND": Meaning(USER, 1300),
    "COLUMN_NOT_FOUND": Meaning(USER, 1006),
    "FUNCTION_NOT_FOUND": Meaning(USER, 1303),
    "TABLE_ALREADY_EXISTS": Meaning(USER, 1110),
    "SCHEMA_ALREADY_EXISTS": Meaning(USER, 1100),
    "SCHEMA_NOT_EMPTY": Meaning(USER, 1100),
    "ALREADY_EXISTS": Meaning(USER, 1100),
    # statements that are wrong or refused
    "SYNTAX_ERROR": Meaning(USER, 1006),
    "TYPE_MISMATCH": Meaning(USER, 1002),
    "TYPE_NOT_FOUND": Meaning(USER, 1006),
    "MISSING_COLUMN_NAME": Meaning(USER, 1100),
    "MISMATCHED_COLUMN_ALIASES": Meaning(USER, 1006),
    "DUPLICATE_COLUMN_NAME": Meaning(USER, 1006),
    "COLUMN_ALREADY_EXISTS": Meaning(USER, 1006),
    "AMBIGUOUS_NAME": Meaning(USER, 1006),
    "EXPRESSION_NOT_AGGREGATE": Meaning(USER, 1006),
    "EXPRESSION_NOT_SCALAR": Meaning(USER, 1006),
    "MISSING_GROUP_BY": Meaning(USER, 1006),
    "MISSING_ORDER_BY": Meaning(USER, 1006),
    "MISSING_OVER": Meaning(USER, 1006),
    "NESTED_AGGREGATION": Meaning(USER, 1006),
    "NESTED_WINDOW": Meaning(USER, 1006),
    "INVALID_WINDOW_FRAME": Meaning(USER, 1006),
    "INVALID_LITERAL": Meaning(USER, 1006),
    "INVALID_VIEW": Meaning(USER, 1107),
    "VIEW_IS_STALE": Meaning(USER, 1107),
    "VIEW_IS_RECURSIVE": Meaning(USER, 1107),
    "INVALID_TABLE_PROPERTY": Meaning(USER, 1103),
    "INVALID_COLUMN_REFERENCE": Meaning(USER, 1006),
    "INVALID_PARAMETER_USAGE": Meaning(USER, 1100),
    "INVALID_ARGUMENTS": Meaning(USER, 1106),
    "INVALID_PATH": Meaning(USER, 1006),
    "NOT_SUPPORTED": Meaning(USER, 1200),
    "QUERY_REJECTED": Meaning(USER, 1008),
    # values that are wrong
    "INVALID_CAST_ARGUMENT": Meaning(USER, 1100),
    "INVALID_FUNCTION_ARGUMENT": Meaning(USER, 1106),
    "DIVISION_BY_ZERO": Meaning(USER, 1001),
    "JSON_INPUT_CONVERSION_ERROR": Meaning(USER, 1001),
    "JSON_OUTPUT_CONVERSION_ERROR": Meaning(USER, 1001),
    "JSON_VALUE_RESULT_ERROR": Meaning(USER, 1001),
    "PATH_EVALUATION_ERROR": Meaning(USER, 1001),
    "NUMERIC_VALUE_OUT_OF_RANGE": Meaning(USER, 1001),
    "SUBQUERY_MULTIPLE_ROWS": Meaning(USER, 1001),
    "MERGE_TARGET_ROW_MULTIPLE_MATCHES": Meaning(USER, 1001),
    "CONSTRAINT_VIOLATION": Meaning(USER, 1001),
    # tables of Hive
    "HIVE_BAD_DATA": Meaning(USER, 1001),
    "HIVE_CURSOR_ERROR": Meaning(USER, 1001),
    "HIVE_CANNOT_OPEN_SPLIT": Meaning(USER, 1001),
    "HIVE_INVALID_METADATA": Meaning(USER, 1004),
    "HIVE_PARTITION_SCHEMA_MISMATCH": Meaning(USER, 1004),
    "HIVE_PATH_ALREADY_EXISTS": Meaning(USER, 1100),
    "HIVE_TOO_MANY_OPEN_PARTITIONS": Meaning(USER, 1100),
    "HIVE_COLUMN_ORDER_MISMATCH": Meaning(USER, 1100),
    "HIVE_UNSUPPORTED_FORMAT": Meaning(USER, 1200),
    "HIVE_METASTORE_ERROR": Meaning(SYSTEM, 204),
    "TOO_MANY_OPEN_PARTITIONS": Meaning(USER, 1100),
    # tables of Iceberg; dbt-athena recognises a lost commit by the number 233
    "ICEBERG_COMMIT_ERROR": Meaning(USER, 233),
    "ICEBERG_TOO_MANY_OPEN_PARTITIONS": Meaning(USER, 1100),
    "ICEBERG_BAD_DATA": Meaning(USER, 1001),
    "ICEBERG_INVALID_METADATA": Meaning(USER, 1004),
    "ICEBERG_MISSING_METADATA": Meaning(USER, 1302),
    "ICEBERG_CURSOR_ERROR": Meaning(USER, 1001),
    "ICEBERG_WRITER_OPEN_ERROR": Meaning(SYSTEM, 233),
    "ICEBERG_CATALOG_ERROR": Meaning(SYSTEM, 204),
    "ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED": Meaning(USER, 233),
    "ICEBERG_VACUUM_MORE_RUNS_NEEDED": Meaning(USER, 233),
    "ICEBERG_UNSUPPORTED_VIEW_DIALECT": Meaning(USER, 1200),
    # around the query
    "PERMISSION_DENIED": Meaning(USER, 1305),
    "S3_BUCKET_NOT_FOUND": Meaning(USER, 1306),
    "RESULT_WRITE_FAILED": Meaning(USER, 401),
    "EXCEEDED_LOCAL_MEMORY_LIMIT": Meaning(USER, 0, True),
    "QUERY_TIMEOUT": Meaning(USER, 206),
    "USER_CANCELED": Meaning(USER, 1011),
    "GLUE_THROTTLED": Meaning(USER, 1401, True),
    "GENERIC_USER_ERROR": Meaning(USER, 1000),
    "GENERIC_INTERNAL_ERROR": Meaning(SYSTEM, 200),
    # Hive's errors: the text is shown without a code ("FAILED: SemanticException …")
    "HIVE_DDL": Meaning(USER, 1006),
    "ICEBERG_DDL": Meaning(USER, 1200),
}

# Codes that only we use: clients see only the text.
_SILENT = frozenset(
    {
        "BYTES_LIMIT",
        "HIVE_DDL",
        "ICEBERG_DDL",
        "S3_BUCKET_NOT_FOUND",
        "RESULT_WRITE_FAILED",
        "USER_CANCELED",
        "GLUE_THROTTLED",
    }
)


class AthenaError(LocalCloudError):
    """A statement failed. `code` and `message` are Athena's; `str()` is the text a client sees.

    `text` is the message without the code. The numbers come from the table above unless given; for unknown
    codes it is a user error of type 1000.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        category: int | None = None,
        error_type: int | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message if code in _SILENT else f"{code}: {message}")
        meaning = MEANINGS.get(code, Meaning(USER, 1000))
        self.code = code
        self.text = message
        self.category = meaning.category if category is None else category
        self.error_type = meaning.error_type if error_type is None else error_type
        self.retryable = meaning.retryable if retryable is None else retryable


class BytesLimitError(AthenaError):
    """A statement would read more than its workgroup allows: Athena cancels it."""

    def __init__(self) -> None:
        super().__init__("BYTES_LIMIT", "Bytes scanned limit was exceeded")


class InvalidRequestError(LocalCloudError):
    """The API refuses the call itself, before or instead of a query: `InvalidRequestException`."""

    def __init__(self, message: str, *, code: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.code = code


class SerializationError(LocalCloudError):
    """A call's body is not the JSON that it should be: `SerializationException`."""


class MetadataError(LocalCloudError):
    """The catalog refused a metadata call: `MetadataException`."""


class ResourceNotFoundError(LocalCloudError):
    """A prepared statement does not exist: `ResourceNotFoundException`."""

    def __init__(self, message: str, *, resource: str = "") -> None:
        super().__init__(message)
        self.resource = resource


class UnknownOperationError(LocalCloudError):
    """The API has no such operation: `UnknownOperationException`."""


def _at(line: int, column: int) -> str:
    return f"line {line}:{column}: "


def table_not_found(database: str, table: str, *, line: int = 1, column: int = 1) -> AthenaError:
    """A query names a table or view that the catalog lacks."""
    text = f"Table 'awsdatacatalog.{database}.{table}' does not exist"
    return AthenaError("TABLE_NOT_FOUND", _at(line, column) + text)


def schema_not_found(database: str, *, line: int = 1, column: int = 1) -> AthenaError:
    """A query names a database that the catalog lacks."""
    return AthenaError("SCHEMA_NOT_FOUND", _at(line, column) + f"Schema '{database}' does not exist")


def column_not_found(name: str, *, line: int = 1, column: int = 1) -> AthenaError:
    """A query names a column that none of its relations has."""
    text = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
    return AthenaError("COLUMN_NOT_FOUND", _at(line, column) + text)


def table_already_exists(database: str, table: str, *, line: int = 1, column: int = 1) -> AthenaError:
    """A CTAS names a table that exists."""
    text = f"Destination table 'awsdatacatalog.{database}.{table}' already exists"
    return AthenaError("TABLE_ALREADY_EXISTS", _at(line, column) + text)


def function_not_found(
    name: str, *, absent_here: bool = False, line: int = 1, column: int = 1
) -> AthenaError:
    """A query calls a function that Athena or (`absent_here`) our verified list of functions lacks."""
    more = ": Trino has it, the local cloud does not" if absent_here else ""
    return AthenaError("FUNCTION_NOT_FOUND", _at(line, column) + f"Function '{name}' not registered{more}")


def syntax_error(message: str, *, line: int = 1, column: int = 1) -> AthenaError:
    """A statement that does not parse or has no meaning."""
    return AthenaError("SYNTAX_ERROR", _at(line, column) + message)


def not_supported(message: str) -> AthenaError:
    """A statement that Athena refuses, or that this gateway cannot run as Athena does."""
    return AthenaError("NOT_SUPPORTED", message)


def iceberg_commit_failed(database: str, table: str) -> AthenaError:
    """Another writer committed first; dbt-athena retries on this code and number."""
    text = f"Failed to commit Iceberg update to table: {database}.{table}"
    return AthenaError("ICEBERG_COMMIT_ERROR", text)


def too_many_open_partitions(table_type: str = "iceberg", limit: int = 100) -> AthenaError:
    """A write opens more partitions than Athena allows; dbt-athena then splits the write."""
    code = "ICEBERG_TOO_MANY_OPEN_PARTITIONS" if table_type == "iceberg" else "HIVE_TOO_MANY_OPEN_PARTITIONS"
    return AthenaError(code, f"Exceeded limit of {limit} open writers for partitions/buckets")


def hive_semantic(text: str) -> AthenaError:
    """A DDL statement that names something wrong, in Hive's words."""
    return AthenaError("HIVE_DDL", f"FAILED: SemanticException {text}")


def hive_execution(text: str) -> AthenaError:
    """A DDL statement that the metastore refused, in Hive's words."""
    prefix = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
    return AthenaError("HIVE_DDL", prefix + text)


def hive_parse(text: str) -> AthenaError:
    """A DDL statement that Athena accepts and Hive then cannot read."""
    return AthenaError("HIVE_DDL", f"FAILED: ParseException {text}")


def iceberg_ddl(text: str = "Query type not supported by Athena Iceberg at this time") -> AthenaError:
    """A DDL statement that Athena does not run on Iceberg tables."""
    return AthenaError("ICEBERG_DDL", text)


def entity_not_found() -> InvalidRequestError:
    """DESCRIBE or SHOW COLUMNS of something that does not exist: refused before it runs."""
    return InvalidRequestError(_entity_not_found())


def metadata_not_found() -> MetadataError:
    """A metadata call about a database or table that does not exist."""
    return MetadataError(_entity_not_found())


def _entity_not_found() -> str:
    """Glue's text, by which clients tell a missing entity from a failed call."""
    detail = f"Status Code: 400; Error Code: EntityNotFoundException; Request ID: {uuid4()}; Proxy: null"
    return f"Entity Not Found (Service: AmazonDataCatalog; {detail})"
