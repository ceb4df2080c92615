"""The errors of the parser.

BronzeError          base
  ContractError      a contract file cannot be read or is invalid
  SourceError        the format of a raw file cannot be told from its key
  TokenKeyError      the contract has tokens but no key was given
  KernelError        the compiled part of the parser is missing or unusable
  FileRefusedError   a raw file is refused as a whole; `parse` turns this into a report

RefusedError is separate: it refuses a value, record or line, which goes to quarantine. `parse` never raises
it.
"""


class BronzeError(Exception):
    """Base of every error here. `message` says what happened and to what; `hint` says what to try."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ContractError(BronzeError):
    """A contract cannot be read or is invalid. `line` is 1-based, None if unknown."""

    def __init__(self, file: str, line: int | None, problem: str, *, hint: str = "") -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {problem}", hint=hint)
        self.file = file
        self.line = line


class SourceError(BronzeError):
    """The key of a raw file has an unknown suffix, or an epoch or extract that is not a number."""


class TokenKeyError(BronzeError):
    """The contract has tokens, but there is no key to make them with."""


class KernelError(BronzeError):
    """The kernel was not built, or was built for another kind of machine."""


class FileRefusedError(BronzeError):
    """A raw file is refused as a whole. `reason` is its code, as in `Report.failure`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(Exception):
    """A value, record or line is refused. `reason` is the code, such as `type` or `unknown_key:<key>`.

    `place` is the position in a nested value, such as `.zip` or `[]`.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def of(self, name: str) -> "RefusedError":
        """Return the same refusal with the name of the value added."""
        return RefusedError(f"{self.reason}:{name}{self.place}")
