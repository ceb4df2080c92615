"""Translate Trino's errors to Athena's: the codes are the same, except for a few texts and names."""

from collections.abc import Iterator
from contextlib import contextmanager

from localcloud.athena.engines.trino.client import StatementError
from localcloud.athena.errors import AthenaError

_UNAUTHORIZED = " or requester is not authorized to access requested resources"
_CODES = {
    # Athena's error catalog has no name for these.
    "EXCEEDED_LOCAL_MEMORY_LIMIT": "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "EXCEEDED_GLOBAL_MEMORY_LIMIT": "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "USER_CANCELED": "USER_CANCELED",
    "TRANSACTION_CONFLICT": "ICEBERG_COMMIT_ERROR",
}


@contextmanager
def as_athena() -> Iterator[None]:
    """Turn Trino's errors into AthenaError."""
    try:
        yield
    except StatementError as error:
        raise translated(error) from error


def translated(error: StatementError) -> AthenaError:
    """Return the AthenaError for a Trino error."""
    code = _CODES.get(error.name, error.name) or "GENERIC_INTERNAL_ERROR"
    message = error.message
    if code == "COLUMN_NOT_FOUND" and message.endswith("cannot be resolved"):
        message += _UNAUTHORIZED
    return AthenaError(code, message.removeprefix(f"{code}: "))
