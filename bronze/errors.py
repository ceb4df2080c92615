"""What the parser raises on purpose.

BronzeError          base
  ContractError      a contract file cannot be read or says something impossible
  SourceError        a key does not say what kind of raw file it is
  TokenKeyError      the contract asks for tokens and no key was given
  KernelError        the compiled part of the parser is not there
  FileRefusedError   the content of a raw file is refused as a whole; `parse` turns it into a report

RefusedError, apart from these, refuses a value, record or line; it ends in quarantine and leaves no caller
of `parse` to deal with it.
"""


class BronzeError(Exception):
    """Base of every error here. `message` says what happened and to what; `hint` says what to try."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ContractError(BronzeError):
    """A contract cannot be read or says something impossible. `line` is 1-based, None when unknown."""

    def __init__(self, file: str, line: int | None, problem: str, *, hint: str = "") -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {problem}", hint=hint)
        self.file = file
        self.line = line


class SourceError(BronzeError):
    """The key of a raw file has an unknown suffix, or an epoch or extract that is no number."""


class TokenKeyError(BronzeError):
    """The contract marks columns for tokens, and there is no key to make them with."""


class KernelError(BronzeError):
    """The kernel was not built, or is that of another kind of machine."""


class FileRefusedError(BronzeError):
    """A raw file is refused as a whole. `reason` is its code, as in `Report.failure`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(Exception):
    """A value, record or line is refused. `reason` is the code, such as `type` or `unknown_key:<key>`.

    `place` is where in a nested value, such as `.zip` or `[]`.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def of(self, name: str) -> "RefusedError":
        """The same refusal, of a value that is called `name`."""
        return RefusedError(f"{self.reason}:{name}{self.place}")
