"""Translate DuckDB's errors to Athena's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from localcloud.athena.errors import AthenaError, not_supported

# What `localcloud.athena.translate.terms.fail` raises: a cast of `CODE: text` to an integer, or text that
# `athena_fail` cannot parse.
_RAISED = (
    re.compile(r"Could not convert string '(?P<code>[A-Z_]+): (?P<text>.*)' to INT32", re.S),
    re.compile(r"Parser Error: Error parsing json: (?P<code>[A-Z_]+): (?P<text>.*)", re.S),
)
_UNCONVERTIBLE = re.compile(r"Could not convert string '(?P<value>.*?)' to (?P<type>\w+)", re.S)
_UNGROUPED = re.compile(r'column "?(?P<name>[^"]+?)"? must appear in the GROUP BY clause')

_KNOWN = (
    (
        "More than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    ("Map keys must be unique", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    (
        "map key list does not align",
        "INVALID_FUNCTION_ARGUMENT",
        "Key and value arrays must be the same length",
    ),
    ("Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT", "map key cannot be null"),
    (
        "subqueries in lambda expressions are not supported",
        "NOT_SUPPORTED",
        "A subquery inside a lambda or a DEFAULT in the local cloud",
    ),
    *(
        (words, "NOT_SUPPORTED", "A subquery in the condition of an outer join in the local cloud")
        for words in ("Cannot perform non-inner join on subquery", "Non-inner join on correlated columns")
    ),
    (
        "aggregate function calls cannot be nested",
        "NESTED_AGGREGATION",
        "line 1:1: Cannot nest aggregations inside aggregation",
    ),
    (
        "aggregate functions are not allowed in",
        "EXPRESSION_NOT_SCALAR",
        "line 1:1: Aggregations are not allowed here",
    ),
    (
        "GROUPING child",
        "INVALID_ARGUMENTS",
        "The arguments to GROUPING() must be expressions referenced by the GROUP BY at the associated query "
        "level",
    ),
    (
        "GROUPING statement cannot be used without groups",
        "MISSING_GROUP_BY",
        "line 1:1: A GROUPING() operation can only be used with a corresponding GROUPING "
        "SET/CUBE/ROLLUP/GROUP BY clause",
    ),
    (
        "WHERE clause cannot contain",
        "EXPRESSION_NOT_SCALAR",
        "line 1:1: WHERE clause cannot contain aggregations, window functions or grouping operations",
    ),
)


# RE2's errors for patterns that Java may accept.
_PATTERNS = (
    "invalid perl operator",
    "invalid escape sequence",
    "no argument for repetition operator",
    "bad repetition operator",
    "invalid character class",
    "missing ]",
    "missing )",
    "unexpected )",
    "invalid repetition size",
    "invalid named capture group",
    "invalid UTF-8",
)
# DuckDB's errors for dates and timestamps beyond its calendar.
_CALENDAR = ("in timestamp range", "Date out of range", "Timestamp out of range")


@contextmanager
def as_athena() -> Iterator[None]:
    """Turn DuckDB's errors into AthenaError."""
    try:
        yield
    except duckdb.InterruptException:
        raise AthenaError("USER_CANCELED", "Query cancelled!") from None
    except duckdb.Error as error:
        raise translated(error) from error


def translated(error: duckdb.Error) -> AthenaError:
    """Return the AthenaError for a DuckDB error; an unknown one is an internal error with its text."""
    message = str(error)
    if raised := next(filter(None, (pattern.search(message) for pattern in _RAISED)), None):
        return AthenaError(raised["code"], raised["text"])
    if any(words in message for words in _CALENDAR):
        return not_supported(f"Dates beyond DuckDB's calendar in the local cloud: {_first_line(message)}")
    if isinstance(error, duckdb.ConversionException):
        if found := _UNCONVERTIBLE.search(message):
            return AthenaError("INVALID_CAST_ARGUMENT", f"Cannot cast '{found['value']}' to {found['type']}")
        if "out of range for the destination type" in message:
            return AthenaError("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(message))
        return AthenaError("INVALID_CAST_ARGUMENT", _first_line(message))
    if isinstance(error, duckdb.OutOfRangeException):
        return AthenaError("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(message))
    if ungrouped := _UNGROUPED.search(message):
        return AthenaError(
            "EXPRESSION_NOT_AGGREGATE",
            f"line 1:1: '{ungrouped['name']}' must be an aggregate expression or appear in GROUP BY clause",
        )
    for words, code, text in _KNOWN:
        if words in message:
            return AthenaError(code, text)
    if any(words in message for words in _PATTERNS):
        return not_supported(f"This regular expression in the local cloud: {_first_line(message)}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return AthenaError("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor")
    return AthenaError("GENERIC_INTERNAL_ERROR", f"DuckDB: {_first_line(message)}")


def _first_line(message: str) -> str:
    kind, _, text = message.partition(": ")
    return (text or kind).strip().splitlines()[0]
