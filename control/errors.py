"""The error tree of the control plane, and the table of what each class means to callers.

DataError           content or a check is wrong: a finding
UsageError          the command, a setting or a file of the caller is wrong
  ContractError     a contract file cannot be used
  NotFoundError     the named table, file or batch does not exist
  RawKeyError       the key of a raw file does not follow the rules for keys
UpstreamError       a system we depend on failed
  ThrottledError    it asked us to slow down: try again
  UnavailableError  it cannot be reached: try again
  EngineError       an engine stopped, or its output differs from its report
ConflictError       a conditional write lost: read again and decide
  BusyError         somebody else is working on the same thing: try again later
  StaleEpochError   this worker was fenced off: stop without changing anything
"""

import errno
from dataclasses import dataclass

# Errors of a full disk, an exceeded quota, and a limit on file sizes.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ControlError(Exception):
    """Base of every error that the control plane raises on purpose.

    `message` says what happened and to what; `hint` says what to try. Both may contain keys from outside, so
    control characters are escaped.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = printable(message)
        self.hint = printable(hint)
        super().__init__(self.message)


class DataError(ControlError):
    """Content or a check is wrong: a finding, not a failure of the program."""


class UsageError(ControlError):
    """The command line, a setting or a file of the caller is wrong."""


class ContractError(UsageError):
    """A contract file cannot be read or says something impossible."""


class NotFoundError(UsageError):
    """The named table, file or batch does not exist."""


class RawKeyError(UsageError):
    """The parser cannot tell the shape of a raw file from its key."""


class UpstreamError(ControlError):
    """A system that we depend on failed."""


class ThrottledError(UpstreamError):
    """The other side asked us to slow down."""


class UnavailableError(UpstreamError):
    """The other side cannot be reached."""


class EngineError(UpstreamError):
    """An engine stopped, or what it wrote differs from its report."""


class ConflictError(UpstreamError):
    """A conditional write lost against another writer."""


class BusyError(ConflictError):
    """Somebody else is working on the same thing; nothing was changed."""


class StaleEpochError(ConflictError):
    """This worker's epoch is not the newest: another one has taken over."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error class means to callers: exit code, HTTP status, and whether to try again."""

    exit_code: int
    http_status: int
    retryable: bool


# The nearest class in the method resolution order decides.
MEANINGS: dict[type[ControlError], Meaning] = {
    DataError: Meaning(1, 422, False),
    UsageError: Meaning(2, 400, False),
    NotFoundError: Meaning(2, 404, False),
    UpstreamError: Meaning(3, 502, False),
    ThrottledError: Meaning(3, 503, True),
    UnavailableError: Meaning(3, 503, True),
    ConflictError: Meaning(3, 409, False),
}


def printable(text: str) -> str:
    """Escape what is neither printable nor a line feed, so that a terminal shows `\\x1b[31m` as text."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text
    )


def meaning(error: ControlError) -> Meaning:
    """Return what `error` means to callers."""
    return next(MEANINGS[cls] for cls in type(error).__mro__ if cls in MEANINGS)
