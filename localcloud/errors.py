"""The error tree of the local cloud."""


class LocalCloudError(Exception):
    """Base of every error that the local cloud raises on purpose; `hint` says what to try."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PortTakenError(LocalCloudError):
    """Another program listens on the port."""


class NotRunningError(LocalCloudError):
    """No local cloud runs in this folder."""


class FaultsError(LocalCloudError):
    """The file of faults cannot be read or contains something unknown."""


class StartError(LocalCloudError):
    """A part did not start."""

    exit_code = 3


class StateError(LocalCloudError):
    """The saved state cannot be read or written."""

    exit_code = 3


class NotFetchedError(LocalCloudError):
    """A program that is fetched on demand is not installed."""
